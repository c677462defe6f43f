"""Looks that need not read the world: what a drift waits for is as it was, or it has just ended."""

from dataclasses import replace

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Record
from reactor.model.errors import ClusterError
from workers.context import Tools
from workers.decide.basis import LOOK as REFUSED_LOOK
from workers.decide.basis import lasts, unchanged
from workers.decide.quick_look import awaited_attachments, freed, is_waiting, quiet, undisturbed
from workers.drift.recheck import outage_of, recheck
from workers.observe import observe_briefly

_EARLY = 1.0  # seconds before its time, from which on a job is early


def quick_look(record: Record, cluster: Cluster, tools: Tools, now: float) -> Record | None:
    """The record after such a look, None if everything is to be read. Raises ClusterError, StoreError."""
    quiet_since = tools.coverage.quiet_since(record.drift)
    if later := quiet(record, tools.policy, now, quiet_since):
        return _as_before(record, now, later)
    woken = quiet_since is not None and quiet_since > record.looked_at
    if record.phase.is_end:
        return _still_refused(record, cluster, tools, now, woken=woken)
    if not is_waiting(record, tools.policy, now):
        return None
    if woken and _is_freed(record, cluster):
        return freed(record, now)
    later = undisturbed(observe_briefly(cluster, record, tools.policy, tools.around), record, tools.policy, now)
    return replace(_as_before(record, now, later), looked_at=now) if later else None


def _as_before(record: Record, now: float, later: float) -> Record:
    return record.moved(now, record.phase, record.reason, record.sentence, later)


def _is_freed(record: Record, cluster: Cluster) -> bool:
    """Are the attachments gone that kept its volumes on the lost node?"""
    names = awaited_attachments(record)
    return bool(names) and all(cluster.find("volumeattachments", name) is None for name in names)


def _still_refused(record: Record, cluster: Cluster, tools: Tools, now: float, *, woken: bool) -> Record | None:
    """What cannot be read is read the next time.

    If it comes before its time, and nothing has happened to it, only what all passes share is looked at.
    """
    due = record.again_at or now
    early = not woken and _EARLY < due - now <= REFUSED_LOOK
    later = due if early else now + REFUSED_LOOK
    try:
        if early:
            same = lasts(outage_of(cluster, record, tools.around), record)
        else:
            same = unchanged(recheck(cluster, record, tools.around), record, tools.policy)
    except ClusterError:
        return _as_before(record, now, later)
    after = _as_before(record, now, later)
    return (after if early else replace(after, looked_at=now)) if same else None
