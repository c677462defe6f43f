"""What would happen to each VM of a node if the node were lost: the judgement of a drift, on `vmdrift.plan.what_if`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from reactor.model.drift import Check, Phase, Policy, Record
from reactor.model.errors import ClusterError
from reactor.model.identity import Drift, VmRef
from reactor.model.proven_time import ProvenTime, proven_times
from vmdrift.plan.conditions import shared, single_copies
from vmdrift.plan.free_room import FreeRoom, requests
from vmdrift.plan.incomplete import unseen
from vmdrift.plan.lost_surroundings import LostSurroundings
from vmdrift.plan.prediction import ExpectedTimes, Outcome, Prediction, unknown
from vmdrift.plan.targets import targets, with_room
from vmdrift.plan.what_if import IfLost
from vmdrift.snapshot import ClusterSnapshot
from workers.decide import decide
from workers.decide.annotations import ignored_annotations, wished
from workers.decide.decision import Decision, Judgement, Release
from workers.decide.observation import Observation, PodView
from workers.fencing.decide.allowed import providers
from workers.observe import observe
from workers.observe.launchers import on_node

__all__ = ["ExpectedTimes", "Outcome", "Prediction", "predictions", "records_of"]

SYNC = 60.0  # seconds, at most, until the attach-detach controller attaches what was detached by hand: measured
_ASSUMED = frozenset({"node", "window", "signs of life"})  # checks of an outage that is only supposed


@dataclass(frozen=True, slots=True)
class _DryRun:
    """One pass over a VM: observe and decide, without the act."""

    record: Record
    observation: Observation
    decision: Decision

    @property
    def released(self) -> tuple[PodView, ...]:
        """What it would force delete."""
        action = self.decision.judgement.action
        return action.pods if isinstance(action, Release) else ()


class _Passes:
    """Passes over the VMs of a node that is supposed to be lost. What they read of it, they share."""

    def __init__(self, lost: IfLost, policy: Policy) -> None:
        self.lost, self.policy, self._cache = lost, policy, LostSurroundings(lost)

    def first(self, vm: VmRef, vmi_uid: str) -> _DryRun | Prediction:
        """A Prediction where it is not known: of a kind that the dump does not hold."""
        return self._tried(vm, lambda: _record(self.lost, vm, vmi_uid))

    def again(self, dry_run: _DryRun) -> _DryRun | Prediction:
        """After its release, which is now."""
        return self._tried(dry_run.record.drift.vm, lambda: replace(dry_run.record, released_at=self.lost.now))

    def _tried(self, vm: VmRef, record: Callable[[], Record]) -> _DryRun | Prediction:
        try:
            return self._dry_run(record())
        except ClusterError as error:
            return unknown(vm, str(error))

    def _dry_run(self, record: Record) -> _DryRun:
        observation = observe(self.lost, record, self.policy, self.lost.now, self._cache)
        return _DryRun(record, observation, decide(observation, record, self.policy, self.lost.now))

    def after(self, pods: Iterable[PodView]) -> "_Passes":
        """Over the same node after these pods are gone."""
        return _Passes(self.lost.after(tuple(pods)), self.policy)


def predictions(snapshot: ClusterSnapshot, node: str, policy: Policy, room: FreeRoom) -> list[Prediction]:
    """The predictions for all VMs that run on the node, by name. Raises BadInput for a node that does not exist.

    All that would be released are released together, as they are when a node is lost: so VMs that share something with
    one another get the same prediction, whichever is judged first.
    """
    before = _Passes(IfLost.of(snapshot, node, policy), policy)
    dry_runs = [before.first(vm, vmi_uid) for vm, vmi_uid in on_node(before.lost, node)]
    after = before.after(pod for dry_run in dry_runs if isinstance(dry_run, _DryRun) for pod in dry_run.released)
    predictions = [
        dry_run if isinstance(dry_run, Prediction) else _prediction(dry_run, after, room) for dry_run in dry_runs
    ]
    predictions += unseen(snapshot, node, [prediction.vm for prediction in predictions])
    return list(_placed(sorted(shared(predictions), key=lambda prediction: str(prediction.vm)), room.copy()))


def records_of(lost: IfLost) -> list[Record]:
    """A drift for each VM that has a launcher pod on the node, as one that has waited for the whole window."""
    return [_record(lost, vm, vmi_uid) for vm, vmi_uid in on_node(lost, lost.node.name)]


def _record(lost: IfLost, vm: VmRef, vmi_uid: str) -> Record:
    drift, since = Drift(vm, lost.outage), float(lost.outage.since)
    first = Record(drift, Phase.WAITING, "unreachable-window", "", since, since, vmi_uid=vmi_uid)
    return replace(first, signs=lost.signs())


def _prediction(dry_run: _DryRun, after: _Passes, room: FreeRoom) -> Prediction:
    """`after`: the passes that come after the release of all."""
    judgement, volumes, takes = dry_run.decision.judgement, dry_run.observation.volumes, None
    if dry_run.released:
        later = after.again(dry_run)
        if isinstance(later, Prediction):
            return later
        volumes, judgement = later.observation.volumes, later.decision.judgement
        takes = _takes(dry_run.released, judgement.reason, after.policy)
    prediction = Prediction(
        dry_run.record.drift.vm, _outcome(judgement), judgement.reason, judgement.sentence, volumes=volumes
    )
    if prediction.moves:
        ifs, lost_disks = (*dry_run.decision.ifs, *single_copies(volumes, after.lost)), _lost_disks(dry_run.observation)
        prediction = replace(prediction, reason="", sentence="", takes=takes, ifs=ifs, lost_disks=lost_disks)
        prediction = replace(prediction, proven=_proven(dry_run, after))
    prediction = replace(
        prediction, checks=_checks(dry_run.decision), policy=wished(dry_run.observation, after.policy).mode
    )
    prediction = replace(prediction, unheeded=ignored_annotations(dry_run.observation, after.policy))
    return _with_targets(prediction, dry_run, after.lost, room)


def _outcome(judgement: Judgement) -> Outcome:
    """Of the judgement before the release, if there would be none, else of the first one after it."""
    if judgement.phase is Phase.CANCELLED:
        return Outcome.UNAFFECTED
    moves = judgement.phase in {Phase.DETACHING, Phase.STARTING} and judgement.reason != "still-attached"
    return Outcome.MOVES if moves else Outcome.STAYS


def _checks(decision: Decision) -> tuple[Check, ...]:
    return tuple(check for check in decision.checks if check.name not in _ASSUMED)


def _takes(pods: tuple[PodView, ...], reason: str, policy: Policy) -> ExpectedTimes:
    """Window, eviction and the watch for signs of life run side by side; the detach comes after them."""
    evicted = 0.0 if policy.delete_unevicted else max(pod.tolerates or 0.0 for pod in pods)
    release = max(policy.unreachable_window, policy.virt_handler_grace, evicted)
    window = policy.detach_window
    detach = {"detach-window": (window, window), "volumeattachment-deleted": (0.0, SYNC)}
    return ExpectedTimes(release, detach.get(reason, (0.0, 0.0)))


def _proven(dry_run: _DryRun, after: _Passes) -> tuple[ProvenTime, ...]:
    drivers = frozenset(volume.driver for volume in dry_run.observation.volumes if volume.driver)
    put_back = any(pod.stays for pod in dry_run.released)
    return proven_times(providers(after.lost.node, after.policy), after.policy, drivers, put_back=put_back)


def _lost_disks(observation: Observation) -> tuple[str, ...]:
    """What is plugged into the instance only: the next one is built from the VM, and does not have it."""
    return tuple(volume.name for volume in observation.volumes if volume.left and volume.hotplugged)


def _with_targets(prediction: Prediction, dry_run: _DryRun, lost: IfLost, room: FreeRoom) -> Prediction:
    name, observation = lost.node.name, dry_run.observation
    fitting = targets(observation, dry_run.record, lost)
    launcher = next((pod for pod in observation.launchers if pod.node == name and not pod.hotplug), None)
    pod_object = lost.there.find("pods", launcher.name, launcher.namespace) if launcher else None
    needs = requests(pod_object) if pod_object else {}
    return replace(
        prediction,
        targets=fitting,
        room=with_room(fitting, needs, room, lost),
        needs=needs,
        beyond=room.beyond(fitting, needs),
    )


def _placed(predictions: list[Prediction], room: FreeRoom) -> Iterator[Prediction]:
    """One after the other, each on the first node that has room left: so it shows when they do not all fit."""
    for prediction in predictions:
        yield (
            replace(prediction, place=room.take(prediction.targets, prediction.needs))
            if prediction.moves
            else prediction
        )
