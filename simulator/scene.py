"""Clusters to play in: nodes and VMs by storage kind, built through a `Client`, and the demo."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from simulator import shapes
from simulator.actors.cast import any_phases, cast
from simulator.actors.kubelets import process_of
from simulator.actors.podvolumes import PodVolumes
from simulator.client import Client, Obj
from simulator.hypervisor import Hypervisor
from simulator.store import Store
from simulator.timing import Timing
from simulator.world import World

_NAMESPACES = ("default", "kube-system", "kube-node-lease", "kubevirt")
_STARTS_WITHIN = 600.0  # seconds; far more than any VM on a healthy cluster takes


class Storage(Enum):
    """Where a VM's data lies."""

    CONTAINER_DISK = "containerDisk"
    RBD_BLOCK = "rbd-block"
    RBD_FILESYSTEM = "rbd-filesystem"
    RBD_SHARED = "rbd-block-rwx"
    RBD_HOTPLUGGED = "rbd-hotplugged"
    LOCAL = "local"


@dataclass(frozen=True)
class Vm:
    """A VM to be. `node`: where it is to run at first, a wish; `pinned`: a nodeSelector instead of the wish.

    `toleration`: seconds it tolerates an unreachable node, None for the default (300).
    """

    name: str
    storage: Storage = Storage.CONTAINER_DISK
    namespace: str = "default"
    node: str = ""
    pinned: bool = False
    run_strategy: str = "Always"
    toleration: int | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """Names of nodes, and VMs."""

    nodes: tuple[str, ...]
    vms: tuple[Vm, ...]


LOST = "worker-1"  # the demo's node to be lost
DEMO = Scene(
    nodes=(LOST, "worker-2", "worker-3", "worker-4"),
    vms=(
        Vm("web", node=LOST, namespace="shop"),
        Vm("database", Storage.RBD_BLOCK, "shop", LOST, annotations={"vmdrift.io/detach": "wait"}),
        Vm("queue", Storage.RBD_BLOCK, "shop", LOST, annotations={"vmdrift.io/detach": "delete"}),
        Vm("files", Storage.RBD_FILESYSTEM, "shop", LOST),
        Vm("scratch", Storage.LOCAL, "shop", LOST),
        Vm("licence", node=LOST, namespace="shop", pinned=True),
        Vm("mail", Storage.RBD_BLOCK, "office", "worker-2"),
        Vm("wiki", node="worker-3", namespace="office"),
    ),
)


def build(scene: Scene, client: Client, hypervisor: Hypervisor) -> None:
    """Create everything; the actors then make it run."""
    for name in dict.fromkeys([*_NAMESPACES, *(vm.namespace for vm in scene.vms)]):
        client.create("namespaces", shapes.namespace(name))
    client.create("storageclasses", shapes.storage_class(shapes.RBD_CLASS, shapes.RBD))
    client.create("storageclasses", shapes.storage_class(shapes.LOCAL_CLASS, "kubernetes.io/no-provisioner"))
    client.create("csidrivers", shapes.csi_driver(shapes.RBD))
    for index, name in enumerate(scene.nodes):
        add_node(client, hypervisor, name, index)
    for vm in scene.vms:
        add_vm(client, vm)


def add_node(client: Client, hypervisor: Hypervisor, name: str, index: int) -> None:
    """A machine and what stands for it in the API; `index` makes its address."""
    client.create("nodes", shapes.node(name, index))
    client.create("leases", shapes.lease(name))
    client.create("csinodes", shapes.csi_node(name))
    client.create("pods", shapes.virt_handler(name))
    hypervisor.add_machine(name)


def add_vm(client: Client, vm: Vm) -> None:
    """A VM with its disk, about to start."""
    volumes: list[Obj] = []
    if vm.storage in (Storage.CONTAINER_DISK, Storage.RBD_HOTPLUGGED):
        volumes.append({"name": "root", "containerDisk": {"image": "registry.local/kubevirt/cirros:v1"}})
    if vm.storage is not Storage.CONTAINER_DISK:
        volumes.append(_disk(client, vm))
    meta = {"name": vm.name, "namespace": vm.namespace, "annotations": dict(vm.annotations)}
    run = {"runStrategy": vm.run_strategy}
    client.create("virtualmachines", shapes.virtual_machine(meta, volumes, _placement(vm), run))
    if vm.run_strategy == "Manual":
        start = {"status": {"stateChangeRequests": [{"action": "Start"}]}}
        client.patch("virtualmachines", vm.name, start, vm.namespace, subresource="status")


def adopt(client: Client, hypervisor: Hypervisor) -> None:
    """Take over a cluster that runs already: its nodes become machines, its running pods processes."""
    for node in client.list("nodes"):
        hypervisor.add_machine(node["metadata"]["name"])
    volumes = PodVolumes(client)
    volumes.poll()
    for pod in client.list("pods"):
        if pod["status"]["phase"] == "Running":
            hypervisor.start(process_of(pod, volumes), 0.0)


def staged(scene: Scene, seed: int = 0, timing: Timing | None = None) -> World:
    """A world in which the scene is up: every VM runs where it was wanted.

    Raises:
        RuntimeError: some VM does not start; the scene is impossible.
    """
    timing = timing or Timing()
    world = World(seed)
    build(scene, world.api.client("system:admin"), world.hypervisor)
    world.add(*cast(world.api.client, world.hypervisor, timing, any_phases(seed, timing)))
    if not world.run(lambda: up(world, scene), _STARTS_WITHIN * timing.factor):
        raise RuntimeError("the scene does not come up")
    return world


def up(world: World, scene: Scene) -> bool:
    """Whether every VM is Running and Ready, with what is hotplugged."""
    return all(is_up(world.store, vm) for vm in scene.vms if vm.run_strategy != "Halted")


def is_up(store: Store, vm: Vm) -> bool:
    """Whether the VM is Running and Ready, with what is hotplugged."""
    status = store.get("virtualmachines", vm.name, vm.namespace).get("status", {})
    if status.get("printableStatus") != "Running" or not status.get("ready"):
        return False
    volumes = store.get("virtualmachineinstances", vm.name, vm.namespace)["status"].get("volumeStatus") or ()
    return all(entry["hotplugVolume"].get("attachPodUID") for entry in volumes if "hotplugVolume" in entry)


def _disk(client: Client, vm: Vm) -> Obj:
    """The VM's claim, bound to a volume; as an entry of the VM's volumes."""
    name, local = f"{vm.name}-disk", vm.storage is Storage.LOCAL
    modes = ["ReadWriteMany"] if vm.storage is Storage.RBD_SHARED else ["ReadWriteOnce"]
    spec = {
        "accessModes": modes,
        "storageClassName": shapes.LOCAL_CLASS if local else shapes.RBD_CLASS,
        "volumeMode": "Filesystem" if local or vm.storage is Storage.RBD_FILESYSTEM else "Block",
    }
    claim = client.create("persistentvolumeclaims", shapes.claim(vm.namespace, name, spec))
    source = shapes.local_source(vm.node) if local else shapes.rbd_source(claim["spec"]["volumeName"])
    client.create("persistentvolumes", shapes.volume(claim, source))
    phase = {"status": {"phase": "Bound"}}
    client.patch("persistentvolumes", claim["spec"]["volumeName"], phase, subresource="status")
    client.patch("persistentvolumeclaims", name, shapes.bound(modes), vm.namespace, subresource="status")
    entry: Obj = {"name": "data", "persistentVolumeClaim": {"claimName": name}}
    if vm.storage is Storage.RBD_HOTPLUGGED:
        entry["persistentVolumeClaim"]["hotpluggable"] = True
    return entry


def _placement(vm: Vm) -> Obj:
    placement: dict[str, Any] = {}
    hostname = "kubernetes.io/hostname"
    if vm.pinned:
        placement["nodeSelector"] = {hostname: vm.node}
    elif vm.node:
        wish = {"matchExpressions": [{"key": hostname, "operator": "In", "values": [vm.node]}]}
        preferred = [{"weight": 100, "preference": wish}]
        placement["affinity"] = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    if vm.toleration is not None:
        taint = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
        placement["tolerations"] = [taint | {"tolerationSeconds": vm.toleration}]
    return placement
