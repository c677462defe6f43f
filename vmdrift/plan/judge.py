"""What would become of each VM of a node if the node were lost: the judgement of a drift, on `vmdrift.plan.what_if`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from reactor.model.drift import Check, Phase, Policy, Record
from reactor.model.errors import ClusterError
from reactor.model.identity import Drift, VmRef
from vmdrift.plan.conditions import shared, single_copies
from vmdrift.plan.free_room import FreeRoom, requests
from vmdrift.plan.incomplete import unseen
from vmdrift.plan.prediction import ExpectedTimes, Outcome, Prediction, unknown
from vmdrift.plan.what_if import IfLost
from vmdrift.snapshot import ClusterSnapshot
from workers.decide import candidates, decide
from workers.decide.annotations import unheeded, wished
from workers.decide.decision import Decision, Judgement, Release
from workers.decide.observation import Observation, PodView
from workers.observe import observe
from workers.observe.cache import Surroundings
from workers.observe.launchers import on_node

__all__ = ["ExpectedTimes", "Outcome", "Prediction", "fates", "records_of"]

SYNC = 60.0  # seconds, at most, until the attach-detach controller attaches what was detached by hand: measured
_ASSUMED = frozenset({"node", "window", "signs of life"})  # checks of an outage that is only supposed


@dataclass(frozen=True, slots=True)
class _Look:
    """One pass over a VM, without its act."""

    record: Record
    seen: Observation
    decision: Decision

    @property
    def released(self) -> tuple[PodView, ...]:
        """What it would force delete."""
        action = self.decision.judgement.action
        return action.pods if isinstance(action, Release) else ()


class _Passes:
    """Over the VMs of a node that is supposed to be lost. What they read of it, they share."""

    def __init__(self, lost: IfLost, policy: Policy) -> None:
        self.lost, self.policy, self._around = lost, policy, Surroundings(lambda: lost.now)

    def first(self, vm: VmRef, vmi_uid: str) -> _Look | Prediction:
        """A Fate where it is not known: of a kind that the dump does not hold."""
        return self._tried(vm, lambda: _record(self.lost, vm, vmi_uid))

    def again(self, look: _Look) -> _Look | Prediction:
        """After its release, which is now."""
        return self._tried(look.record.drift.vm, lambda: replace(look.record, released_at=self.lost.now))

    def _tried(self, vm: VmRef, record: Callable[[], Record]) -> _Look | Prediction:
        try:
            return self._look(record())
        except ClusterError as error:
            return unknown(vm, str(error))

    def _look(self, record: Record) -> _Look:
        seen = observe(self.lost, record, self.policy, self.lost.now, self._around)
        return _Look(record, seen, decide(seen, record, self.policy, self.lost.now))

    def after(self, pods: Iterable[PodView]) -> "_Passes":
        """Over the same node after these pods are gone."""
        return _Passes(self.lost.after(tuple(pods)), self.policy)


def fates(there: ClusterSnapshot, node: str, policy: Policy, room: FreeRoom) -> list[Prediction]:
    """Of all VMs that run on the node, by name. Raises BadInput for a node that is not there.

    All that would be released are released together, as they are when a node is lost: so who shares something with
    another one of them has the same fate, whoever is looked at first.
    """
    before = _Passes(IfLost.of(there, node, policy), policy)
    looks = [before.first(vm, vmi_uid) for vm, vmi_uid in on_node(before.lost, node)]
    after = before.after(pod for look in looks if isinstance(look, _Look) for pod in look.released)
    found = [look if isinstance(look, Prediction) else _fate(look, after, room) for look in looks]
    found += unseen(there, node, [fate.vm for fate in found])
    return list(_placed(sorted(shared(found), key=lambda fate: str(fate.vm)), room.copy()))


def records_of(lost: IfLost) -> list[Record]:
    """A drift for each VM that has a launcher pod on the node, as one that has waited for the whole window."""
    return [_record(lost, vm, vmi_uid) for vm, vmi_uid in on_node(lost, lost.node.name)]


def _record(lost: IfLost, vm: VmRef, vmi_uid: str) -> Record:
    drift, since = Drift(vm, lost.outage), float(lost.outage.since)
    first = Record(drift, Phase.WAITING, "unreachable-window", "", since, since, vmi_uid=vmi_uid)
    return replace(first, signs=lost.signs())


def _fate(look: _Look, after: _Passes, room: FreeRoom) -> Prediction:
    """`after`: the passes that come after the release of all."""
    judgement, volumes, takes = look.decision.judgement, look.seen.volumes, None
    if look.released:
        later = after.again(look)
        if isinstance(later, Prediction):
            return later
        volumes, judgement = later.seen.volumes, later.decision.judgement
        takes = _takes(look.released, judgement.reason, after.policy)
    fate = Prediction(look.record.drift.vm, _outcome(judgement), judgement.reason, judgement.sentence, volumes=volumes)
    if fate.moves:
        ifs, lost_disks = (*look.decision.ifs, *single_copies(volumes, after.lost)), _lost_disks(look.seen)
        fate = replace(fate, reason="", sentence="", takes=takes, ifs=ifs, lost_disks=lost_disks)
    fate = replace(fate, checks=_shown(look.decision), policy=wished(look.seen, after.policy).mode)
    fate = replace(fate, unheeded=unheeded(look.seen, after.policy))
    return _with_targets(fate, look, after.lost, room)


def _outcome(judgement: Judgement) -> Outcome:
    """Of the judgement before the release, if there would be none, else of the first one after it."""
    if judgement.phase is Phase.CANCELLED:
        return Outcome.UNAFFECTED
    moves = judgement.phase in {Phase.DETACHING, Phase.STARTING} and judgement.reason != "still-attached"
    return Outcome.MOVES if moves else Outcome.STAYS


def _shown(decision: Decision) -> tuple[Check, ...]:
    return tuple(check for check in decision.checks if check.name not in _ASSUMED)


def _takes(pods: tuple[PodView, ...], freed: str, policy: Policy) -> ExpectedTimes:
    """Window, eviction and the watch for signs of life run side by side; the detach comes after them."""
    evicted = 0.0 if policy.delete_unevicted else max(pod.tolerates or 0.0 for pod in pods)
    release = max(policy.unreachable_window, policy.virt_handler_grace, evicted)
    window = policy.detach_window
    detach = {"detach-window": (window, window), "volumeattachment-deleted": (0.0, SYNC)}
    return ExpectedTimes(release, detach.get(freed, (0.0, 0.0)))


def _lost_disks(seen: Observation) -> tuple[str, ...]:
    """What is plugged into the instance only: the next one is built from the VM, and does not have it."""
    return tuple(volume.name for volume in seen.volumes if volume.left and volume.hotplugged)


def _with_targets(fate: Prediction, look: _Look, lost: IfLost, room: FreeRoom) -> Prediction:
    name, seen = lost.node.name, look.seen
    fitting = [node.name for node in candidates(seen, look.record)] if seen.vm else []
    launcher = next((pod for pod in seen.launchers if pod.node == name and not pod.hotplug), None)
    found = lost.there.find("pods", launcher.name, launcher.namespace) if launcher else None
    needs = requests(found) if found else {}
    roomy = room.fitting(fitting, needs)
    return replace(fate, targets=tuple(fitting), room=tuple(roomy), needs=needs, beyond=room.beyond(fitting, needs))


def _placed(told: list[Prediction], left: FreeRoom) -> Iterator[Prediction]:
    """One after the other, each on the first node that has room left: what does not all fit is found out."""
    for fate in told:
        yield replace(fate, place=left.take(fate.targets, fate.needs)) if fate.moves else fate
