"""A cluster that stands still: any number of nodes, and of VMs of one pattern, over HTTP in a process of its own.

Nobody acts in it but who renews the Leases, so what is measured is vm-drift, and not how fast a simulated kubelet is.
Its objects are those of the simulated cluster, multiplied; nodes are as large as real ones by the images they hold.

`python -m benchmarks.still FOLDER NODES LOST VMS STORAGE` has VMS on each of the nodes 0 to LOST-1. It says
`{"url": ...}`, then answers one JSON line for each on its standard input; see `ORDERS`.
"""

import asyncio
import json
import sys
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import yaml
from aiohttp import web

from simulator.api.api import Api
from simulator.apiserver import ApiServer, kubeconfig
from simulator.audit import AuditEntry
from simulator.client import Obj
from simulator.http.handler import Handler
from simulator.process import USERS
from simulator.scene import Scene, Storage, Vm, staged
from simulator.shapes import namespace
from simulator.store.objects import copied, rfc3339
from simulator.store.selectors import Selection
from simulator.store.store import Store

_NODE, _VM, _SPACE = "pattern-node", "pattern-vm", "pattern-space"
# Of one VM, and of what it stands on. A launcher pod comes last: what it belongs to is there before it.
_KINDS = (
    "virtualmachines",
    "virtualmachineinstances",
    "persistentvolumeclaims",
    "persistentvolumes",
    "volumeattachments",
    "pods",
)
_IMAGES = 50  # of a node, as many as a kubelet tells of
_BEAT, _BEATS = 1.0, 50  # seconds; a tenth of all Leases is renewed in each, in so many portions: kubelets do not agree
_AUDIT = 200_000  # requests that are remembered one by one
_SPACES = 50  # namespaces: an API server that is asked for a VM's pods goes through all pods of its namespace
_STATUS = 300.0  # seconds between two updates of a node's status when nothing changes


@dataclass(frozen=True)
class Pattern:
    """One healthy node and one VM with all of its objects, as they are when it runs; as JSON text."""

    node: str
    lease: str
    vm: Mapping[str, str]
    others: Mapping[str, list[Obj]]

    @staticmethod
    def of(storage: Storage) -> "Pattern":
        """From the simulated cluster."""
        scene = Scene((_NODE, "spare"), (Vm(_VM, storage, _SPACE, _NODE),))
        store = staged(scene).store

        def mine(kind: str) -> str:
            found = [orjson.dumps(obj).decode() for obj in store.list(Selection(kind)).items]
            return next((text for text in found if _VM in text), "")

        others = ("namespaces", "storageclasses", "csidrivers")
        return Pattern(
            orjson.dumps(store.get("nodes", _NODE)).decode(),
            orjson.dumps(store.get("leases", _NODE, "kube-node-lease")).decode(),
            {kind: text for kind in _KINDS if (text := mine(kind))},
            {kind: list(store.list(Selection(kind)).items) for kind in others},
        )


class Slow(Handler):
    """Takes `longer` for each answer, in seconds."""

    longer = 0.0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """As a Handler does."""
        if self.longer:
            await asyncio.sleep(self.longer)
        return await super().handle(request)


class Counted(deque[AuditEntry]):
    """An audit that need not be read to be counted."""

    def __init__(self) -> None:
        super().__init__(maxlen=_AUDIT)
        self.counts: Counter[tuple[str, str, str]] = Counter()

    def append(self, entry: AuditEntry, /) -> None:
        """As a deque does."""
        self.counts[entry.user.rpartition(":")[2], entry.verb, entry.resource] += 1
        super().append(entry)


class Still:
    """The objects, and who serves and renews them."""

    def __init__(self, nodes: int, lost: int, vms: int, storage: Storage) -> None:
        self.store = Store(time.time, ring=100_000)
        self.api = Api(self.store, tokens={f"token-{role}": user for role, user in USERS.items()})
        self.audited = self.api.audit = Counted()
        self.server = ApiServer(self.api, skin=Slow)
        self.nodes = [f"node-{number:05}" for number in range(nodes)]
        self.lost: set[str] = set()
        self._busy = False
        pattern = Pattern.of(storage)
        for kind, objects in pattern.others.items():
            for obj in objects:
                self.store.create(kind, copied(obj))
        for name in self.nodes:
            self._add_node(pattern, name)
        for name in self.nodes[:lost]:
            for number in range(vms):
                self._add_vm(pattern, name, f"vm-{name}-{number:03}", f"space-{number % _SPACES:03}")
        for number in range(_SPACES):
            self.store.create("namespaces", namespace(f"space-{number:03}"))
        for name in ("vm-drift-interventions", "vm-drift-claims", "vm-drift-fencing"):
            self.store.create("configmaps", {"metadata": {"name": name, "namespace": "vm-drift"}})
        self._lease("kube-controller-manager", "kube-system", create=True)

    def _add_node(self, pattern: Pattern, name: str) -> None:
        node = orjson.loads(_anew(pattern.node, {_NODE: name}))
        node["status"]["images"] = [
            {"names": [f"registry.example/library/an-image-of-{name}-{i:03}@sha256:{i:064}"], "sizeBytes": i}
            for i in range(_IMAGES)
        ]
        self.store.create("nodes", node)
        lease = orjson.loads(_anew(pattern.lease, {_NODE: name}))
        lease["metadata"] |= _as_kubelets_write(node["metadata"])
        self.store.create("leases", lease)
        self._lease(name, "kube-node-lease")

    def _add_vm(self, pattern: Pattern, node: str, name: str, space: str) -> None:
        known = {
            _NODE: node,
            _VM: name,
            _SPACE: space,
            **{old: str(uuid.uuid4()) for old in _uids(pattern.vm.values())},
        }
        for kind in _KINDS:
            if kind in pattern.vm:
                obj = orjson.loads(_replaced(pattern.vm[kind], known))
                self.store.create(kind, self._renamed(obj) if kind == "volumeattachments" else obj)

    def _renamed(self, attachment: Obj) -> Obj:
        """As Kubernetes names it (workers.observe)."""
        spec = attachment["spec"]
        csi = self.store.get("persistentvolumes", spec["source"]["persistentVolumeName"])["spec"]["csi"]
        digest = sha256(f"{csi['volumeHandle']}{csi['driver']}{spec['nodeName']}".encode()).hexdigest()
        attachment["metadata"]["name"] = f"csi-{digest}"
        return attachment

    def start(self, folder: Path) -> str:
        """Serve, and keep the healthy nodes alive; returns the URL."""
        self.server.start()
        for role in USERS:
            config = kubeconfig(self.server.url, f"token-{role}")
            (folder / f"{role}.kubeconfig").write_text(yaml.safe_dump(config))
        threading.Thread(target=self._live, daemon=True).start()
        return self.server.url

    def _live(self) -> None:
        portion, begun = 0, time.monotonic()
        while True:
            if portion % _BEATS == 0:
                with self.api.lock:
                    self._lease("kube-controller-manager", "kube-system")
                if self._busy:
                    self._tell_statuses(portion // _BEATS)
            for name in self.nodes[portion % (10 * _BEATS) :: 10 * _BEATS]:
                if name not in self.lost:
                    with self.api.lock:
                        self._lease(name, "kube-node-lease")
            portion += 1
            time.sleep(max(0.0, begun + portion * _BEAT / _BEATS - time.monotonic()))

    def _tell_statuses(self, beat: int) -> None:
        """Of every node once in five minutes, evenly."""
        for name in self.nodes[beat % int(_STATUS) :: int(_STATUS)]:
            if name in self.lost:
                continue
            with self.api.lock:
                node = copied(self.store.get("nodes", name))
                for condition in node["status"]["conditions"]:
                    condition["lastHeartbeatTime"] = rfc3339(time.time())
                self.store.update("nodes", node)

    def _lease(self, name: str, namespace: str, *, create: bool = False) -> None:
        stamp = f"{rfc3339(time.time())[:-1]}.000000Z"
        spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": stamp}
        if create:
            spec["acquireTime"] = rfc3339(time.time() - 86400)[:-1] + ".000000Z"
            self.store.create("leases", {"metadata": {"name": name, "namespace": namespace}, "spec": spec})
            return
        known = self.store.get("leases", name, namespace)
        self.store.update("leases", {**known, "spec": {**known["spec"], **spec}})

    def lose(self, first: int, until: int, since: float) -> float:
        """Nodes FIRST to UNTIL-1 are Unknown since then; when the last of them was written."""
        for name in self.nodes[first:until]:
            self.lost.add(name)
            with self.api.lock:
                self.store.update("nodes", _lost(copied(self.store.get("nodes", name)), since))
        return time.time()

    def evict(self) -> float:
        """Kubernetes' own eviction of what is on lost nodes; when the first of them was written."""
        first = time.time()
        for pod in self.store.list(Selection("pods")).items:
            if pod["spec"].get("nodeName") in self.lost:
                with self.api.lock:  # nobody ends it there, so it stays, Terminating
                    self.store.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"])
        return first

    def answer(self, order: Mapping[str, Any]) -> Any:
        """Carry one order out; KeyError for one that is not known."""
        return ORDERS[order["do"]](self, order)

    def requests(self) -> list[list[Any]]:
        """[user, verb, resource, how many], since the last `forget`."""
        return [[*key, number] for key, number in sorted(dict(self.audited.counts).items())]

    def audit(self) -> list[dict[str, Any]]:
        """Every request since the last `forget`, oldest first. RuntimeError if there were more than are remembered."""
        with self.api.lock:
            if sum(self.audited.counts.values()) > len(self.audited):
                raise RuntimeError(f"more than {_AUDIT} requests: not all of them are remembered")
            return [asdict(entry) for entry in self.api.audit]

    def forget(self) -> None:
        """Empty the audit."""
        with self.api.lock:
            self.audited.clear()
            self.audited.counts.clear()


ORDERS: Mapping[str, Callable[[Still, Mapping[str, Any]], Any]] = {
    "lose": lambda still, order: still.lose(order["first"], order["until"], order["since"]),
    "evict": lambda still, _: still.evict(),
    "busy": lambda still, _: setattr(still, "_busy", True),
    "slow": lambda _, order: setattr(Slow, "longer", order["seconds"]),
    "requests": lambda still, _: still.requests(),
    "audit": lambda still, _: still.audit(),
    "forget": lambda still, _: still.forget(),
}


def _as_kubelets_write(node: Obj) -> Obj:
    """Of a Lease's metadata what makes it as large as a real one."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": node["name"], "uid": node["uid"]}
    spec: Obj = {f"f:{name}": {} for name in ("holderIdentity", "leaseDurationSeconds", "renewTime")}
    owned: Obj = {".": {}, f'k:{{"uid":"{node["uid"]}"}}': {}}
    written = {"f:metadata": {"f:ownerReferences": owned}, "f:spec": spec}
    entry = {"manager": "kubelet", "operation": "Update", "apiVersion": "coordination.k8s.io/v1"}
    stamp = {"time": node["creationTimestamp"], "fieldsType": "FieldsV1", "fieldsV1": written}
    return {"ownerReferences": [owner], "managedFields": [{**entry, **stamp}]}


def _lost(node: Obj, since: float) -> Obj:
    stamp = rfc3339(since)
    for condition in node["status"]["conditions"]:
        condition |= {"status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": stamp}
    taint = {"key": "node.kubernetes.io/unreachable", "timeAdded": stamp}
    node["spec"]["taints"] = [{**taint, "effect": "NoSchedule"}, {**taint, "effect": "NoExecute"}]
    return node


def _anew(text: str, names: Mapping[str, str]) -> str:
    return _replaced(text, {**names, **{old: str(uuid.uuid4()) for old in _uids([text])}})


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def _uids(texts: Iterable[str]) -> set[str]:
    return {orjson.loads(text)["metadata"]["uid"] for text in texts}


def _say(answer: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    sys.stdout.buffer.flush()


def main(folder: str, nodes: str, lost: str, vms: str, storage: str) -> None:
    """The process."""
    still = Still(int(nodes), int(lost), int(vms), Storage(storage))
    _say({"url": still.start(Path(folder))})
    for line in sys.stdin:
        _say(still.answer(json.loads(line)))


if __name__ == "__main__":
    main(*sys.argv[1:])
