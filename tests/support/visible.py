"""What anybody can see of the nodes in the API, each change with its time by the one true clock.

It shares no code with the product, which sees the same only now and then, through clocks that may be wrong.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reactor.model.fencing import CONFIG_MAP, Confirmation, Fencing, fencings
from reactor.model.intervention import ALL, HOLD, Intervention, interventions, node_target
from reactor.model.intervention import CONFIG_MAP as INTERVENTIONS
from simulator.actors.objects import backend
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.machines.machine import NO_BACKEND, Backend, Machine
from simulator.store.objects import epoch
from simulator.store.selectors import Selection
from simulator.world import World

_HEARTBEAT = "kubevirt.io/heartbeat"
_MUCH = 40  # percent of the nodes
_CALM = 3600.0  # seconds between two losses that have nothing to do with one another


@dataclass
class Node:
    """One incarnation: its Ready status, its kubelet's Lease, virt-handler's heartbeat, and when each changed last.

    `since`: when its Ready changed last, as its condition says.
    """

    uid: str
    ready: str
    ready_at: float
    since: float = 0.0
    lease: str = ""
    lease_at: float = 0.0
    beat: str = ""
    beat_at: float = 0.0
    reported: str = ""

    @property
    def sign_at(self) -> float:
        """The last sign of life."""
        return max(self.lease_at, self.beat_at)


@dataclass
class Visible:
    """What was to be seen when.

    `gone`: when a node's object was deleted; `crowded`: lost nodes with which too many others were lost that are not
    proven dead, and since when that is so.
    """

    world: World
    nodes: dict[str, Node] = field(default_factory=dict)
    gone: dict[str, float] = field(default_factory=dict)
    crowded: dict[str, float] = field(default_factory=dict)
    refuted: set[tuple[str, str]] = field(
        default_factory=set
    )  # boots that were heard after a proof, and by whom it was
    held: dict[Intervention, float] = field(default_factory=dict)  # what people ask for, and since when

    def __post_init__(self) -> None:
        self._proofs: set[tuple[str, str]] = set()
        self._files: dict[str, Fencing] = {}
        for name in self.world.hypervisor.machines:
            self._look(name)
        self.world.api.late_faults.append(self._done)

    def get(self, resource: str, name: str, namespace: str = "") -> Obj | None:
        """One object, None without it."""
        try:
            return self.world.store.get(resource, name, namespace)
        except ApiError:
            return None

    def proof(self, name: str) -> Confirmation | None:
        """What says in the cluster that this very boot of the node is dead."""
        file = self._files.get(name)
        return file.proof if file and file.boot == self._boot(name) else None

    def proven(self, name: str) -> bool:
        """Does anything?"""
        return self.proof(name) is not None

    def _boot(self, name: str) -> str:
        return str((self.get("nodes", name) or {}).get("status", {}).get("nodeInfo", {}).get("bootID", ""))

    def holds(self, node: str, vms: Collection[str], since: float) -> Iterator[str]:
        """Why this node, or one of these VMs, was to be left alone at that time or before, and is now."""
        for one, at in self.held.items():
            meant = one.target in {ALL, node_target(node), *vms}
            if meant and one.kind == HOLD and at <= since and not one.is_over(self.world.now):
                yield one.sentence

    def covered(self, obj: Obj) -> bool:
        """Does that go for this pod, or this attachment: for its whole machine, or for all the storage that it has?"""
        proof = self.proof(obj["spec"].get("nodeName", ""))
        if proof is None or not proof.storage:
            return proof is not None
        backends = self._backends(obj)
        return bool(backends) and backends <= set(proof.storage)

    def untrue_proof(self, obj: Obj) -> Iterator[str]:
        """What no rule of ours would excuse: a machine that lives, and can write there."""
        machine = self.world.hypervisor.machines[obj["spec"]["nodeName"]]
        if self._began_unheard(machine):
            return
        if machine.powered and any(machine.reaches(backend) for backend in self._backends(obj) or {NO_BACKEND}):
            yield f"{machine.node} is told to be proven dead, and lives"

    def _began_unheard(self, machine: Machine) -> bool:
        """Was it switched on again after the boot that is proven dead, and nothing runs there yet?"""
        file = self._files.get(machine.node)
        return file is not None and file.boot != machine.boot_id and not self.world.hypervisor.on(machine.node)

    def _backends(self, obj: Obj) -> set[Backend]:
        """Where the volumes lie that a pod uses, or that is attached."""
        source = obj["spec"].get("source")
        names = {source["persistentVolumeName"]} if source else _volumes(obj) | self._plugged(obj)
        return {backend(pv) for name in names if (pv := self.get("persistentvolumes", name))}

    def _plugged(self, launcher: Obj) -> set[str]:
        """What its attachment pods, which it owns, brought to its node."""
        beside = self.list("pods", f"spec.nodeName={launcher['spec'].get('nodeName', '')}")
        uid = launcher["metadata"]["uid"]
        own = [pod for pod in beside if uid in [one["uid"] for one in pod["metadata"].get("ownerReferences") or ()]]
        return {volume for pod in own for volume in _volumes(pod)}

    def cordoned(self) -> bool:
        """Is there a node that takes nothing?"""
        return any(node["spec"].get("unschedulable") for node in self.list("nodes"))

    def list(self, resource: str, fields: str = "") -> Sequence[Obj]:
        """All objects that match."""
        return self.world.store.list(Selection(resource, fields=fields)).items

    def users(self, attachment: Obj) -> Sequence[str]:
        """The pods on an attachment's node that use its volume."""
        volume, node = attachment["spec"]["source"]["persistentVolumeName"], attachment["spec"]["nodeName"]
        return [
            pod["metadata"]["name"] for pod in self.list("pods", f"spec.nodeName={node}") if volume in _volumes(pod)
        ]

    def heard(self, lost: str) -> tuple[int, int]:
        """How many nodes besides this one renewed their Lease since it was lost, and how many could have.

        Those that are lost themselves could not; how many of them there may be is another rule (`crowded`).
        """
        others = [node for name, node in self.nodes.items() if name != lost and node.ready != "Unknown"]
        return sum(node.lease_at > self.nodes[lost].ready_at for node in others), len(others)

    def _done(self, request: Request) -> ApiError | None:
        of_a_node = request.resource == "nodes" or request.namespace == "kube-node-lease"
        if request.resource == "configmaps" and request.verb not in {"get", "list", "watch"}:
            self._files = fencings(self.get("configmaps", CONFIG_MAP, "vm-drift"))
            for file in self._files.values():
                self._proofs |= {(file.boot, file.confirmation.provider)} if file.confirmation else set()
            self._count()
            asked = interventions(self.get("configmaps", INTERVENTIONS, "vm-drift"))
            self.held = {one: self.held.get(one, self.world.now) for one in asked}
        if of_a_node and request.verb in {"patch", "update", "create", "delete"}:
            for name in [request.name] if request.name else list(self.world.hypervisor.machines):
                self._look(name)
        return None

    def _look(self, name: str) -> None:
        now, obj = self.world.now, self.get("nodes", name)
        if obj is None:
            self.gone[name] = now
            self.nodes.pop(name, None)
        else:
            self._take_down(name, obj, now)
        self._count()

    def _count(self) -> None:
        lost = {name: node.since for name, node in self.nodes.items() if node.ready == "Unknown"}
        crowded = [name for name in lost if self._are_many(_together(lost, name))]
        self.crowded = {name: self.crowded.get(name, self.world.now) for name in crowded}

    def _are_many(self, lost: Collection[str]) -> bool:
        """So many nodes of one trouble; those of another one count neither as lost nor as nodes."""
        nodes = [name for name, node in self.nodes.items() if node.ready != "Unknown" or name in lost]
        return sum(not self.proven(name) for name in lost) > max(1, len(nodes) * _MUCH // 100)

    def _take_down(self, name: str, obj: Obj, now: float) -> None:
        found: Obj = next((c for c in obj.get("status", {}).get("conditions", []) if c["type"] == "Ready"), {})
        ready = found.get("status", "")
        node = self.nodes.get(name)
        if node is None or node.uid != obj["metadata"]["uid"]:
            node = self.nodes[name] = Node(obj["metadata"]["uid"], ready, now)
        lease = (self.get("leases", name, "kube-node-lease") or {}).get("spec", {}).get("renewTime", "")
        beat = obj["metadata"].get("annotations", {}).get(_HEARTBEAT, "")
        reported = found.get("lastHeartbeatTime", "")
        # It may be proven before it is Unknown: only what its kubelet reports after that refutes it.
        if ready == "True" and (ready, reported) != (node.ready, node.reported):
            self.refuted |= {known for known in self._proofs if known[0] == self._boot(name)}
        node.lease_at = now if lease != node.lease else node.lease_at
        node.beat_at = now if beat != node.beat else node.beat_at
        node.ready_at = now if ready != node.ready else node.ready_at
        node.lease, node.beat, node.ready, node.reported = lease, beat, ready, reported
        node.since = epoch(found["lastTransitionTime"]) if found else 0.0


def _together(lost: Mapping[str, float], name: str) -> list[str]:
    """What was lost in the same trouble as this node, or later: without an hour of calm in between."""
    begin = lost[name]
    for since in sorted(lost.values(), reverse=True):
        if begin - _CALM < since < begin:
            begin = since
    return [one for one, since in lost.items() if since >= begin]


def _volumes(pod: Obj) -> set[str]:
    """The names of the PersistentVolumes of a pod's claims, as the scenes name them."""
    claims = (volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod["spec"].get("volumes", ()))
    return {f"{pod['metadata']['namespace']}-{claim}" for claim in claims}
