"""Decision -> cluster calls: all that a drift changes in the cluster.

Each call is preceded by a fresh read of what it destroys, and then of the node: nothing is read after that. It carries
the uid that was judged and the resourceVersion that was read, so that neither a node that returned meanwhile, nor an
object that was created anew or that somebody is at work on, is ever hit.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Proof, Record
from reactor.model.errors import Conflict, FenceError, NotFound
from reactor.model.fencing import Fencing, State, Target, fencing_of
from reactor.model.intervention import active_holds, cancelled
from reactor.model.objects import JsonObject
from workers.decide.decision import Action, Detach, Passed, Release, Remove
from workers.decide.node import still_lost
from workers.decide.observation import Attachment, PodView
from workers.decide.proof import confirmed
from workers.fencing.providers.network_fence import blocked
from workers.observe import lease, lost_node
from workers.observe.cache import Surroundings
from workers.observe.parse import attachment_view, pod_view


class ChangedUnderwayError(Exception):
    """What was judged is not what is there; nothing was done about it. The message is a sentence for people."""


def act(action: Action, cluster: Cluster, record: Record, around: Surroundings) -> None:
    """Carry it out. Raises ChangedUnderwayError, ClusterError, and LockLost from a cluster that holds a lock.

    `record` bears the signs of life that the judgement was based on.
    """
    match action:
        case Release() | Remove():
            for pod in action.pods:
                _unhindered(cluster, record, around)
                _still_proven(cluster, record, around, whole=isinstance(action, Remove))
                _force_delete(cluster, record, pod)
        case Detach():
            for attachment in action.attachments:
                _unhindered(cluster, record, around)
                _still_proven(cluster, record, around)
                _detach(cluster, record, attachment)


def _unhindered(cluster: Cluster, record: Record, around: Surroundings) -> None:
    """Nobody has asked meanwhile that it be left alone."""
    interventions = around.interventions(cluster)
    holds = active_holds(interventions, record.drift, cluster.time() or 0.0)
    if why := " ".join(filter(None, (cancelled(interventions, record.drift), *holds))):
        raise ChangedUnderwayError(why)


def _still_proven(cluster: Cluster, record: Record, around: Surroundings, *, whole: bool = False) -> None:
    """What was done only because the node is proven dead is done only while that is so. `whole`: with all on it."""
    if record.proof is not Proof.FENCED and not whole:
        return
    node = lost_node(cluster, record)
    file = fencing_of(around.fencings(cluster), record.drift.outage.node.name, node.boot if node else "")
    confirmation = confirmed(file, node)
    if file is None or confirmation is None or (node and node.heartbeat != confirmation.heartbeat):
        raise ChangedUnderwayError(f"Node {record.drift.outage.node.name} is not proven dead any more.")
    if confirmation.storage and whole:
        raise ChangedUnderwayError(f"Only storage of node {record.drift.outage.node.name} is blocked.")
    if confirmation.storage:  # a fence of its storage is a proof only while it stands
        _still_blocked(cluster, file, around)


def _still_blocked(cluster: Cluster, file: Fencing, around: Surroundings) -> None:
    try:
        standing = blocked(cluster, Target(file.outage, file.boot), around.csi_addons)
    except FenceError as error:
        raise ChangedUnderwayError(str(error)) from error
    if standing.state is not State.FENCED:
        raise ChangedUnderwayError(standing.sentence)


def _force_delete(cluster: Cluster, record: Record, pod: PodView) -> None:
    found = cluster.find("pods", pod.name, pod.namespace)
    if found is None:
        return
    fresh = pod_view(found)
    if (fresh.uid, fresh.node) != (pod.uid, pod.node) or (pod.terminating and not fresh.terminating):
        raise ChangedUnderwayError(f"Pod {pod.name} is not the one that was judged any more.")
    _still_lost(cluster, record)
    with _gone_is_fine(pod.name):
        cluster.delete("pods", pod.name, pod.namespace, uid=pod.uid, grace=0, version=_version(found))


def _detach(cluster: Cluster, record: Record, attachment: Attachment) -> None:
    found = cluster.find("volumeattachments", attachment.name)
    if found is None:
        return
    fresh = attachment_view(found)
    if (fresh.uid, fresh.node, fresh.volume) != (attachment.uid, attachment.node, attachment.volume):
        raise ChangedUnderwayError(f"VolumeAttachment {attachment.name} is not the one that was judged any more.")
    if fresh.deleting:
        return
    _still_lost(cluster, record)
    with _gone_is_fine(attachment.name):
        cluster.delete("volumeattachments", attachment.name, uid=attachment.uid, version=_version(found))


def _version(found: JsonObject) -> str:
    return str(found["metadata"]["resourceVersion"])


def _still_lost(cluster: Cluster, record: Record) -> None:
    """The last read before a call that destroys: a node that is heard again shows it in its condition first."""
    renewed = lease(cluster, record.drift.outage)
    node = lost_node(cluster, record)
    verdict = still_lost(node, record.drift.outage)
    if not isinstance(verdict, Passed):
        raise ChangedUnderwayError(verdict.sentence)
    judged = record.signs
    if judged and node and (node.heartbeat, renewed) != (judged.heartbeat, judged.lease):
        raise ChangedUnderwayError(f"Node {node.name} gave a sign of life just now.")


@contextmanager
def _gone_is_fine(name: str) -> Iterator[None]:
    try:
        yield
    except NotFound:
        return
    except Conflict as error:
        raise ChangedUnderwayError(f"{name} was replaced meanwhile, or changed: {error}") from error
