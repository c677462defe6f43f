"""The pods of a node, as its kubelet brings them from Pending to gone."""

from collections.abc import Callable, Sequence
from math import inf

from simulator.actors import objects, podstatus
from simulator.actors.podvolumes import PodVolumes
from simulator.client import Client, Obj
from simulator.machines.hypervisor import Hypervisor, Process
from simulator.timing import Timing

Timers = dict[str, float]  # pod uid -> when it has started or stopped


class PodRunner:
    """What all kubelets do with their pods. Uses `timing.pod_start` and `pod_stop`.

    Args:
        client: what they read with.
        client_of: the access of one node's kubelet, for what it writes.
        hypervisor: where the processes are.
        volumes: what pods need, and what is attached.
        timing: how long things take.
    """

    def __init__(
        self,
        client: Client,
        client_of: Callable[[str], Client],
        hypervisor: Hypervisor,
        volumes: PodVolumes,
        timing: Timing,
    ) -> None:
        self._client, self._client_of, self._hypervisor = client, client_of, hypervisor
        self._volumes, self._timing = volumes, timing

    def sync(self, node: str, pods: Sequence[Obj], timers: Timers, now: float) -> float:
        """Bring what runs on a node in line with its pods; when the first of them is due again."""
        self._forget_removed(node, pods)
        self._volumes.report(node, pods)
        for pod in pods:
            self._sync_pod(node, timers, pod, now)
        return min((due for due in timers.values() if due > now), default=inf)

    def _forget_removed(self, node: str, pods: Sequence[Obj]) -> None:
        """Stop what runs for pods that are no longer in the API."""
        uids = {pod["metadata"]["uid"] for pod in pods}
        for process in self._hypervisor.on(node):
            if process.pod_uid not in uids:
                self._hypervisor.stop(process.pod_uid)

    def _sync_pod(self, node: str, timers: Timers, pod: Obj, now: float) -> None:
        uid, phase = pod["metadata"]["uid"], pod["status"]["phase"]
        running = uid in self._hypervisor.processes
        if objects.deleting(pod):
            self._finish(timers, pod, now)
        elif phase in objects.FINISHED:
            self._hypervisor.stop(uid)
        elif phase == "Pending":
            self._start(node, timers, pod, now)
        elif not running and pod["spec"].get("restartPolicy") == "Never":
            self._post(pod, podstatus.failed(pod, now))
        else:
            if not running:
                self._hypervisor.start(process_of(pod, self._volumes), now)
            if objects.condition(pod, "Ready").get("status") != "True":
                self._post(pod, podstatus.ready_again(pod, now))

    def _start(self, node: str, timers: Timers, pod: Obj, now: float) -> None:
        """Start a pod once its volumes are attached here and the start has taken its time."""
        uid = pod["metadata"]["uid"]
        if not self._volumes.attached(pod, node):
            timers.pop(uid, None)
            return
        due = timers.setdefault(uid, now + self._timing.pod_start)
        if due <= now:
            del timers[uid]
            self._hypervisor.start(process_of(pod, self._volumes), now)
            self._post(pod, podstatus.started(pod, self._address(node), now))

    def _finish(self, timers: Timers, pod: Obj, now: float) -> None:
        """Stop a pod that is being deleted, then remove it from the API for good."""
        uid = pod["metadata"]["uid"]
        takes = self._timing.pod_stop if uid in self._hypervisor.processes else 0.0
        if timers.setdefault(uid, now + takes) <= now:
            del timers[uid]
            self._hypervisor.stop(uid)
            own = self._client_of(pod["spec"]["nodeName"])
            own.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"], uid=uid, grace=0)

    def _address(self, node: str) -> str:
        addresses = self._client.get("nodes", node)["status"].get("addresses") or ()
        return next((entry["address"] for entry in addresses if entry["type"] == "InternalIP"), "")

    def _post(self, pod: Obj, status: Obj) -> None:
        meta, own = pod["metadata"], self._client_of(pod["spec"]["nodeName"])
        own.patch("pods", meta["name"], {"status": status}, meta["namespace"], subresource="status")


def process_of(pod: Obj, volumes: PodVolumes) -> Process:
    """What a pod runs on its node: a launcher its VM's guest, any other pod only what holds its disks.

    A migration's target holds nothing yet: its guest is not resumed before the hand-over.
    """
    meta = pod["metadata"]
    labels = meta.get("labels", {})
    if "kubevirt.io/migrationJobUID" in labels:
        return Process(pod["spec"]["nodeName"], meta["uid"])
    vm, uid = labels.get("vm.kubevirt.io/name"), labels.get("kubevirt.io/created-by")
    owned = any(owner["uid"] == uid for owner in meta.get("ownerReferences") or ())  # else it only bears the labels
    guest, disks = (meta["namespace"], vm) if vm and owned else None, volumes.disks(pod)
    return Process(pod["spec"]["nodeName"], meta["uid"], guest, frozenset(disks), disks)
