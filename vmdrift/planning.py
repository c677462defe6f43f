"""What would become of each VM of a node if the node were lost: the judgement of a drift, on `vmdrift.whatif`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reactor.model.drift import Check, Phase, Policy, Record
from reactor.model.errors import ClusterError
from reactor.model.identity import Drift, VmRef
from vmdrift.room import Amounts, Room, requests
from vmdrift.snapshot import Snapshot
from vmdrift.whatif import IfLost
from workers.decide import candidates, decide
from workers.decide.decision import Decision, Judgement, Release
from workers.decide.observation import Observation, PodView, Volume
from workers.decide.wishes import wished
from workers.launchers import on_node
from workers.observe import observe
from workers.surroundings import Surroundings

# Measured on a real control plane.
START = 5.0  # seconds, at most, from the last obstacle to Running
SYNC = 60.0  # seconds, at most, until the attach-detach controller attaches what was detached by hand
_ASSUMED = frozenset({"node", "window", "signs of life"})  # checks of an outage that is only supposed


class Outcome(StrEnum):
    """What would become of a VM."""

    MOVES = "moves"
    STAYS = "stays"  # down, until the node is back or somebody does something
    UNAFFECTED = "unaffected"  # it runs elsewhere by now, or is not to run
    UNKNOWN = "unknown"  # the dump does not hold what this depends on


@dataclass(frozen=True, slots=True)
class Takes:
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
class Fate:
    """One VM's. `reason` is a code of REASONS, "" where it would move; `policy` what its owners wish.

    `targets` are nodes that it could go to, `room` those of them that have room for it now, `place` the one where it
    finds room when the node's VMs go one after the other ("": there is none left). `needs`: see `vmdrift.room`.
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
    takes: Takes | None = None

    @property
    def objections(self) -> Mapping[str, str]:
        """Everything that stands against its move, not the first only: reason code -> sentence."""
        if self.outcome is not Outcome.STAYS:
            return {}
        failed = {check.reason: check.sentence for check in self.checks if not check.held}
        return {**failed, self.reason: self.sentence}


def fates(there: Snapshot, node: str, policy: Policy, room: Room) -> list[Fate]:
    """Of all VMs that have a launcher pod on the node, by name. Raises BadInput for a node that is not there."""
    lost = IfLost.of(there, node, policy)
    around = Surroundings(lambda: there.at)
    told = [_fate(_Case(lost, around, policy, vm, vmi_uid), room) for vm, vmi_uid in on_node(lost, node)]
    return list(_placed(sorted(told, key=lambda fate: str(fate.vm)), room.copy()))


def records_of(lost: IfLost) -> list[Record]:
    """A drift for each VM that has a launcher pod on the node, as one that has waited for the whole window."""
    return [_record(lost, vm, vmi_uid) for vm, vmi_uid in on_node(lost, lost.node.name)]


def _record(lost: IfLost, vm: VmRef, vmi_uid: str) -> Record:
    drift, since = Drift(vm, lost.outage), float(lost.outage.since)
    first = Record(drift, Phase.WAITING, "unreachable-window", "", since, since, vmi_uid=vmi_uid)
    return replace(first, signs=lost.signs())


@dataclass(frozen=True, slots=True)
class _Case:
    """One VM of a node that is supposed to be lost."""

    lost: IfLost
    around: Surroundings
    policy: Policy
    vm: VmRef
    vmi_uid: str

    def judged(self, lost: IfLost, record: Record) -> tuple[Observation, Decision]:
        """One pass, without its act."""
        seen = observe(lost, record, self.policy, lost.now, self.around)
        return seen, decide(seen, record, self.policy, lost.now)


def _fate(case: _Case, room: Room) -> Fate:
    try:
        return _judged(case, room)
    except ClusterError as error:  # a kind that the dump does not hold
        return Fate(case.vm, Outcome.UNKNOWN, sentence=f"It cannot be told: {error}.")


def _judged(case: _Case, room: Room) -> Fate:
    record = _record(case.lost, case.vm, case.vmi_uid)
    seen, decision = case.judged(case.lost, record)
    judgement, volumes, takes = decision.judgement, seen.volumes, None
    if isinstance(judgement.action, Release):
        pods = judgement.action.pods
        after, later = case.judged(case.lost.after(pods), replace(record, released_at=case.lost.now))
        volumes, takes = after.volumes, _takes(pods, later.judgement.reason, case.policy)
        judgement = later.judgement
    fate = Fate(case.vm, _outcome(judgement), judgement.reason, judgement.sentence, _shown(decision), volumes=volumes)
    if fate.outcome is Outcome.MOVES:
        fate = replace(fate, reason="", sentence="", takes=takes)
    return _with_targets(replace(fate, policy=wished(seen, case.policy).mode), case, seen, room)


def _outcome(judgement: Judgement) -> Outcome:
    """Of the judgement before the release, if there would be none, else of the first one after it."""
    if judgement.phase is Phase.CANCELLED:
        return Outcome.UNAFFECTED
    moves = judgement.phase in {Phase.DETACHING, Phase.STARTING} and judgement.reason != "still-attached"
    return Outcome.MOVES if moves else Outcome.STAYS


def _shown(decision: Decision) -> tuple[Check, ...]:
    return tuple(check for check in decision.checks if check.name not in _ASSUMED)


def _takes(pods: tuple[PodView, ...], freed: str, policy: Policy) -> Takes:
    """Window, eviction and the watch for signs of life run side by side; the detach comes after them."""
    evicted = 0.0 if policy.delete_unevicted else max(pod.tolerates or 0.0 for pod in pods)
    release = max(policy.unreachable_window, policy.virt_handler_grace, evicted)
    window = policy.detach_window
    detach = {"detach-window": (window, window), "volumeattachment-deleted": (0.0, SYNC)}
    return Takes(release, detach.get(freed, (0.0, 0.0)))


def _with_targets(fate: Fate, case: _Case, seen: Observation, room: Room) -> Fate:
    name = case.lost.node.name
    record = _record(case.lost, case.vm, case.vmi_uid)
    fitting = [node.name for node in candidates(seen, record)] if seen.vm else []
    launcher = next((pod for pod in seen.launchers if pod.node == name and not pod.hotplug), None)
    found = case.lost.find("pods", launcher.name, launcher.namespace) if launcher else None
    needs = requests(found) if found else {}
    return replace(fate, targets=tuple(fitting), room=tuple(room.fitting(fitting, needs)), needs=needs)


def _placed(told: list[Fate], left: Room) -> Iterator[Fate]:
    """One after the other, each on the first node that has room left: what does not all fit is found out."""
    for fate in told:
        moves = fate.outcome is Outcome.MOVES
        yield replace(fate, place=left.take(fate.targets, fate.needs)) if moves else fate
