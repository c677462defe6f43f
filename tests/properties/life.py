"""A cluster, the product in it, and all that can happen to both (tests.properties.happen).

Stories for single mutants and the state machine are told in these words, and judged by the same judge.
"""

from reactor.model.drift import Phase
from reactor.model.fencing import CONFIG_MAP as FENCING
from reactor.model.fencing import fencings
from reactor.model.node import OUT_OF_SERVICE
from tests.properties.happen.fencers import Fencers
from tests.properties.happen.hostile import EVIL, Hostile
from tests.properties.happen.nodes import Nodes
from tests.properties.happen.people import People
from tests.properties.happen.product import Product
from tests.properties.happen.tenants import Tenants
from tests.properties.happen.witnesses import Witnesses
from tests.properties.vms import NODES

_CALM = 5400.0  # seconds without trouble, after which everything has ended or waits
_PAUSE = 600.0  # seconds, of which the product has at least that much to find out what it has missed
_MANY = 2  # nodes that may be lost at once: 40 % of five


class Life(Nodes, Fencers, Witnesses, People, Tenants, Hostile, Product):
    """A world from its beginning to its end."""

    def rest(self) -> None:
        """All trouble ends, but for two nodes that stay off; then everything has its end, and every VM its place."""
        off = self._repaired()
        began = self.world.now
        self.world.run(lambda: self._settled() and self.world.now > began + _PAUSE, _CALM)
        self.live(60)
        self._check(off)

    def _repaired(self) -> set[str]:
        self.fate.blows.clear()
        self.resume()
        self.fences_work()
        self.witnesses_are_honest()
        self.renew_certificates()
        self.allow_fencing()
        self.untaint()
        self.undo()
        for clock in self.clocks.values():
            clock.right()
        self.live(60)
        for node, machine in self.hypervisor.machines.items():
            if not machine.storage or self._half_fenced(node):  # it stays fenced, or out of service, until a reboot
                self.hypervisor.power_cut(node)
        if not self.manager_runs:
            self.manager_leads(self.manager.leader.skew)
        off = [node for node, machine in self.hypervisor.machines.items() if not machine.powered][:_MANY]
        for node in sorted(set(NODES) - set(off)):
            self.back(node)
        self.unfence_what_is_gone()
        return set(off)

    def _half_fenced(self, node: str) -> bool:
        file = fencings(self.visible.get("configmaps", FENCING, "vm-drift")).get(node)
        return file is not None and bool(file.attempts or file.release or (file.void and not file.closed))

    def _settled(self) -> bool:
        going = [record for record in self.store.records_by_drift.values() if not record.phase.is_end]
        able = {name for _, name in self.wanted}
        waiting = all(record.drift.vm.name not in able for record in going)  # for as long as its node is off
        return waiting and self.homeless() == []

    def homeless(self) -> list[str]:
        """The names of the VMs that should run, and run nowhere or twice."""
        return [vm[1] for vm in self.wanted if len(self.hypervisor.running(vm)) != 1]

    def _check(self, off: set[str]) -> None:
        records = [record for record in self.store.records_by_drift.values() if record.drift.vm.namespace != EVIL]
        assert self.homeless() == [], [record for record in records if record.drift.vm.name in self.homeless()]
        for vm in self.vms.values():
            assert len(self.hypervisor.running((vm.namespace, vm.name))) < 2, vm
        # Of an outage that is over, too, goes on what came onto a node that stays off, and may not leave it; and a VM
        # of the tenant who means harm, which may never start.
        going = [record.drift for record in self.store.records_by_drift.values() if not record.phase.is_end]
        stuck = {drift.vm for drift in going if drift.outage.node.name in off or drift.vm.namespace == EVIL}
        # What was on a node that is back, then on one that stays off, and may not leave that one, does not run again.
        refused = [record.drift for record in records if record.phase is Phase.REFUSED]
        stuck |= {drift.vm for drift in refused if drift.outage.node.name in off}
        waits = {drift.outage for drift in going if drift.vm in stuck}
        for record in records:
            over = record.drift.outage.node.name not in off and record.drift.vm not in stuck
            assert record.phase.is_end or not over, record
            assert record.phase.is_end or (record.again_at or 0) > self.world.now - 1, record
        for file in fencings(self.visible.get("configmaps", FENCING, "vm-drift")).values():
            assert file.node.name in off, file
        for node in set(NODES) - off:
            found = self.visible.get("nodes", node) or {}
            assert OUT_OF_SERVICE not in [taint["key"] for taint in found.get("spec", {}).get("taints") or ()], node
        for told in self.store.outages():
            assert told.outage.node.name in off or told.outage in waits, told
        assert self.down.overdue == 0.0, self.down
