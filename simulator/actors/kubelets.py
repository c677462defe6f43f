"""The kubelets: Leases, node status, and the pods of their nodes from Pending to gone.

One actor plays the kubelet of every machine that the hypervisor knows, so that a cluster needs one watch of pods. A
kubelet without power, process or network does nothing and forgets its timers; what it finds afterwards decides.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.actors import objects
from simulator.actors.kubelet_pods import PodRunner, Timers
from simulator.actors.podvolumes import PodVolumes
from simulator.actors.retry import WorkQueue
from simulator.client import Client
from simulator.jitter import Jitter
from simulator.machines.hypervisor import MACHINES, Hypervisor, Machine
from simulator.store.objects import Key, key_of, rfc3339
from simulator.timing import Timing

_HEALTHY = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
}


@dataclass
class _Kubelet:
    boots: int
    mute_until: float  # it posts no status before
    lease_due: float = 0.0
    status_due: float = 0.0
    timers: Timers = field(default_factory=dict)
    pods_due: float = 0.0  # when the first timer is

    @property
    def due(self) -> float:
        return min(self.lease_due, max(self.status_due, self.mute_until), self.pods_due)


class Kubelets:
    """All kubelets. Uses `timing.lease_renew`, `node_status_report`, `node_status_after_boot`, `pod_start`, `pod_stop`.

    Args:
        client: what all of them read with.
        hypervisor: the machines; the nodes of others are left alone.
        timing: how long things take.
        client_of: the access of one node's kubelet, for what it writes; None for `client`. A real API server lets a
            kubelet write only what is its own (admission NodeRestriction).
        seed: decides how long after a boot the status says so.
    """

    name = "kubelets"
    watches = ("pods", "volumeattachments", MACHINES)

    def __init__(
        self,
        client: Client,
        hypervisor: Hypervisor,
        timing: Timing,
        client_of: Callable[[str], Client] | None = None,
        seed: int = 0,
    ) -> None:
        self._client, self._hypervisor, self._timing = client, hypervisor, timing
        self._client_of = client_of or (lambda _: client)
        self._pods, self._nodes = client.informer("pods"), client.informer("nodes")
        self._volumes = PodVolumes(client)
        self._runner = PodRunner(client, self._client_of, hypervisor, self._volumes, timing)
        self._kubelets: dict[str, _Kubelet] = {}
        self._called_lost: set[str] = set()
        self._reported: dict[str, int] = {}  # by node, the boot that its status tells of
        self._jitter = Jitter(seed, "status after a boot")
        self._by_node: dict[str, set[Key]] = defaultdict(set)
        self._seen = -1
        self._queue: WorkQueue[str] = WorkQueue()

    def step(self, now: float) -> float | None:
        """Let every working kubelet do what is due or what changes ask of it."""
        dirty, machines = self._changes(), self._hypervisor.machines
        if self._seen != self._hypervisor.version:  # machines change only with it
            self._seen, dirty = self._hypervisor.version, set(machines)
            self._kubelets = {name: one for name, one in self._kubelets.items() if machines[name].kubelet_works}
        for name in (name for name in sorted(dirty) if machines[name].kubelet_works):
            self._of(name, machines[name].boots, now).pods_due = now
        self._queue.add((name for name, kubelet in self._kubelets.items() if kubelet.due <= now), now)
        again = self._queue.work(lambda name: self._sync(name, now), now)
        dues = (kubelet.due for kubelet in self._kubelets.values() if kubelet.due > now)
        return min([*dues, *([] if again is None else [again])], default=None)

    def _of(self, name: str, boots: int, now: float) -> _Kubelet:
        """The kubelet of this boot: a power cut may be too short to be seen from here."""
        if name not in self._kubelets or self._kubelets[name].boots != boots:
            self._kubelets[name] = _Kubelet(boots, mute_until=now + self._mute_for(name, boots))
        return self._kubelets[name]

    def _mute_for(self, name: str, boots: int) -> float:
        """Seconds until its first status: it is renewing its Lease meanwhile. None where the boot is known already."""
        booted = self._reported.get(name, boots) != boots
        return self._jitter.between(name, 0.0, self._timing.node_status_after_boot) if booted else 0.0

    def _changes(self) -> set[str]:
        for _, node in self._nodes.poll():
            lost = objects.condition(node, "Ready").get("status") == "Unknown"
            (self._called_lost.add if lost else self._called_lost.discard)(node["metadata"]["name"])
        dirty = self._volumes.poll()
        for kind, pod in self._pods.poll():
            node = pod["spec"].get("nodeName")
            if node:
                (self._by_node[node].discard if kind == "DELETED" else self._by_node[node].add)(key_of(pod))
                dirty.add(node)
        return dirty & set(self._hypervisor.machines)

    def _sync(self, name: str, now: float) -> None:
        machine, kubelet = self._hypervisor.machines[name], self._kubelets.get(name)
        if kubelet is None:
            return
        if now >= kubelet.lease_due:
            self._renew(machine.node, machine.clock(now))
            kubelet.lease_due = now + self._timing.lease_renew
            # It compares its status every ten seconds (nodeStatusUpdateFrequency), and posts it when it differs.
            if name in self._called_lost:
                kubelet.status_due = now
        if now >= max(kubelet.status_due, kubelet.mute_until):
            self._report(machine, machine.clock(now))
            kubelet.status_due = now + self._timing.node_status_report
            self._reported[name] = kubelet.boots
        if now >= kubelet.pods_due:
            mine = [self._pods.objects[key] for key in sorted(self._by_node[name])]
            kubelet.pods_due = self._runner.sync(name, mine, kubelet.timers, now)

    def _renew(self, node: str, now: float) -> None:
        patch = {"spec": {"renewTime": objects.micro_time(now)}}
        self._client_of(node).patch("leases", node, patch, "kube-node-lease")

    def _report(self, machine: Machine, now: float) -> None:
        """Post which machine this is and its conditions; `lastTransitionTime` moves only where a status does."""
        conditions = []
        old = self._client.get("nodes", machine.node)
        for kind, (status, reason, message) in _HEALTHY.items():
            before = objects.condition(old, kind)
            since = before["lastTransitionTime"] if before.get("status") == status else rfc3339(now)
            new = {"type": kind, "status": status, "reason": reason, "message": message}
            conditions.append(new | {"lastHeartbeatTime": rfc3339(now), "lastTransitionTime": since})
        patch = {"status": {"conditions": conditions, "nodeInfo": machine.identity}}
        self._client_of(machine.node).patch("nodes", machine.node, patch, subresource="status")
