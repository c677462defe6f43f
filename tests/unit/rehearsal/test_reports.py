"""Plan and rehearsal of every dump in tests/reports agree about each VM, or the table below says why not."""

from pathlib import Path

import pytest

from reactor.model.drift import Policy
from rehearsal.loaded import loaded
from rehearsal.outage import played
from tests.support.chance import every_other
from tests.support.places import REPORTS
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.judge import predictions
from vmdrift.plan.prediction import Outcome, Prediction
from vmdrift.snapshot import from_dump

_FILES = sorted(Path(REPORTS).glob("*.json"))
# VM of a dump -> why they do not say the same.
DIFFER = {
    ("r07-topology-spread", "default/cp-0"): (
        "virt-controller calls the lost node unschedulable after five minutes; then it is no domain of the spread any "
        "more, and the VM fits. A plan counts it (docs/plan.md, Placement)."
    ),
    ("r07-topology-spread", "default/cp-1"): "The same.",
    ("r09-finished-instances", "default/moved"): (
        "Its instance was moved by a migration whose objects no dump holds; the simulated virt-controller waits for it."
    ),
    ("r36-long-name", "default/" + "a" * 60): "A name that is cut in a label; the rehearsal leaves it out.",
}


def _agree(predicted: Prediction | None, down: float | None) -> bool:
    """What a plan does not know, or knows only on conditions, is no disagreement.

    What asks for more than any node has moves by a plan, which names that (`beyond`), and is Pending in a rehearsal.
    """
    if predicted is None or predicted.outcome is Outcome.UNKNOWN or predicted.ifs:
        return True
    if predicted.beyond:
        return down is None
    return (predicted.outcome is Outcome.MOVES) == (down is not None)


def _differs(dump: str, vm: str) -> bool:
    return any(dump == name and vm.startswith(prefix) for name, prefix in DIFFER)


@pytest.mark.parametrize("dump", every_other(_FILES, [file.stem for file in _FILES]))
def test_of_each_healthy_node_they_agree(dump: Path) -> None:
    there = from_dump(str(dump))
    for node in [view.name for view in there.nodes if view.ready == "True"][:2]:
        told = {str(one.vm): one for one in predictions(there, node, Policy(), FreeRoom.of(there))}
        for one in played(loaded(there.objects, there.at), [node], Policy()):
            agree = _agree(told.get(str(one.vm)), one.down)
            assert agree or _differs(dump.stem, str(one.vm)), (node, str(one.vm), told.get(str(one.vm)), one)
