"""The attach-detach controller: VolumeAttachments where pods want their volumes, and nowhere else.

Source: kubernetes `pkg/controller/volume/attachdetach` (reconciler, `actual_state_of_world`). What it believes to
be attached is memory, not the API: a VolumeAttachment deleted by hand is noticed at the next sync only, and the six
minutes start again when the controller is replaced.
"""

import hashlib

from simulator.actors import objects
from simulator.actors.believed import Attachment, Believed
from simulator.actors.wanted import Place, Wanted
from simulator.client import Client, Obj
from simulator.timing import Timing

_OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
_COMPONENT = "attachdetach-controller"
_SHARED = frozenset({"ReadWriteMany", "ReadOnlyMany"})


def attachment_name(volume: Obj, node: str) -> str:
    """The name of a CSI volume's VolumeAttachment (kubernetes `pkg/volume/csi`, getAttachmentName)."""
    csi = volume["spec"]["csi"]
    return "csi-" + hashlib.sha256(f"{csi['volumeHandle']}{csi['driver']}{node}".encode()).hexdigest()


class AttachDetach:
    """One controller for all volumes. Uses `timing.unmount_wait`, `attach_sync`, `attach_retry`.

    Args:
        client: the controller's access.
        timing: how long things take.
        phase: seconds after the first step at which the first sync is due.
    """

    name = "attach-detach"
    watches = ("pods", "nodes", "volumeattachments", "persistentvolumeclaims", "persistentvolumes")

    def __init__(self, client: Client, timing: Timing, phase: float = 0.0) -> None:
        self._client, self._timing, self._phase = client, timing, phase
        self._nodes, self._api = client.informer("nodes"), client.informer("volumeattachments")
        self._wanted = Wanted(client)
        self._believed = Believed(self._wanted)
        self._not_before: dict[str, float] = {}  # PersistentVolume's name -> when it may be attached again
        self._reported: set[tuple[str, str]] = set()  # pod uid, PersistentVolume's name
        self._sync: float | None = None

    def step(self, now: float) -> float | None:
        """Take in what happened, detach what is not wanted, attach what is."""
        self._nodes.poll()
        self._wanted.poll()
        for kind, obj in self._api.poll():
            self._observe(kind, obj, now)
        if self._sync is None:
            self._sync = now + self._phase
        if now >= self._sync:
            self._verify()
        while now >= self._sync:
            self._sync += self._timing.attach_sync
        self._believed.compare()
        for place in sorted(self._believed.leaving):
            self._detach(place, self._believed[place], now)
        for place in sorted(self._believed.missing):
            self._attach(place, now)
        return min((due for due in self._dues() if due > now), default=None)

    def _dues(self) -> list[float]:
        # A sync matters only while something is believed to be attached; it may come late but keeps its phase.
        dues = [self._sync] if self._believed and self._sync is not None else []
        waiting = (self._believed[place].unwanted for place in self._believed.leaving)
        return [
            *dues,
            *self._not_before.values(),
            *(since + self._timing.unmount_wait for since in waiting if since is not None),
        ]

    def _observe(self, kind: str, obj: Obj, now: float) -> None:
        """The API tells of a VolumeAttachment: our operation ended, or one was there before us."""
        place = obj["spec"]["source"].get("persistentVolumeName", ""), obj["spec"]["nodeName"]
        believed = self._believed.get(place)
        if kind == "DELETED":
            if believed and (believed.detaching or not believed.attached):
                self._believed.forget(place)
                self._not_before[place[0]] = now + self._timing.attach_retry
        elif obj.get("status", {}).get("attached") and not (believed and believed.attached):
            attachment = believed or self._believed.put(place, obj["metadata"]["name"])
            attachment.attached = True
            if believed:
                self._report(place, now)
        elif believed is None:
            self._believed.put(place, obj["metadata"]["name"])

    def _verify(self) -> None:
        """The sync: what is no longer in the API is not attached any more."""
        for place, attachment in sorted(self._believed.items()):
            if ("", attachment.name) not in self._api.objects:
                self._believed.forget(place)
                self._publish(place, attached=False)

    def _report(self, place: Place, now: float) -> None:
        self._publish(place, attached=True)
        for pod in self._wanted.pods(place):
            message = f'AttachVolume.Attach succeeded for volume "{place[0]}" '
            self._tell(pod, "SuccessfulAttachVolume", message, now, kind="Normal")

    def _detach(self, place: Place, attachment: Attachment, now: float) -> None:
        if attachment.unwanted is None:
            attachment.unwanted = now
        if attachment.detaching or not self._may_detach(place, attachment, now):
            return
        attachment.detaching = True
        self._publish(place, attached=False)
        if ("", attachment.name) in self._api.objects:
            self._client.delete("volumeattachments", attachment.name)

    def _may_detach(self, place: Place, attachment: Attachment, now: float) -> bool:
        """Unmounted, or the node is out of service, or six minutes have passed on a node that is not Ready."""
        node = self._nodes.objects.get(("", place[1]))
        expired = attachment.unwanted is not None and now >= attachment.unwanted + self._timing.unmount_wait
        if node is None:
            return expired
        if any(taint["key"] == _OUT_OF_SERVICE for taint in objects.taints(node)):
            return True
        in_use = self._wanted.unique(place[0]) in (node.get("status", {}).get("volumesInUse") or ())
        return not in_use or (expired and objects.condition(node, "Ready").get("status") != "True")

    def _attach(self, place: Place, now: float) -> None:
        volume = self._wanted.volume(place[0])
        others = self._believed.of(place[0])
        if others and not _SHARED.intersection(volume["spec"].get("accessModes") or ()):
            # While a detach is under way nothing is begun for the volume, so nothing fails either.
            if not any(attachment.detaching for attachment in others):
                self._complain(place, now)
        elif self._not_before.get(place[0], 0.0) <= now:
            self._not_before.pop(place[0], None)
            self._create(place, volume)

    def _create(self, place: Place, volume: Obj) -> None:
        name = attachment_name(volume, place[1])
        if ("", name) in self._api.objects:
            return  # on its way out: its end wakes us
        self._believed.put(place, name)
        source = {"persistentVolumeName": place[0]}
        spec = {"attacher": volume["spec"]["csi"]["driver"], "nodeName": place[1], "source": source}
        self._client.create("volumeattachments", {"metadata": {"name": name}, "spec": spec})
        fresh = {"status": {"attached": False}}
        self._client.patch("volumeattachments", name, fresh, subresource="status")

    def _complain(self, place: Place, now: float) -> None:
        """Multi-Attach: told once per pod and volume, never again."""
        for pod in self._wanted.pods(place):
            if (pod["metadata"]["uid"], place[0]) in self._reported:
                continue
            self._reported.add((pod["metadata"]["uid"], place[0]))
            message = f'Multi-Attach error for volume "{place[0]}" {self._reason(place, pod)}'
            self._tell(pod, "FailedAttachVolume", message, now, kind="Warning")

    def _reason(self, place: Place, pod: Obj) -> str:
        users = [user for other in self._wanted.places if other[0] == place[0] for user in self._wanted.pods(other)]
        here = pod["metadata"]["namespace"]
        names = sorted(u["metadata"]["name"] for u in users if u is not pod and u["metadata"]["namespace"] == here)
        if names:
            return f"Volume is already used by pod(s) {', '.join(names)}"
        return "Volume is already exclusively attached to one node and can't be attached to another"

    def _publish(self, place: Place, *, attached: bool) -> None:
        """Keep the node's status.volumesAttached."""
        node = self._nodes.objects.get(("", place[1]))
        name = self._wanted.unique(place[0])
        if node is None or name is None:
            return
        present = self._client.get("nodes", place[1]).get("status", {}).get("volumesAttached") or []
        wanted = [entry for entry in present if entry["name"] != name]
        if attached:
            wanted.append({"name": name, "devicePath": ""})
        self._client.patch("nodes", place[1], {"status": {"volumesAttached": wanted or None}}, subresource="status")

    def _tell(self, pod: Obj, reason: str, message: str, now: float, *, kind: str) -> None:
        self._client.create("events", objects.event(pod, (reason, message), _COMPONENT, now, kind=kind))
