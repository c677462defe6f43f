"""virt-handler on every node: the heartbeat, and guests from Scheduled to Running or Failed.

Source: KubeVirt `pkg/virt-handler/heartbeat/heartbeat.go` and `vm.go`; shapes as recorded.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from simulator.actors import objects
from simulator.actors.launcher import claim_of
from simulator.actors.retry import WorkQueue
from simulator.actors.vmi import phase_patch
from simulator.api.patch import merge
from simulator.client import Client, Obj
from simulator.jitter import Jitter
from simulator.machines.hypervisor import MACHINES, Hypervisor
from simulator.store.objects import Key, key_of, rfc3339
from simulator.timing import Timing

_BEGUN = frozenset({"Scheduled", "Running"})  # a launcher that ends in either of these takes the instance with it
_MIGRATABLE = {"lastProbeTime": None, "lastTransitionTime": None, "status": "True"}
_NOT_SHARED = {"reason": "DisksNotLiveMigratable", "message": "cannot migrate VMI: PVC is not shared (RWO)"}


class VirtHandlers:
    """All virt-handlers. Uses `timing.heartbeat`, `heartbeat_longest` and `guest_start`.

    Args:
        client: what all of them read with.
        hypervisor: the machines; the nodes of others are left alone.
        timing: how long things take.
        client_of: the access of one node's virt-handler, for what it writes: KubeVirt lets each write only to its own.
        seed: decides each beat.
    """

    name = "virt-handlers"
    watches = ("virtualmachineinstances", "pods", MACHINES)

    def __init__(
        self,
        client: Client,
        hypervisor: Hypervisor,
        timing: Timing,
        client_of: Callable[[str], Client],
        seed: int = 0,
    ) -> None:
        self._client_of, self._hypervisor, self._timing = client_of, hypervisor, timing
        self._vmis = client.informer("virtualmachineinstances")
        self._pods = client.informer("pods")
        self._claims = client.informer("persistentvolumeclaims")
        self._beat: dict[str, float] = {}
        self._jitter = Jitter(seed, "heartbeat")
        self._starting: dict[str, tuple[float, str]] = {}  # by VMI uid: when its guest runs, and on which node
        self._by_node: dict[str, set[Key]] = defaultdict(set)
        self._launchers: dict[tuple[str, str, str], Obj] = {}  # by node, namespace and VMI uid
        self._seen = -1
        self._queue: WorkQueue[str] = WorkQueue()

    def step(self, now: float) -> float | None:
        """Beat where it is due; look at the VMIs of nodes where something changed or a guest is starting."""
        dirty = self._changes()
        if self._seen != self._hypervisor.version:
            self._seen, dirty = self._hypervisor.version, set(self._hypervisor.machines)
            self._begin(now)
        dirty |= {node for at, node in self._starting.values() if at <= now}
        due = {name for name, at in self._beat.items() if at <= now} | (dirty & self._beat.keys())
        self._queue.add(due, now)
        again = self._queue.work(lambda name: self._sync_node(name, now), now)
        dues = [due for due in (*self._beat.values(), *(at for at, _ in self._starting.values())) if due > now]
        return min([*dues, *([] if again is None else [again])], default=None)

    def _sync_node(self, name: str, now: float) -> None:
        if name not in self._beat:
            return
        if self._beat[name] <= now:
            self._heartbeat(name, now)
        for key in sorted(self._by_node[name]):
            self._sync(name, self._vmis.objects[key], now)

    def _changes(self) -> set[str]:
        dirty = set()
        self._claims.poll()
        for kind, vmi in self._vmis.poll():
            if node := vmi.get("status", {}).get("nodeName"):
                (self._by_node[node].discard if kind == "DELETED" else self._by_node[node].add)(key_of(vmi))
                dirty.add(node)
        for kind, pod in self._pods.poll():
            meta = pod["metadata"]
            uid = meta.get("labels", {}).get("kubevirt.io/created-by", "")
            at = (pod["spec"].get("nodeName", ""), meta["namespace"], uid)
            dirty.add(at[0])
            if kind != "DELETED":
                self._launchers[at] = pod
            elif self._launchers.get(at, {}).get("metadata", {}).get("uid") == meta["uid"]:
                del self._launchers[at]
        return dirty

    def _begin(self, now: float) -> None:
        """Those that work beat, those that came back at once; machines change only with the hypervisor's version."""
        works = [name for name, machine in self._hypervisor.machines.items() if machine.virt_handler_works]
        self._beat = {name: self._beat.get(name, now) for name in works}

    def _heartbeat(self, node: str, now: float) -> None:
        heartbeat = {"annotations": {"kubevirt.io/heartbeat": rfc3339(self._hypervisor.machines[node].clock(now))}}
        labels = {"labels": {"kubevirt.io/schedulable": "true"}}
        self._client_of(node).patch("nodes", node, {"metadata": heartbeat | labels})
        self._beat[node] = now + self._jitter.between(node, self._timing.heartbeat, self._timing.heartbeat_longest)

    def _sync(self, node: str, vmi: Obj, now: float) -> None:
        phase, uid = vmi["status"]["phase"], vmi["metadata"]["uid"]
        pod = self._launchers.get((node, vmi["metadata"]["namespace"], uid), {})
        running = bool(pod) and pod["metadata"]["uid"] in self._hypervisor.processes
        if phase == "Scheduled" and running:
            if self._starting.setdefault(uid, (now + self._timing.guest_start, node))[0] <= now:
                seen = {"conditions": self._migratable(vmi), "selinuxContext": "none"}
                self._post(node, vmi, phase_patch(vmi, "Running", now, **seen))
        elif phase in _BEGUN and not running and pod and pod["status"]["phase"] in objects.FINISHED:
            self._post(node, vmi, phase_patch(vmi, "Failed", now))
        if phase != "Scheduled":
            self._starting.pop(uid, None)

    def _migratable(self, vmi: Obj) -> list[Obj]:
        shared = all(self._shared(vmi, volume) for volume in vmi["spec"].get("volumes") or ())
        live: dict[str, Any] = _MIGRATABLE if shared else _MIGRATABLE | {"status": "False"} | _NOT_SHARED
        conditions = objects.with_condition(objects.conditions(vmi), {"type": "LiveMigratable", **live})
        return objects.with_condition(conditions, {"type": "StorageLiveMigratable", **_MIGRATABLE})

    def _shared(self, vmi: Obj, volume: Obj) -> bool:
        name = claim_of(volume).get("claimName")
        claim = self._claims.objects.get((vmi["metadata"]["namespace"], name), {}) if name else None
        return claim is None or "ReadWriteMany" in claim.get("spec", {}).get("accessModes", [])

    def _post(self, node: str, vmi: Obj, patch: Obj) -> None:
        """The whole object: a merge patch would lose the nulls in it, for which virt-controller asks."""
        self._client_of(node).update("virtualmachineinstances", merge(vmi, patch))
