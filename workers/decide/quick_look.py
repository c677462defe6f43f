"""Has anything happened to a drift that waits, or is there nothing to do but to wait on?

Within the six minutes little needs to be read to know that. Where the waker watches, nothing: what happens wakes.
"""

from collections.abc import Sequence
from dataclasses import replace

from reactor.model.drift import Policy, Record, Watched
from reactor.model.reason import REASONS
from workers.decide.annotations import ignored_annotations, wished
from workers.decide.decision import Judgement, Passed, backoff
from workers.decide.node import still_lost
from workers.decide.observation import Manager, Observation, VmView, Volume
from workers.decide.proof import confirmed
from workers.decide.volumes import DETACH_LOOK, LOOK, volumes

ATTACHMENTS = "volumeattachments"
# What begins by itself when its time comes, or by what the waker sees.
_TIMED = frozenset({"unreachable-window", "eviction-due"})
_EVICTION_SEEN = 10.0  # seconds after the window, within which the waker sees an eviction that the window waited for
_STARTING = frozenset({"waiting-for-replacement", "waiting-for-running", "waiting-for-volume"})
COMING = frozenset({"Pending", "Scheduling", "Scheduled"})  # phases of an instance that is on its way
_SPARED = 3  # looks in a row; what takes longer is looked at as ever: Kubernetes may have something to say about it


def quiet(record: Record, policy: Policy, now: float, watched: Watched | None) -> float | None:
    """When to look again at a drift to which nothing has happened since the last look; None: now.

    `watched`: None where nobody watches. A window and an eviction wait for nothing but their time, and for what wakes.
    Where Redis' clock was set back since the last look, nobody can say what came after it.
    """
    if watched is None or watched.stirred > record.looked_at or max(record.looked_at, record.changed_at) > now:
        return None
    if record.reason in _TIMED and record.again_at is not None and now < record.again_at:
        return record.again_at
    if _waits_for_eviction(record, policy, now):
        return (record.again_at or now) + _EVICTION_SEEN
    if watched.since > record.looked_at:
        return None
    if is_waiting(record, policy, now) and record.released_at is not None:
        return min(record.released_at + policy.detach_window + DETACH_LOOK, now + LOOK)
    return backoff(now, record.tries + 1, watched=only_starts(record)) if _spared(record) else None


def _waits_for_eviction(record: Record, policy: Policy, now: float) -> bool:
    """Has its window just ended? Only once: the look after that is later than the window's own end."""
    if record.reason != "unreachable-window" or record.again_at is None or policy.delete_unevicted:
        return False
    end = record.drift.outage.unknown_since + policy.unreachable_window
    return record.again_at <= end and now < record.again_at + _EVICTION_SEEN


def _spared(record: Record) -> bool:
    return record.tries < _SPARED and (record.reason == "eviction-due" or only_starts(record))


def only_starts(record: Record) -> bool:
    """Does nothing keep the VM any more? A volume that CSI attaches may be held by the lost node."""
    released = record.reason == "force-deleted" and bool(record.disks) and not any(disk.driver for disk in record.disks)
    return released or record.reason in _STARTING


def still_held(
    record: Record, held: Sequence[Volume], manager: Manager | None, policy: Policy, now: float
) -> Record | None:
    """The record after a release, if all that there is to wait for is that these volumes are detached."""
    seen = Observation(None, None, None, volumes=tuple(held), manager=manager)
    verdict = volumes(seen, policy, record.released_at or now, now)
    if not isinstance(verdict, Judgement) or verdict.reason != "detach-window":
        return None
    after = record.moved(now, verdict.phase, verdict.reason, verdict.sentence, verdict.again_at)
    return replace(after, looked_at=now)


def is_waiting(record: Record, policy: Policy, now: float) -> bool:
    """Is there still nothing to do, if nothing has happened?"""
    released_at = record.released_at
    return record.reason == "detach-window" and released_at is not None and now < released_at + policy.detach_window


def awaited_attachments(record: Record) -> list[str]:
    """The VolumeAttachments that keep its volumes on the lost node; none while anything else does, too."""
    entries = [entry.partition("/") for entry in record.awaits]
    return [name for _, _, name in entries] if all(kind == ATTACHMENTS for kind, _, _ in entries) else []


def freed(record: Record, now: float) -> Record:
    """Its record then: nothing keeps the VM any more, and what wakes the drift next is its start."""
    sentence = "The lost node holds none of its volumes any more; they are attached where the VM starts."
    again_at = backoff(now, 0, watched=True)
    after = record.moved(now, REASONS["waiting-for-volume"].phase, "waiting-for-volume", sentence, again_at)
    return replace(after, detached_at=now, looked_at=now, awaits=())


def undisturbed(observation: Observation, record: Record, policy: Policy, now: float) -> float | None:
    """When to check a drift in its `detach-window` again, seconds since the epoch; None: now, and everything.

    `observation` holds what `workers.observe.glance` reads: node, proof, VM and namespace. The end may become later
    (another controller manager, a pod that uses the claim), and only proof makes it earlier.
    """
    if (
        record.released_at is None
        or observation.vm is None
        or observation.cancelled
        or confirmed(observation.fencing, observation.node)
    ):
        return None
    end = record.released_at + policy.detach_window
    lost = isinstance(still_lost(observation.node, record.drift.outage), Passed)
    full_check = wished(observation, policy).detach != "wait" or not _reported(observation, record, policy)
    if now >= end or not lost or full_check or not _still_waits(observation.vm, record):
        return None
    return min(end + DETACH_LOOK, now + LOOK)


def _reported(observation: Observation, record: Record, policy: Policy) -> bool:
    """Does the record say which annotations do not count? Otherwise the next full check adds it."""
    return all(sentence in record.sentence for sentence in ignored_annotations(observation, policy, record.reason))


def _still_waits(vm: VmView, record: Record) -> bool:
    """A VM that is ready again was helped by somebody; a hotplugged volume's six minutes end earlier."""
    not_to_run = vm.uid != record.drift.vm.uid or vm.deleting or vm.stopping or vm.run_strategy == "Halted"
    return not (not_to_run or vm.ready or vm.hotplugs)
