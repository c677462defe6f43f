"""Decision -> cluster calls: all that a drift changes in the cluster.

Each call is preceded by a fresh read of what it destroys, and then of the node: nothing is read after that. It carries
the uid that was judged and the resourceVersion that was read, so that neither a node that returned meanwhile, nor an
object that was created again or that somebody is changing, is ever hit.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Proof, Record
from reactor.model.errors import Conflict, FenceError, NotFound
from reactor.model.fencing import Fencing, State, Target
from reactor.model.intervention import active_holds, cancelled
from reactor.model.objects import JsonObject
from workers.decide.decision import Action, Detach, Passed, Release, Remove
from workers.decide.node import looks_ready, still_lost
from workers.decide.observation import Attachment, PodView
from workers.decide.proof import confirmed
from workers.fencing.providers.network_fence import blocked
from workers.observe import file_of, lease, lost_node
from workers.observe.cache import Surroundings
from workers.observe.parse import attachment_view, pod_view


class ChangedUnderwayError(Exception):
    """What was judged is not what is there now; nothing was done. The message is a sentence for people."""


def act(action: Action, cluster: Cluster, record: Record, cache: Surroundings) -> None:
    """Carry it out. Raises ChangedUnderwayError, ClusterError, and LockLost from a cluster that has a lock.

    `record` has the signs of life that the judgement was based on.
    """
    match action:
        case Release() | Remove():
            for pod in action.pods:
                _no_hold_or_cancel(cluster, record, cache)
                _still_proven(cluster, record, cache, whole_node=isinstance(action, Remove))
                _force_delete(cluster, record, pod)
        case Detach():
            for attachment in action.attachments:
                _no_hold_or_cancel(cluster, record, cache)
                _still_proven(cluster, record, cache)
                _detach(cluster, record, attachment)


def _no_hold_or_cancel(cluster: Cluster, record: Record, cache: Surroundings) -> None:
    """Nobody has set a hold or cancelled the drift meanwhile."""
    interventions = cache.interventions(cluster)
    holds = active_holds(interventions, record.drift, cluster.time() or 0.0)
    if why := " ".join(filter(None, (cancelled(interventions, record.drift), *holds))):
        raise ChangedUnderwayError(why)


def _still_proven(cluster: Cluster, record: Record, cache: Surroundings, *, whole_node: bool = False) -> None:
    """What rests on proof of death is done only while that lasts. `whole_node`: always, for all of the node."""
    if record.proof is not Proof.FENCED and not whole_node:
        return
    node = lost_node(cluster, record)
    file = file_of(cache.fencings(cluster), node, record)
    confirmation = confirmed(file, node)
    if file is None or confirmation is None or (node and node.heartbeat != confirmation.heartbeat):
        raise ChangedUnderwayError(f"Node {record.drift.outage.node.name} is not proven dead any more.")
    if confirmation.storage and (whole_node or looks_ready(node)):
        raise ChangedUnderwayError(f"Only storage of node {record.drift.outage.node.name} is blocked.")
    if confirmation.storage:  # a fence of its storage is a proof only while it stands
        _still_blocked(cluster, file, cache)


def _still_blocked(cluster: Cluster, file: Fencing, cache: Surroundings) -> None:
    try:
        status = blocked(cluster, Target(file.outage, file.boot), cache.csi_addons)
    except FenceError as error:
        raise ChangedUnderwayError(str(error)) from error
    if status.state is not State.FENCED:
        raise ChangedUnderwayError(status.sentence)


def _force_delete(cluster: Cluster, record: Record, pod: PodView) -> None:
    obj = cluster.find("pods", pod.name, pod.namespace)
    if obj is None:
        return
    fresh = pod_view(obj)
    if (fresh.uid, fresh.node) != (pod.uid, pod.node) or (pod.terminating and not fresh.terminating):
        raise ChangedUnderwayError(f"Pod {pod.name} is not the one that was judged any more.")
    _still_lost(cluster, record)
    with _not_found_is_fine(pod.name):
        cluster.delete("pods", pod.name, pod.namespace, uid=pod.uid, grace=0, version=_version(obj))


def _detach(cluster: Cluster, record: Record, attachment: Attachment) -> None:
    obj = cluster.find("volumeattachments", attachment.name)
    if obj is None:
        return
    fresh = attachment_view(obj)
    if (fresh.uid, fresh.node, fresh.volume) != (attachment.uid, attachment.node, attachment.volume):
        raise ChangedUnderwayError(f"VolumeAttachment {attachment.name} is not the one that was judged any more.")
    if fresh.deleting:
        return
    _still_lost(cluster, record)
    with _not_found_is_fine(attachment.name):
        cluster.delete("volumeattachments", attachment.name, uid=attachment.uid, version=_version(obj))


def _version(obj: JsonObject) -> str:
    return str(obj["metadata"]["resourceVersion"])


def _still_lost(cluster: Cluster, record: Record) -> None:
    """The last read before a call that destroys: a node that reports again shows it in its condition first."""
    renewed = lease(cluster, record.drift.outage)
    node = lost_node(cluster, record)
    verdict = still_lost(node, record.drift.outage)
    if not isinstance(verdict, Passed):
        raise ChangedUnderwayError(verdict.sentence)
    if looks_ready(node) and record.proof is not Proof.FENCED:
        raise ChangedUnderwayError(f"Node {record.drift.outage.node.name} looks Ready to Kubernetes.")
    judged = record.signs
    if judged and node and (node.heartbeat, renewed) != (judged.heartbeat, judged.lease):
        raise ChangedUnderwayError(f"Node {node.name} gave a sign of life just now.")


@contextmanager
def _not_found_is_fine(name: str) -> Iterator[None]:
    try:
        yield
    except NotFound:
        return
    except Conflict as error:
        raise ChangedUnderwayError(f"{name} was replaced meanwhile, or changed: {error}") from error
