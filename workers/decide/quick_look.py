"""During the six minutes: has anything happened that could end them earlier, or is there nothing to do but wait?"""

from reactor.model.drift import Policy, Record
from workers.decide.annotations import ignored_annotations, wished
from workers.decide.decision import Passed
from workers.decide.node import still_lost
from workers.decide.observation import Observation, VmView
from workers.decide.proof import confirmed
from workers.decide.volumes import DETACH_LOOK, LOOK


def is_waiting(record: Record, policy: Policy, now: float) -> bool:
    """Is there still nothing to do, if nothing has happened?"""
    released_at = record.released_at
    return record.reason == "detach-window" and released_at is not None and now < released_at + policy.detach_window


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
