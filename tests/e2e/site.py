"""Nodes, disks and VMs of our own in somebody's cluster, with the actors that it lacks, as long as a block lasts."""

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from reactor.model.drift import Record
from reactor.model.node import node_view
from simulator import shapes
from simulator.actors.cast import machinery
from simulator.client import Client, Obj
from simulator.machines.hypervisor import Hypervisor
from simulator.process import faster
from simulator.scene import Storage, Vm
from simulator.world import RealTime
from tests.e2e import objects
from tests.e2e.home import home
from tests.e2e.product import Product
from tests.e2e.surroundings import Access, Surroundings
from tests.e2e.sweep import sweep
from tests.support.commands import eventually
from workers.observe.parse import vmi_view

PREFIX = "vmdrift-e2e-"
_SWEEP = 120.0  # seconds; a namespace of a real cluster takes a while to go
PATIENCE = 180.0  # seconds for what takes one minute on a real control plane, or a loaded machine


class UnsafeError(Exception):
    """The cluster is in no state to run vm-drift on; the message says why."""


@dataclass(frozen=True)
class Seen:
    """One moment, by VM's name.

    `launched`, `present`: uids of all launcher pods that there ever were, and of those that there are. `running`: the
    nodes on which the VM really runs.
    """

    records: dict[str, Record]
    launched: dict[str, list[str]]
    present: dict[str, list[str]]
    running: dict[str, list[str]]

    def story(self, vm: str) -> tuple[str, str]:
        """The VM's drift's phase and reason."""
        return self.records[vm].phase, self.records[vm].reason


class Launchers:
    """Every launcher pod that a namespace has had since this was made, by VM's name."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._pods = client.informer("pods", namespace)
        self._ever: dict[str, list[str]] = defaultdict(list)

    def look(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Uids of those there ever were, and of those there are."""
        present: dict[str, list[str]] = defaultdict(list)
        for _, pod in self._pods.poll():
            if (vm := _vm_of(pod)) and pod["metadata"]["uid"] not in self._ever[vm]:
                self._ever[vm].append(pod["metadata"]["uid"])
        for pod in self._pods.objects.values():
            if vm := _vm_of(pod):
                present[vm].append(pod["metadata"]["uid"])
        return {vm: list(uids) for vm, uids in self._ever.items()}, dict(present)


def _vm_of(pod: Obj) -> str:
    labels = pod["metadata"].get("labels", {})
    return str(labels["vm.kubevirt.io/name"]) if labels.get("kubevirt.io") == "virt-launcher" else ""


class Site:
    """What `site` yields. `run` is its name: of the namespace, and what every other name begins with.

    `plane` is what it is played against: a version, which says so where the control plane is simulated.
    """

    def __init__(self, around: Surroundings, access: Access) -> None:
        self.run, self.times = PREFIX + secrets.token_hex(3), around.times
        self.nodes = tuple(f"{self.run}-{letter}" for letter in "abcde")
        self.client, self.hypervisor, self.vms = access.own, Hypervisor(clock=time.time), list[Vm]()
        self.around, self._access, self.plane = around, access, access.own.version()
        self._launchers: Launchers | None = None
        self._life: RealTime | None = None

    def begin(self) -> None:
        """Nodes first, then their kubelets: none of those lives without its node."""
        self.client.create("namespaces", {"metadata": {"name": self.run}})
        self.client.create("storageclasses", objects.storage_class(self.run))
        for index, name in enumerate(self.nodes):
            self.client.create("nodes", objects.node(self.run, name, index))
            self.client.create("csinodes", objects.csi_node(self.run, name))
            self.client.create("leases", shapes.lease(name))
            self.hypervisor.add_machine(name)
        self._launchers = Launchers(self.client, self.run)
        actors = machinery(self._access.of, self.hypervisor, faster(self.times), self.around.actors)
        self._life = RealTime(actors, time.time)
        self._access.listeners.append(self._life.changed)
        self.hypervisor.listeners.append(self._life.changed)
        self._life.start()
        self.until("all of our nodes are Ready", lambda: all(self.ready(name) == "True" for name in self.nodes))

    def end(self) -> None:
        """Our actors are no more; raises what went wrong in one of them."""
        if self._life:
            self._life.stop()

    def ready(self, node: str) -> str:
        """The status of a node's condition Ready."""
        return node_view(self.client.get("nodes", node)).ready

    def add(self, *wanted: Vm) -> None:
        """VMs, in the namespace of the run, that run where they were wanted."""
        vms = [replace(vm, namespace=self.run) for vm in wanted]
        self.vms += vms
        disks = [self._disk(vm) for vm in vms if vm.storage is not Storage.CONTAINER_DISK]
        self.until("the claims are bound", lambda: all(self._bound(claim) for claim in disks))
        for vm in vms:
            self.client.create("virtualmachines", objects.machine(self.run, vm))
        self.until("the VMs run", lambda: all(self._up(vm.name) for vm in vms))
        self.until("what is hotplugged is attached", lambda: all(self._plugged(vm.name) for vm in vms))
        strays = [vm.name for vm in vms if self._running(vm.name) != [vm.node]]
        assert not strays, f"scheduled elsewhere than they wish: {strays}"
        for vm in vms:
            if vm.run_strategy != "Always":
                self.client.patch("virtualmachines", vm.name, {"spec": {"runStrategy": vm.run_strategy}}, self.run)

    def on(self, node: str) -> list[str]:
        """The names of the VMs that really run on it."""
        return [vm.name for vm in self.vms if node in self._running(vm.name)]

    def runs(self, vm: str) -> bool:
        """Whether the VM is well, and really runs, on one node."""
        return self._up(vm) and len(self._running(vm)) == 1

    def seen(self, product: Product) -> Seen:
        """How things are now."""
        assert self._launchers
        running = {vm.name: self._running(vm.name) for vm in self.vms}
        return Seen(product.records(self.run), *self._launchers.look(), running)

    def until(self, what: str, true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait for it; fails at once when one of our actors has died."""

        def holds() -> bool:
            assert self._life
            assert self._life.error is None, self._life.error
            return true()

        eventually(what, holds, seconds)

    def _running(self, vm: str) -> list[str]:
        return self.hypervisor.running((self.run, vm))

    def _plugged(self, vm: str) -> bool:
        return not vmi_view(self.client.get("virtualmachineinstances", vm, self.run)).unplugged

    def _up(self, vm: str) -> bool:
        status = self.client.get("virtualmachines", vm, self.run).get("status", {})
        return status.get("printableStatus") == "Running" and bool(status.get("ready"))

    def _disk(self, vm: Vm) -> str:
        """A claim, which the control plane's own controller binds to the volume that is made for it; its name."""
        claim = self.client.create("persistentvolumeclaims", objects.claim(self.run, vm))
        self.client.create("persistentvolumes", objects.volume(self.run, vm, claim))
        return str(claim["metadata"]["name"])

    def _bound(self, claim: str) -> bool:
        found = self.client.get("persistentvolumeclaims", claim, self.run)
        return bool(found["status"]["phase"] == "Bound")


@contextmanager
def site(around: Surroundings) -> Iterator[Site]:
    """A cluster to lose nodes of; swept at the end, whatever happened. UnsafeError, NotSweptError."""
    with ExitStack() as stack:
        access = Access(around)
        stack.callback(access.close)
        _refuse_unsafe(access.own)
        stack.enter_context(home(access.own))
        made = Site(around, access)
        stack.callback(sweep, access.own, made.run, _SWEEP)
        stack.callback(made.end)
        made.begin()
        yield made


def _refuse_unsafe(client: Client) -> None:
    """vm-drift acts on every lost node of the cluster, not on ours only. ApiError, too, before anything is made."""
    client.list("virtualmachines")  # not served without KubeVirt
    lost = [node["metadata"]["name"] for node in client.list("nodes") if node_view(node).ready != "True"]
    if lost:
        names = ", ".join(sorted(lost))
        raise UnsafeError(f"not Ready: node {names}. vm-drift would act on it; take a cluster whose nodes are all well")
