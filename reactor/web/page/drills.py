"""What the page shows of fence drills, and of how long a VM is down with proof. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from reactor.model.drift import Policy, Proof, Record
from reactor.model.fence_drill import TAINT, FenceDrill, not_fenceable
from reactor.model.proven_time import soonest

_ANY = frozenset({"any"})  # a driver: of a VM with a volume


@dataclass(frozen=True, slots=True)
class DrillRow:
    """One node. `proven`: how soon its VMs run again by what passed, "" where nothing did."""

    node: str
    fenceable: bool
    failed: tuple[FenceDrill, ...]
    passed: tuple[FenceDrill, ...]
    proven: str


def drill_rows(drills: Sequence[FenceDrill], policy: Policy) -> list[DrillRow]:
    """By node, those first that cannot be fenced, then those of which something failed."""
    lost_hope = not_fenceable(drills)
    rows = [
        _row(node, [drill for drill in drills if drill.node == node], policy, fenceable=node not in lost_hope)
        for node in dict.fromkeys(drill.node for drill in drills)
    ]
    return sorted(rows, key=lambda row: (row.fenceable, not row.failed, row.node))


def _row(node: str, drills: Sequence[FenceDrill], policy: Policy, *, fenceable: bool) -> DrillRow:
    passed = tuple(drill for drill in drills if drill.passed)
    names = tuple(drill.provider for drill in passed if drill.provider != TAINT)
    return DrillRow(
        node, fenceable, tuple(drill for drill in drills if not drill.passed), passed, soonest(names, policy, _ANY)
    )


def with_proof(record: Record, policy: Policy) -> str:
    """How soon this VM would have run again, or will, with proof; "" once it was released, or nobody can prove it."""
    if record.ended or record.released_at is not None or record.proof is Proof.FENCED:
        return ""
    return soonest(policy.fencing, policy, frozenset(disk.driver for disk in record.disks if disk.driver))
