"""`plan` and `audit` with `-n` or `-l`: all VMs are judged, because they share room and claims; some are shown."""

from collections.abc import Sequence

from reactor.model.errors import BadInput
from reactor.model.identity import INSTANCE, VmRef
from reactor.model.objects import part
from vmdrift.command import say
from vmdrift.plan.prediction import Prediction
from vmdrift.selector import Labels, VmSelector
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.dump_file import MAKE

_VMS, _INSTANCES = "virtualmachines", "virtualmachineinstances"


def selected(snapshot: ClusterSnapshot, predictions: Sequence[Prediction], only: VmSelector) -> list[Prediction]:
    """Those that are asked for. Raises BadInput where labels are asked for and nobody knows them."""
    if only.labels and not snapshot.vm_labels:
        raise BadInput(f"-l: this dump holds no labels of VMs, as those of earlier versions; {MAKE}")
    return [
        prediction
        for prediction in predictions
        if only.covers(prediction.vm.namespace, lambda vm=prediction.vm: _labels(snapshot, vm))  # type: ignore[misc]
    ]


def _labels(snapshot: ClusterSnapshot, vm: VmRef) -> Labels | None:
    """The VM's own, as `kubectl get vm -l` has it; None where there is no such object."""
    obj = snapshot.there(_INSTANCES if vm.kind == INSTANCE else _VMS, vm.name, vm.namespace)
    return None if obj is None else part(obj, "metadata", "labels")


def say_selected(only: VmSelector) -> None:
    """A line above the answer."""
    if only.words:
        say(f"Only VMs of {only.words}; counts and exit code are of these.")
