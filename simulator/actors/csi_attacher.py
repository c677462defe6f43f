"""The CSI attacher: makes VolumeAttachments attached, and lets deleted ones go.

Source: kubernetes-csi/external-attacher `pkg/controller/csi_handler.go`. Nothing is fenced, as with ceph-csi
without the out-of-service taint.
"""

from collections.abc import Collection

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.store.objects import key_of
from simulator.timing import Timing


class CsiAttacher:
    """The attachers of all drivers. Uses `timing.attach` and `timing.detach`.

    Args:
        client: their access.
        timing: how long things take.
        nodes: whose attachments are theirs, live; None for every node's.
    """

    name = "csi-attacher"
    watches = ("volumeattachments",)

    def __init__(self, client: Client, timing: Timing, nodes: Collection[str] | None = None) -> None:
        self._client, self._timing, self._nodes = client, timing, nodes
        self._attachments = client.informer("volumeattachments")
        self._due: dict[tuple[str, bool], float] = {}  # (uid, being detached?) -> when the driver has done it

    def step(self, now: float) -> float | None:
        """Begin what is asked for, end what has taken its time."""
        self._attachments.poll()
        alive = set()
        for _, attachment in sorted(self._attachments.objects.items()):
            detach, foreign = objects.deleting(attachment), not self._ours(attachment)
            if foreign or (not detach and attachment.get("status", {}).get("attached")):
                continue
            work = attachment["metadata"]["uid"], detach
            alive.add(work)
            if work not in self._due:
                self._due[work] = now + (self._timing.detach if detach else self._timing.attach)
                self._begin(attachment)
            elif self._due[work] <= now:
                self._end(attachment)
        self._due = {work: due for work, due in self._due.items() if work in alive}
        return min((due for due in self._due.values() if due > now), default=None)

    def _ours(self, attachment: Obj) -> bool:
        return self._nodes is None or attachment["spec"]["nodeName"] in self._nodes

    def _begin(self, attachment: Obj) -> None:
        if objects.deleting(attachment):
            return
        meta, spec = attachment["metadata"], attachment["spec"]
        finalizers = [*(meta.get("finalizers") or ()), _finalizer(spec["attacher"])]
        annotations = {"csi.alpha.kubernetes.io/node-id": spec["nodeName"]}
        patch = {"metadata": {"finalizers": finalizers, "annotations": annotations}}
        self._client.patch("volumeattachments", key_of(attachment)[1], patch)

    def _end(self, attachment: Obj) -> None:
        meta, name = attachment["metadata"], key_of(attachment)[1]
        if objects.deleting(attachment):
            left = [f for f in meta.get("finalizers") or () if f != _finalizer(attachment["spec"]["attacher"])]
            self._client.patch("volumeattachments", name, {"metadata": {"finalizers": left or None}})
        else:
            self._client.patch("volumeattachments", name, {"status": {"attached": True}}, subresource="status")


def _finalizer(driver: str) -> str:
    return f"external-attacher/{driver.replace('.', '-')}"
