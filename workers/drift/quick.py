"""Looks that need not read the world: what a drift waits for is as it was, or it has just ended."""

from dataclasses import replace

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Disk, Proof, Record
from reactor.model.errors import ClusterError
from reactor.model.objects import Obj, text
from workers.context import Tools
from workers.decide.basis import LOOK as REFUSED_LOOK
from workers.decide.basis import lasts, unchanged
from workers.decide.observation import Attachment, Volume
from workers.decide.quick_look import (
    ATTACHMENTS,
    COMING,
    awaited_attachments,
    freed,
    is_waiting,
    only_starts,
    quiet,
    still_held,
    undisturbed,
)
from workers.drift.recheck import outage_of, recheck
from workers.observe import known_manager, observe_briefly, with_users
from workers.observe.parse import attachment_view

_EARLY = 1.0  # seconds before its time, from which on a job is early


def quick_look(record: Record, cluster: Cluster, tools: Tools, now: float) -> Record | Obj | None:
    """The record after such a look; where everything is to be read, the VM's instance if it was read, or None.

    Raises ClusterError, StoreError.
    """
    watched = tools.coverage.watched(record.drift)
    if later := quiet(record, tools.policy, now, watched):
        return _as_before(record, now, later)
    woken = watched is not None and watched.brought(record)
    if record.phase.is_end:
        return _still_refused(record, cluster, tools, now, woken=woken)
    looked = _watched_look(record, cluster, tools, now, woken=woken) if watched else None
    return _still_waiting(record, cluster, tools, now) if looked is None else looked


def _watched_look(record: Record, cluster: Cluster, tools: Tools, now: float, *, woken: bool) -> Record | Obj | None:
    """Where the waker watches, only what can have changed is read."""
    if not woken:
        return _still_held(record, cluster, tools, now) if record.reason == "force-deleted" else None
    if _is_freed(record, cluster):
        return freed(record, now)
    instance = _new_instance(record, cluster) if only_starts(record) else None
    is_early = record.again_at is not None and now < record.again_at  # else a look at all of it is due as well
    if is_early and instance and text(instance, "status", "phase") in COMING:
        return replace(_as_before(record, now, record.again_at or now), looked_at=now)
    return instance


def _still_waiting(record: Record, cluster: Cluster, tools: Tools, now: float) -> Record | None:
    """In the six minutes."""
    if not is_waiting(record, tools.policy, now):
        return None
    later = undisturbed(observe_briefly(cluster, record, tools.policy, tools.around), record, tools.policy, now)
    return replace(_as_before(record, now, later), looked_at=now) if later else None


def _as_before(record: Record, now: float, later: float) -> Record:
    return record.moved(now, record.phase, record.reason, record.sentence, later)


def _is_freed(record: Record, cluster: Cluster) -> bool:
    """Are the attachments gone that kept its volumes on the lost node?"""
    names = awaited_attachments(record)
    return bool(names) and all(cluster.find(ATTACHMENTS, name) is None for name in names)


def _new_instance(record: Record, cluster: Cluster) -> Obj | None:
    ref = record.drift.vm
    obj = None if ref.is_instance else cluster.find("virtualmachineinstances", ref.name, ref.namespace)
    return obj if obj and obj["metadata"]["uid"] != record.vmi_uid else None


def _still_held(record: Record, cluster: Cluster, tools: Tools, now: float) -> Record | None:
    """Released a moment ago, its volumes are as good as always still attached to the lost node."""
    found = {name: cluster.find(ATTACHMENTS, name) for name in awaited_attachments(record)}
    if not found or record.proof is Proof.FENCED:
        return None
    held = {name: attachment_view(obj) for name, obj in found.items() if obj}
    volumes = [
        with_users(cluster, _volume(disk, held[disk.attachment]), record, tools.around)
        for disk in record.disks
        if disk.attachment in held
    ]
    now_manager = known_manager(cluster, tools.around)
    return still_held(record, volumes, now_manager, tools.policy, now) if len(held) == len(found) else None


def _volume(disk: Disk, held: Attachment) -> Volume:
    return Volume(disk.name, disk.kind, disk.claim, held.volume, driver=disk.driver, modes=disk.modes, held=held)


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
