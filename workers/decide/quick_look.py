"""During the six minutes: has anything happened that could end them earlier, or is there nothing to do but wait?"""

from reactor.model.drift import Policy, Record
from workers.decide.annotations import unheeded, wished
from workers.decide.decision import Passed
from workers.decide.node import still_lost
from workers.decide.observation import Observation, VmView
from workers.decide.proof import confirmed
from workers.decide.volumes import DETACH_LOOK, LOOK


def is_waiting(record: Record, policy: Policy, now: float) -> bool:
    """Is there still nothing to do, if nothing has happened?"""
    began = record.released_at
    return record.reason == "detach-window" and began is not None and now < began + policy.detach_window


def undisturbed(seen: Observation, record: Record, policy: Policy, now: float) -> float | None:
    """When to look again at a drift in its `detach-window`, seconds since the epoch; None: now, and at everything.

    `seen` holds what `workers.observe.glance` reads: node, proof, VM and namespace. The end may move away from here
    (another controller manager, a pod that uses the claim), and only proof brings it nearer.
    """
    if record.released_at is None or seen.vm is None or seen.cancelled or confirmed(seen.fencing, seen.node):
        return None
    end = record.released_at + policy.detach_window
    lost = isinstance(still_lost(seen.node, record.drift.outage), Passed)
    asked = wished(seen, policy).detach != "wait" or not _told(seen, record, policy)
    if now >= end or not lost or asked or not _waits(seen.vm, record):
        return None
    return min(end + DETACH_LOOK, now + LOOK)


def _told(seen: Observation, record: Record, policy: Policy) -> bool:
    """Does the record say that what is asked for does not count? It is said at the next whole look."""
    return all(sentence in record.sentence for sentence in unheeded(seen, policy, record.reason))


def _waits(vm: VmView, record: Record) -> bool:
    """A VM that is ready again was helped by somebody; a hotplugged volume's six minutes end earlier."""
    gone = vm.uid != record.drift.vm.uid or vm.deleting or vm.stopping or vm.run_strategy == "Halted"
    return not (gone or vm.ready or vm.hotplugs)
