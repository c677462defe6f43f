"""What would happen to one VM, as `plan` and `audit` show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reactor.model.drift import Check
from reactor.model.identity import VmRef
from reactor.model.proven_time import START, ProvenTime
from vmdrift.plan.free_room import Amounts
from workers.decide.observation import Volume


class Outcome(StrEnum):
    """What would happen to a VM."""

    MOVES = "moves"
    STAYS = "stays"  # down, until the node is back or somebody does something
    UNAFFECTED = "unaffected"  # it runs elsewhere by now, or is not to run
    UNKNOWN = "unknown"  # the dump does not hold what this depends on


@dataclass(frozen=True, slots=True)
class ExpectedTimes:
    """In seconds: `release` from Unknown to the force delete, then `detach`, at least and at most, then `start`."""

    release: float
    detach: tuple[float, float]
    start: float = START

    @property
    def total(self) -> tuple[float, float]:
        """From Unknown to Running, at least and at most."""
        least, most = self.detach
        return self.release + least + self.start, self.release + most + self.start


@dataclass(frozen=True, slots=True)
class Prediction:
    """One VM's. `reason` is a code of REASONS, "" where it would move; `policy` what its owners ask for.

    `targets` are nodes that it could go to, `room` those of them that have room for it now, `place` the one where it
    finds room when the node's VMs go one after the other ("": there is none left). `needs`: see `plan.free_room`;
    `beyond`: what of it no target has so much of, even when empty. `ifs`: it moves only if all of these are true, which
    nobody can know before. `lost_disks`: volumes that were plugged into the lost instance only, so that the VM comes up
    without them. `unheeded`: what its owners ask for and does not count, in sentences. `proven`: how soon it
    runs again with proof, the soonest first.
    """

    vm: VmRef
    outcome: Outcome
    reason: str = ""
    sentence: str = ""
    checks: tuple[Check, ...] = ()
    policy: str = ""
    volumes: tuple[Volume, ...] = ()
    targets: tuple[str, ...] = ()
    room: tuple[str, ...] = ()
    place: str = ""
    needs: Amounts = field(default_factory=dict)
    beyond: tuple[str, ...] = ()
    takes: ExpectedTimes | None = None
    ifs: tuple[str, ...] = ()
    lost_disks: tuple[str, ...] = ()
    unheeded: tuple[str, ...] = ()
    proven: tuple[ProvenTime, ...] = ()

    @property
    def moves(self) -> bool:
        """Also where it does so only on conditions (`ifs`)."""
        return self.outcome is Outcome.MOVES

    @property
    def objections(self) -> Mapping[str, str]:
        """Everything that stands against its move, not the first only: reason code -> sentence."""
        if self.outcome is not Outcome.STAYS:
            return {}
        failed = {check.reason: check.sentence for check in self.checks if not check.held}
        return {**failed, self.reason: self.sentence}


def unknown(vm: VmRef, why: str) -> Prediction:
    """`why`: what is lacking."""
    return Prediction(vm, Outcome.UNKNOWN, sentence=f"Unknown: {why}.")
