"""Rehearses what a recovery deletes: the launcher pod of a VM, and its VolumeAttachments, as dry runs.

What somebody forbids, such as a policy or a webhook, mostly differs by namespace, so one VM of each is enough. Our own
admission policy lets a dry run through, and nothing else: it stays the guard should a dry run ever become a real one.
"""

from collections.abc import Iterator
from typing import Protocol

from reactor.adapters.kubernetes.cluster import Cluster, Survey
from reactor.model.errors import ClusterError, Conflict, Forbidden, NotFound
from reactor.model.objects import JsonObject, text
from vmdrift.doctor.facts import Rehearsed
from workers.decide.observation import Volume
from workers.observe.cache import listed
from workers.observe.launchers import LABEL
from workers.observe.parse import claims_of


class Rehearsing(Cluster, Survey, Protocol):
    """What is read, and what is tried."""


def rehearsed(cluster: Rehearsing) -> Iterator[Rehearsed]:
    """Of a running launcher of each namespace. What has changed or is gone meanwhile says nothing. ClusterError."""
    running = (pod for pod in listed(cluster, "pods", labels=LABEL) if text(pod, "status", "phase") == "Running")
    for pod in {text(pod, "metadata", "namespace"): pod for pod in running}.values():
        for resource, obj, grace in [("pods", pod, 0), *_attachments(cluster, pod)]:
            if found := _tried(cluster, resource, obj, grace):
                yield found


def _tried(cluster: Rehearsing, resource: str, obj: JsonObject, grace: int | None) -> Rehearsed | None:
    name = "/".join(filter(None, (text(obj, "metadata", "namespace"), text(obj, "metadata", "name"))))
    try:
        cluster.rehearse_delete(resource, obj, grace)
    except (Conflict, NotFound):
        return None
    except ClusterError as error:
        return Rehearsed(resource, name, f"{str(error).rstrip('.')}.", isinstance(error, Forbidden))
    return Rehearsed(resource, name)


def _attachments(cluster: Cluster, pod: JsonObject) -> Iterator[tuple[str, JsonObject, None]]:
    """Of the pod's claims to its node: by name, since the role may not list them."""
    namespace, node = text(pod, "metadata", "namespace"), text(pod, "spec", "nodeName")
    for claim in sorted(set(claims_of(pod))):
        pvc = cluster.find("persistentvolumeclaims", claim, namespace) or {}
        pv = cluster.find("persistentvolumes", volume) if (volume := text(pvc, "spec", "volumeName")) else None
        driver, handle = (text(pv or {}, "spec", "csi", key) for key in ("driver", "volumeHandle"))
        name = Volume(claim, "", claim, volume, driver=driver, handle=handle).attachment_name(node)
        if name and (found := cluster.find("volumeattachments", name)):
            yield "volumeattachments", found, None
