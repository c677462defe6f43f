"""Clusters to play in: nodes and VMs by storage kind, built through a `Client`, and the demo."""

from dataclasses import dataclass
from typing import Any

from simulator import shapes, sized
from simulator.actors.cast import any_phases, cast
from simulator.actors.kubelet_pods import process_of
from simulator.actors.objects import condition
from simulator.actors.podvolumes import PodVolumes
from simulator.actors.stateful_sets import StatefulSets
from simulator.api.patch import merge
from simulator.client import Client, Obj
from simulator.machines import disks
from simulator.machines.hypervisor import Hypervisor
from simulator.store.store import Store
from simulator.timing import Timing
from simulator.vms import FOR_EVER, ClaimPod, Kind, Storage, Vm
from simulator.world import World

__all__ = [
    "DEMO",
    "FOR_EVER",
    "LOST",
    "ClaimPod",
    "Kind",
    "Scene",
    "Storage",
    "Vm",
    "add_node",
    "add_pod",
    "add_vm",
    "adopt",
    "build",
    "is_up",
    "staged",
    "up",
]
_NAMESPACES = ("default", "kube-system", "kube-node-lease", "kubevirt")
_STARTS_WITHIN = 600.0  # seconds; far more than any VM on a healthy cluster takes


@dataclass(frozen=True)
class Scene:
    """Names of nodes, VMs, and pods beside them."""

    nodes: tuple[str, ...]
    vms: tuple[Vm, ...]
    pods: tuple[ClaimPod, ...] = ()


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
    for pod in scene.pods:
        add_pod(client, pod)


def add_node(client: Client, hypervisor: Hypervisor, name: str, index: int) -> None:
    """A machine and what stands for it in the API; `index` makes its address."""
    client.create("nodes", shapes.node(name, index))
    client.create("leases", shapes.lease(name))
    client.create("csinodes", shapes.csi_node(name))
    client.create("pods", shapes.virt_handler(name))
    hypervisor.add_machine(name)


def add_vm(client: Client, vm: Vm) -> None:
    """A VM, or what `vm.kind` says instead, with its disks, about to start."""
    volumes = disks.volumes(client, vm)
    meta = {"name": vm.name, "namespace": vm.namespace, "annotations": dict(vm.annotations)}
    instance = merge(shapes.instance_spec(volumes, _placement(vm), disks.devices(vm)), dict(vm.template))
    labels = {"app": vm.name, **vm.labels}
    if vm.kind is Kind.VMI:
        client.create("virtualmachineinstances", shapes.bare_instance(meta, instance, labels))
        return
    if vm.kind is Kind.REPLICA_SET:
        client.create("virtualmachineinstancereplicasets", shapes.replica_set(meta, instance, labels))
        return
    run = {"running": True} if vm.running else {"runStrategy": vm.run_strategy}
    named = sized.add(client, vm)
    if "instancetype" in named:
        instance = sized.without_size(instance)
    client.create("virtualmachines", shapes.virtual_machine(meta, instance, run | named, labels))
    if status := _first_status(vm):
        client.patch("virtualmachines", vm.name, {"status": status}, vm.namespace, subresource="status")


def _first_status(vm: Vm) -> Obj:
    tracked: Obj = {"changedBlockTracking": {"state": "Enabled"}} if vm.tracked else {}
    return tracked | ({"stateChangeRequests": [{"action": "Start"}]} if vm.run_strategy == "Manual" else {})


def add_pod(client: Client, pod: ClaimPod) -> None:
    """A pod beside the VMs, with its claim if that is its own."""
    if pod.storage:
        disks.volumes(client, Vm(pod.name, pod.storage, pod.namespace, pod.node))
    client.create("pods", shapes.plain_pod(pod.namespace, pod.name, pod.node, pod.claim, pod.stateful_set))


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
    if any(pod.stateful_set for pod in scene.pods):
        world.add(StatefulSets(world.api.client("system:serviceaccount:kube-system:statefulset-controller")))
    if not world.run(lambda: up(world, scene), _STARTS_WITHIN * timing.factor):
        raise RuntimeError("the scene does not come up")
    return world


def up(world: World, scene: Scene) -> bool:
    """Whether every VM is Running and Ready, with what is hotplugged, and every other pod Running."""
    pods = (world.store.get("pods", pod.name, pod.namespace) for pod in scene.pods)
    wanted = (vm for vm in scene.vms if vm.run_strategy != "Halted")
    return all(is_up(world.store, vm) for vm in wanted) and all(pod["status"]["phase"] == "Running" for pod in pods)


def is_up(store: Store, vm: Vm) -> bool:
    """Whether the VM is Running and Ready, with what is hotplugged."""
    if vm.kind is Kind.REPLICA_SET:
        found = store.get("virtualmachineinstancereplicasets", vm.name, vm.namespace)
        return bool(found.get("status", {}).get("readyReplicas"))
    status = store.get("virtualmachines", vm.name, vm.namespace).get("status", {}) if vm.kind is Kind.VM else {}
    if vm.kind is Kind.VM and (status.get("printableStatus") != "Running" or not status.get("ready")):
        return False
    return _instance_up(store.get("virtualmachineinstances", vm.name, vm.namespace))


def _instance_up(instance: Obj) -> bool:
    status = instance.get("status", {})
    volumes = status.get("volumeStatus") or ()
    ready = status.get("phase") == "Running" and condition(instance, "Ready").get("status") == "True"
    return ready and all(entry["hotplugVolume"].get("attachPodUID") for entry in volumes if "hotplugVolume" in entry)


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
        seconds = {} if vm.toleration == FOR_EVER else {"tolerationSeconds": vm.toleration}
        placement["tolerations"] = [taint | seconds]
    return placement
