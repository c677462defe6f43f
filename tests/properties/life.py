"""A cluster, the reactor in it, and all that can happen to both.

Stories for single mutants and the state machine are told in these words, and judged by the same judge.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from reactor.model.drift import Policy
from reactor.model.errors import ClusterError
from reactor.model.event import NODE_FENCED, Event, recovered, unreachable
from reactor.model.fencing import CONFIG_MAP as FENCING
from reactor.model.fencing import fencings
from reactor.model.identity import NodeRef, Outage
from reactor.model.intervention import CONFIG_MAP, HOLD, Intervention
from reactor.model.node import OUT_OF_SERVICE
from reactor.settings import Settings
from simulator import shapes
from simulator.actors.network_fencer import NetworkFencer
from simulator.client import ApiError
from simulator.fencing import add_storage_clients
from simulator.manager import ControllerManager
from simulator.migrating import migrate
from simulator.scene import Scene, Vm, staged
from simulator.twins.bmc import MachineBmcs
from simulator.twins.cluster import ApiCluster
from tests.properties.fate import Fate
from tests.properties.judge import Judge
from tests.properties.redis import JudgedStore, Photographed
from tests.properties.vms import ELIGIBLE, NODES, WHY
from tests.virtual import KilledError
from workers.fence.redfish import Redfish
from workers.intake import take_event

_CALM = 5400.0  # seconds without trouble, after which everything has ended or waits
_PAUSE = 600.0  # seconds, of which the reactor has at least that much to find out what it has missed
_MANY = 2  # nodes that may be lost at once: 40 % of five


class Life:
    """A world from its beginning to its end; nodes are called by their names."""

    def __init__(self, vms: Iterable[Vm], seed: int = 0, policy: Policy | None = None) -> None:
        self.vms, self._policy = {vm.name: vm for vm in vms}, policy or Settings().to_policy()
        self._said: list[Event] = []
        self.world = staged(Scene(NODES, tuple(self.vms.values())), seed)
        self.hypervisor, self.manager, self._manager_runs = self.world.hypervisor, ControllerManager(self.world), True
        self._managers, self._outages, self._rests_at = 1, set[Outage](), 0.0
        asked = frozenset(vm.name for vm in self.vms.values() if vm.annotations.get("vmdrift.io/detach") == "delete")
        self.judge = Judge(self.world, WHY, asked)
        self._fencers()
        self.fate = Fate(self.world, self.lose_last_second)
        self.fate.hold(self.world.api)
        self.judge.known_until = self.fate.known_until
        self.reactor = self._start(JudgedStore(self.world, self.judge))

    def _fencers(self) -> None:
        """Whoever may be asked to fence a node, if anybody may."""
        machines = self.hypervisor.machines
        self.bmcs = MachineBmcs(self.hypervisor, {name: machine.system_uuid for name, machine in machines.items()})
        self.csi_addons: NetworkFencer | None = None
        if "network-fence" in self._policy.fencing:
            admin = self.world.api.client("system:admin")
            self.csi_addons = NetworkFencer(admin, self.hypervisor, add_storage_clients(admin, NODES))
            self.world.add(self.csi_addons)

    def _start(self, store: JudgedStore) -> Photographed:
        reactor = Photographed(self.world, self._policy, store)
        reactor.providers["redfish"] = Redfish(self.bmcs)
        self.world.add(reactor)
        return reactor

    def live(self, seconds: float) -> None:
        """Time goes by, then the judge speaks."""
        self.world.run_for(seconds)
        self._outages |= {record.outage for record in self.reactor.store._outages.values()}
        assert not self.judge.wrong, self.judge.wrong

    # what happens to nodes

    def back(self, node: str) -> None:
        """Whatever is wrong with it is repaired."""
        if self.judge.visible.get("nodes", node) is None:
            self._register(node)
        machine = self.hypervisor.machines[node]
        if not machine.powered:
            self.hypervisor.power_on(node)
        self.hypervisor.restore_network(node)
        self.hypervisor.start_kubelet(node)
        self.hypervisor.start_virt_handler(node)

    def reinstall(self, node: str) -> None:
        """The machine is taken off and comes back as another node of the same name."""
        self.hypervisor.power_cut(node)
        self.remove(node)
        self.back(node)

    def remove(self, node: str) -> None:
        """Somebody deletes the Node object of a machine that does not answer."""
        machine = self.hypervisor.machines[node]
        if not machine.kubelet_works and self.judge.visible.get("nodes", node):
            self.world.api.client("system:admin").delete("nodes", node)

    def fences_fail(self, node: str, *, hang: bool) -> None:
        """Its BMC takes orders and does nothing, or does not answer; CSI-Addons fails, or hangs."""
        (self.bmcs.hanging if hang else self.bmcs.deaf).add(node)
        if self.csi_addons:
            self.csi_addons.hangs, self.csi_addons.fails = hang, "" if hang else "refused"

    def fences_work(self) -> None:
        """Whatever was wrong with them is repaired."""
        self.bmcs.hanging.clear()
        self.bmcs.deaf.clear()
        if self.csi_addons:
            self.csi_addons.hangs, self.csi_addons.fails = False, ""
            self.world.remove(self.csi_addons)
            self.world.add(self.csi_addons)

    def confirm(self, node: str) -> None:
        """Somebody who may switches it off, and says so. It may be one that is there, or was lost long ago."""
        self.hypervisor.power_cut(node)
        if found := self.judge.visible.get("nodes", node):
            now = self.world.now
            told = {"uid": found["metadata"]["uid"], "bootID": found["status"]["nodeInfo"]["bootID"], "how": "looked"}
            self._say(Event(NODE_FENCED, "/pdu", f"{now}", node, now, told))

    def confirm_again(self) -> None:
        """Everything that was ever confirmed is delivered once more, whatever became of these nodes since."""
        for event in tuple(self._said[-5:]):
            self._say(replace(event, id=f"{event.id}+{self.world.now}"))

    def _say(self, event: Event) -> None:
        self._said.append(event)
        self.reactor.inbox.accept([event], "pdu")

    def beat(self, node: str) -> None:
        """Its virt-handler gets one sign of life through."""
        machine = self.hypervisor.machines[node]
        before = machine.virt_handler_alive, machine.network, machine.kubelet_alive
        self.hypervisor.stop_kubelet(node)
        self.hypervisor.restore_network(node)
        self.hypervisor.start_virt_handler(node)
        self.world.run_for(1)
        machine.virt_handler_alive, machine.network, machine.kubelet_alive = before
        self.hypervisor.set_clock(node, machine.skew)

    def _register(self, node: str) -> None:
        fresh = shapes.node(node, NODES.index(node), self.hypervisor.machines[node])
        self.world.api.client("system:admin").create("nodes", fresh)

    # what happens to the control plane and to the VMs

    def manager_dies(self) -> None:
        """The controller manager is gone."""
        if self._manager_runs:
            self.manager.stop()
            self._manager_runs = False

    def manager_leads(self, skew: float) -> None:
        """Another controller manager takes over, on a machine with another clock."""
        self.manager_dies()
        self.world.run_for(15)
        self.manager.leader.skew = skew
        self.manager.start(f"manager-{self._managers}")
        self._managers, self._manager_runs = self._managers + 1, True

    def migrate(self, vm: str) -> None:
        """A live migration begins, if it can."""
        name = f"migration-{vm}"
        if vm in self.vms and self.judge.visible.get("virtualmachineinstancemigrations", name, "default") is None:
            with suppress(RuntimeError, ApiError):  # it does not get that far, or its VM is gone before
                migrate(self.world, self.vms[vm])

    # what happens to the reactor

    def crash(self) -> None:
        """All its processes die and the queue is lost; others start."""
        self.world.remove(self.reactor)
        store = self.reactor.store
        assert isinstance(store, JudgedStore)
        self.reactor = self._start(store)

    def lose_last_second(self) -> None:
        """Redis comes back without its last second."""
        self.reactor.lose_last_second()

    def again(self) -> None:
        """Every job that ever was runs once more."""
        with suppress(KilledError):
            self.reactor.again()

    def tell(self, *, over: bool) -> None:
        """Every outage that ever was is told once more, as lasting or as over, the newest first."""
        for outage in sorted(self._outages, key=lambda outage: -outage.since):
            self._take(recovered(outage, "test", self.world.now) if over else unreachable(outage, "test"))
        self._take(unreachable(Outage(NodeRef("node-c", "never-was"), int(self.world.now)), "test"))

    def _take(self, event: Event) -> None:
        with suppress(KilledError, ClusterError):
            take_event(event, self.reactor.tools)

    # the end

    # what people ask for

    def hold(self, target: str) -> None:
        """Somebody asks that it be left alone."""
        one = Intervention(HOLD, target, "ann", "looking at it", self.world.now)
        self._note({one.key: one.as_text()})

    def resume(self) -> None:
        """Every hold is lifted."""
        found = self.judge.visible.get("configmaps", CONFIG_MAP, "vm-drift") or {}
        self._note(dict.fromkeys(found.get("data") or {}))

    def _note(self, data: Mapping[str, str | None]) -> None:
        ApiCluster(self.world.api, "ann").note(CONFIG_MAP, "vm-drift", data)

    def rest(self) -> None:
        """All trouble ends, but for two nodes that stay off; then everything has its end, and every VM its place."""
        self.fate.blows.clear()
        self.resume()
        self.fences_work()
        for node, machine in self.hypervisor.machines.items():
            if not machine.storage:  # it stays fenced until it was rebooted
                self.hypervisor.power_cut(node)
        if not self._manager_runs:
            self.manager_leads(self.manager.leader.skew)
        off = [node for node, machine in self.hypervisor.machines.items() if not machine.powered]
        for node in sorted(set(NODES) - set(off[:_MANY])):
            self.back(node)
        self._rests_at = self.world.now
        self.world.run(self._settled, _CALM)
        self.live(60)
        self._check(set(off[:_MANY]))

    def _settled(self) -> bool:
        going = [record for record in self.reactor.store._records.values() if not record.phase.is_end]
        waiting = all(record.drift.vm.name in WHY for record in going)  # for as long as its node is off
        return waiting and self._homeless() == [] and self.world.now > self._rests_at + _PAUSE

    def _homeless(self) -> list[str]:
        wanted = [vm for vm in ELIGIBLE if vm.name in self.vms]
        return [vm.name for vm in wanted if len(self.hypervisor.running((vm.namespace, vm.name))) != 1]

    def _check(self, off: set[str]) -> None:
        records = self.reactor.store._records.values()
        assert self._homeless() == [], [record for record in records if record.drift.vm.name in self._homeless()]
        for vm in self.vms.values():
            assert len(self.hypervisor.running((vm.namespace, vm.name))) < 2, vm
        for record in records:
            over = record.drift.outage.node.name not in off
            assert record.phase.is_end or not over, record
            assert record.phase.is_end or (record.again_at or 0) > self.world.now - 1, record
        for file in fencings(self.judge.visible.get("configmaps", FENCING, "vm-drift")).values():
            assert file.node.name in off, file
        for node in set(NODES) - off:
            found = self.judge.visible.get("nodes", node) or {}
            assert OUT_OF_SERVICE not in [taint["key"] for taint in found.get("spec", {}).get("taints") or ()], node
        for told in self.reactor.store.outages():
            assert told.outage.node.name in off, told
        self._check_doubles()

    def _check_doubles(self) -> None:
        """What ran twice did so because its node was silent, or because Kubernetes itself let go of a deleted node."""
        for double in self.hypervisor.double_runs:
            silent = any((double.vm[1], node) in self.judge.blind for node in double.nodes)
            # Where only its storage is blocked it may run on; it writes no more.
            silent |= any((double.vm[1], node) == known[:2] for known in self.judge.proven for node in double.nodes)
            assert silent or set(double.nodes) & self.judge.visible.gone.keys(), double
