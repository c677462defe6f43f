"""The cases: VMs on a node whose power is cut, and how far vm-drift goes with each. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.scene import FOR_EVER, Storage, Vm

Told = tuple[str, str]  # phase and reason of a drift
MOVES: Told = ("completed", "running-elsewhere")
OBSERVED: Told = ("blocked", "observe-only")
ALIVE: Told = ("blocked", "virt-handler-alive")
RETURNED: Told = ("cancelled", "node-returned")
_NODE_LOCAL: Told = ("refused", "node-local-volume")
_PINNED: Told = ("refused", "pinned-to-node")
_UNSUPPORTED: Told = ("refused", "unsupported-storage")
_NOT_RESTARTED: Told = ("refused", "run-strategy")
_NEVER: Told = ("refused", "policy-never")
_SHARED: Told = ("blocked", "shared-volume-not-fenced")
_NOT_EVICTED: Told = ("blocked", "not-terminating")

_SOON = 5  # seconds that launchers tolerate a lost node, so that they are Terminating by vm-drift's window's end


@dataclass(frozen=True)
class Case:
    """A VM (namespace and node are the site's to say), and its drift's story once nothing more happens."""

    vm: Vm
    story: Told


def _annotated(name: str, value: str) -> Mapping[str, str]:
    return {f"vmdrift.io/{name}": value}


_TABLE = (
    Case(Vm("web", toleration=_SOON), MOVES),
    Case(Vm("legacy", toleration=_SOON, running=True), MOVES),
    Case(Vm("batch", toleration=_SOON, run_strategy="RerunOnFailure"), MOVES),
    Case(Vm("database", Storage.RBD_BLOCK, toleration=_SOON, annotations=_annotated("detach", "wait")), MOVES),
    Case(Vm("queue", Storage.RBD_BLOCK, toleration=_SOON, annotations=_annotated("detach", "delete")), MOVES),
    Case(Vm("plugged", Storage.RBD_HOTPLUGGED, toleration=_SOON), MOVES),
    Case(Vm("scratch", Storage.LOCAL, toleration=_SOON), _NODE_LOCAL),
    Case(Vm("licence", pinned=True, toleration=_SOON), _PINNED),
    Case(Vm("foreign", Storage.OTHER_CSI, toleration=_SOON), _UNSUPPORTED),
    Case(Vm("manual", run_strategy="Manual", toleration=_SOON), _NOT_RESTARTED),
    Case(Vm("never", toleration=_SOON, annotations=_annotated("policy", "never")), _NEVER),
    Case(Vm("observed", toleration=_SOON, annotations=_annotated("policy", "observe")), OBSERVED),
    Case(Vm("shared", Storage.RBD_SHARED, toleration=_SOON), _SHARED),
    Case(Vm("stubborn", toleration=FOR_EVER), _NOT_EVICTED),
)
CASES = {case.vm.name: case for case in _TABLE}
MOVED = tuple(name for name, case in CASES.items() if case.story == MOVES)
STAYS = tuple(name for name in CASES if name not in MOVED)
RESTARTED = tuple(name for name in STAYS if CASES[name].vm.run_strategy != "Manual")
BLOCKED = tuple(name for name, case in CASES.items() if case.story[0] == "blocked")

CALM = Vm("wiki")  # on a node that is lost for a moment only
HEARD = Vm("forum", toleration=_SOON)  # on a node of which the kubelet alone dies: virt-handler is still heard
