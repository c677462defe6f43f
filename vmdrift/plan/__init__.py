"""`vmdrift plan NODE`: what would happen to each of its VMs if the node were lost now, for people or as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from reactor.model.drift import Policy
from vmdrift import output
from vmdrift.command import CANNOT_TELL, say
from vmdrift.plan.advice import change_of
from vmdrift.plan.fence import fence_of
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.judge import predictions
from vmdrift.plan.prediction import Outcome, Prediction
from vmdrift.plan.select import say_selected, selected
from vmdrift.plan.table import show
from vmdrift.selector import ALL, VmSelector
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.installed import JudgedBy
from vmdrift.snapshot.source import run_on_snapshot
from vmdrift.terminal import Terminal
from workers.decide.observation import Volume

VERSION = 1  # of the JSON; within a version fields are only added


def plan(node: str, *, as_json: bool, dump: str, only: VmSelector = ALL) -> int:
    """Print it; returns the exit code."""

    def report(snapshot: ClusterSnapshot, judged: JudgedBy) -> int:
        policy = judged.policy
        predicted = selected(snapshot, predictions(snapshot, node, policy, FreeRoom.of(snapshot)), only)
        fence = fence_of(snapshot, node, policy)
        if as_json:
            more = {
                "settings_from": judged.as_object(),
                "selected": only.words,
                "fence": fence.as_object() if fence else None,
            }
            output.show({**as_object(snapshot, node, policy, predicted), **more})
            return exit_code(predicted)
        console = Terminal()
        say(judged.sentence)
        say_selected(only)
        show(console, snapshot, node, predicted)
        if fence:
            console.print(Text(fence.sentence))
        return exit_code(predicted)

    return run_on_snapshot("plan", dump, report)


def exit_code(predictions: Sequence[Prediction]) -> int:
    """1 when some VM would stay down, else 2 when it is unknown of some, else 0."""
    outcomes = {prediction.outcome for prediction in predictions}
    if Outcome.STAYS in outcomes:
        return 1
    return CANNOT_TELL if Outcome.UNKNOWN in outcomes else 0


def as_object(
    snapshot: ClusterSnapshot, node: str, policy: Policy, predictions: Sequence[Prediction]
) -> dict[str, Any]:
    """The shape that docs/plan.md documents; times in seconds, moments in seconds since the epoch."""
    view = next(view for view in snapshot.nodes if view.name == node)
    return {
        "version": VERSION,
        "node": node,
        "lost_since": view.outage.since if view.outage else None,
        "read_at": snapshot.at,
        "absent": snapshot.absent,
        "settings": asdict(policy),
        "summary": summary(predictions),
        "vms": [vm_object(prediction, node, lost=view.outage is not None) for prediction in predictions],
    }


def summary(predictions: Sequence[Prediction]) -> dict[str, int]:
    """How many VMs have which outcome."""
    counted = Counter(prediction.outcome for prediction in predictions)
    return {outcome.value: counted[outcome] for outcome in Outcome}


def vm_object(prediction: Prediction, node: str, *, lost: bool) -> dict[str, Any]:
    """One VM's prediction; `lost`: its node is lost already."""
    return {
        "namespace": prediction.vm.namespace,
        "name": prediction.vm.name,
        "kind": prediction.vm.kind,
        "outcome": prediction.outcome.value,
        "reason": prediction.reason,
        "sentence": prediction.sentence,
        "fix": change_of(prediction.vm, prediction.reason, prediction.volumes, lost=lost, node=node)
        if prediction.reason
        else "",
        "policy": prediction.policy,
        "checks": [asdict(check) for check in prediction.checks],
        "targets": prediction.targets,
        "room_on": prediction.room,
        "place": prediction.place,
        "ifs": prediction.ifs,
        "lost_disks": prediction.lost_disks,
        "unheeded": prediction.unheeded,
        "beyond": prediction.beyond,
        "requests": {name: amount / 1000 for name, amount in prediction.needs.items()},
        "volumes": [_volume(volume) for volume in prediction.volumes],
        "takes": _takes(prediction),
        "with_proof": [asdict(time) for time in prediction.proven],
    }


def _takes(prediction: Prediction) -> dict[str, Any] | None:
    if prediction.takes is None:
        return None
    return {**asdict(prediction.takes), "total": prediction.takes.total}


def _volume(volume: Volume) -> dict[str, Any]:
    return {
        "name": volume.name,
        "kind": volume.kind,
        "claim": volume.claim,
        "volume": volume.pv,
        "driver": volume.driver or volume.source,
        "modes": volume.modes,
        "attached_to_node": volume.held is not None,
        "left": volume.left,
    }
