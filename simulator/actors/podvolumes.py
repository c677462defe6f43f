"""The kubelet's volume manager: which volumes a pod needs, whether they are attached, and what is in use on a node."""

from collections.abc import Iterable

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.machines.machine import Backend


class PodVolumes:
    """Reads claims, volumes, drivers and attachments; writes `status.volumesInUse` of nodes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._claims = client.informer("persistentvolumeclaims")
        self._volumes = client.informer("persistentvolumes")
        self._drivers = client.informer("csidrivers")
        self._attachments = client.informer("volumeattachments")
        self._nodes = client.informer("nodes")
        self._attached: set[tuple[str, str]] = set()

    def poll(self) -> set[str]:
        """Take in what changed; the nodes whose attachments did."""
        for informer in (self._claims, self._volumes, self._drivers):
            informer.poll()
        changed = set()
        for kind, attachment in self._attachments.poll():
            node, source = attachment["spec"]["nodeName"], attachment["spec"]["source"]
            pair = (source.get("persistentVolumeName", ""), node)
            usable = kind != "DELETED" and not objects.deleting(attachment)
            if usable and attachment.get("status", {}).get("attached"):
                self._attached.add(pair)
            else:
                self._attached.discard(pair)
            changed.add(node)
        return changed

    def attached(self, pod: Obj, node: str) -> bool:
        """Whether every volume of the pod that must be attached is; a claim that is not bound holds the pod back."""
        keys = list(objects.claims(pod))
        volumes = list(self._of(pod))
        return len(volumes) == len(keys) and all(
            (volume["metadata"]["name"], node) in self._attached for volume in volumes if self._attaches(volume)
        )

    def disks(self, pod: Obj) -> dict[str, Backend]:
        """What the pod can write to, and where it lies: CSI volume handles, or names of volumes without one."""
        found = [pv for pv in self._of(pod, writable=True) if pv["spec"].get("accessModes") != ["ReadOnlyMany"]]
        names = (pv["spec"].get("csi", {}).get("volumeHandle") or pv["metadata"]["name"] for pv in found)
        return dict(zip(names, map(objects.backend, found), strict=True))

    def report(self, node: str, pods: Iterable[Obj]) -> None:
        """Bring `status.volumesInUse` in line with the pods that are not finished."""
        live = [pod for pod in pods if pod["status"]["phase"] not in objects.FINISHED]
        names = {objects.unique_volume(volume) for pod in live for volume in self._of(pod) if self._attaches(volume)}
        wanted = sorted(name for name in names if name)
        self._nodes.poll()
        status = self._nodes.objects.get(("", node), {}).get("status")
        if status is None:  # somebody deleted the Node of a machine that is on
            return
        if sorted(status.get("volumesInUse") or ()) != wanted:
            self._client.patch("nodes", node, {"status": {"volumesInUse": wanted or None}}, subresource="status")

    def _of(self, pod: Obj, *, writable: bool = False) -> Iterable[Obj]:
        for key in objects.claims(pod, writable=writable):
            if volume := objects.volume_of(self._claims.objects.get(key), self._volumes.objects):
                yield volume

    def _attaches(self, volume: Obj) -> bool:
        csi = volume["spec"].get("csi")
        if csi is None:
            return False
        driver = self._drivers.objects.get(("", csi["driver"]), {})
        return bool(driver.get("spec", {}).get("attachRequired", True))
