"""`vmdrift plan NODE`: what would become of each of its VMs if the node were lost now, for people or as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from reactor.model.drift import Policy
from vmdrift.cli.command import CANNOT_TELL, print_json
from vmdrift.cli.terminal import Terminal
from vmdrift.plan.advice import change
from vmdrift.plan.fence import fence_of
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.judge import fates
from vmdrift.plan.prediction import Outcome, Prediction
from vmdrift.plan.table import show
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.source import told
from workers.decide.observation import Volume

VERSION = 1  # of the JSON; within a version fields are only added


def plan(node: str, *, as_json: bool, dump: str) -> int:
    """Print it; returns the exit code."""

    def tell(there: ClusterSnapshot, policy: Policy) -> int:
        found, fence = fates(there, node, policy, FreeRoom.of(there)), fence_of(there, node, policy)
        if as_json:
            print_json({**as_object(there, node, policy, found), "fence": fence.as_object() if fence else None})
            return exit_code(found)
        console = Terminal()
        show(console, there, node, found)
        if fence:
            console.print(Text(fence.sentence))
        return exit_code(found)

    return told("plan", dump, tell)


def exit_code(found: Sequence[Prediction]) -> int:
    """1 when some VM would stay down, else 2 when of some it cannot be told, else 0."""
    outcomes = {fate.outcome for fate in found}
    if Outcome.STAYS in outcomes:
        return 1
    return CANNOT_TELL if Outcome.UNKNOWN in outcomes else 0


def as_object(there: ClusterSnapshot, node: str, policy: Policy, found: Sequence[Prediction]) -> dict[str, Any]:
    """The shape that docs/plan.md documents; times in seconds, moments in seconds since the epoch."""
    view = next(view for view in there.nodes if view.name == node)
    return {
        "version": VERSION,
        "node": node,
        "lost_since": view.outage.since if view.outage else None,
        "read_at": there.at,
        "absent": there.absent,
        "settings": asdict(policy),
        "summary": summary(found),
        "vms": [vm_object(fate, lost=view.outage is not None) for fate in found],
    }


def summary(found: Sequence[Prediction]) -> dict[str, int]:
    """How many VMs have which outcome."""
    counted = Counter(fate.outcome for fate in found)
    return {outcome.value: counted[outcome] for outcome in Outcome}


def vm_object(fate: Prediction, *, lost: bool) -> dict[str, Any]:
    """One VM's fate; `lost`: its node is lost already."""
    return {
        "namespace": fate.vm.namespace,
        "name": fate.vm.name,
        "kind": fate.vm.kind,
        "outcome": fate.outcome.value,
        "reason": fate.reason,
        "sentence": fate.sentence,
        "fix": change(fate.reason, fate.volumes, lost=lost) if fate.reason else "",
        "policy": fate.policy,
        "checks": [asdict(check) for check in fate.checks],
        "targets": fate.targets,
        "room_on": fate.room,
        "place": fate.place,
        "ifs": fate.ifs,
        "lost_disks": fate.lost_disks,
        "unheeded": fate.unheeded,
        "beyond": fate.beyond,
        "requests": {name: amount / 1000 for name, amount in fate.needs.items()},
        "volumes": [_volume(volume) for volume in fate.volumes],
        "takes": _takes(fate),
    }


def _takes(fate: Prediction) -> dict[str, Any] | None:
    if fate.takes is None:
        return None
    return {**asdict(fate.takes), "total": fate.takes.total}


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
