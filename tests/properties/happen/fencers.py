"""Whoever may be asked to fence: BMCs, CSI-Addons, a medik8s operator. They fail, hang, refuse, lie, or hit another."""

from simulator.actors.network_fencer import NetworkFencer
from simulator.actors.remediator import Remediator
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.fencing import add_storage_clients, add_template
from simulator.twins.bmc import MachineBmcs
from tests.auditor import FENCING
from tests.properties.happen.begun import Begun
from tests.properties.harm import Fences
from tests.properties.vms import NODES
from workers.fence.redfish import Redfish
from workers.fence.remediation import NODE_NAME

_REMEDIATIONS = "fenceagentsremediations"
_THEIRS = frozenset({"networkfences", "csiaddonsnodes", _REMEDIATIONS})


class Fencers(Begun):
    """Those whom the policy names are there."""

    def begin(self) -> None:
        super().begin()
        self.fences = Fences(self.hypervisor, self.harm.stopped, self.lied)
        machines = self.hypervisor.machines
        self.bmcs = MachineBmcs(self.fences, {name: machine.system_uuid for name, machine in machines.items()})
        self.providers["redfish"] = Redfish(self.bmcs)
        self.forbidden = False
        self.world.api.faults.append(self._forbid)
        self._admin = self.world.api.client("system:admin")
        self.operators: list[NetworkFencer | Remediator] = []
        if "network-fence" in self.policy.fencing:
            addresses = add_storage_clients(self._admin, NODES)
            self.operators.append(NetworkFencer(self._admin, self.fences, addresses))
        if "remediation" in self.policy.fencing:
            add_template(self._admin)
            self.operators.append(Remediator(self._admin, self.fences))
        self.world.add(*self.operators)

    def lied(self, node: str) -> None:
        """Somebody says of a machine that is on that it is dead."""
        self.judge.doubles.lied.add((node, self.hypervisor.machines[node].boot_id))
        self.struck["an operator lies"] += 1

    def fences_fail(self, node: str, how: str) -> None:
        """Its BMC takes orders and does nothing, does not answer or refuses us; operators fail, or hang."""
        {"fail": self.bmcs.deaf, "hang": self.bmcs.hanging, "refuse": self.bmcs.refusing}[how].add(node)
        for operator in self.operators:
            operator.hangs, operator.fails = how == "hang", "" if how == "hang" else "refused"
        self.struck[f"fences {how}"] += 1

    def fences_lie(self, node: str) -> None:
        """It is told to be off, and is not."""
        self.fences.idle.add(node)
        if self.hypervisor.machines[node].powered and "redfish" in self.policy.fencing:
            self.bmcs.words[node] = "Off"
            self.judge.doubles.lied.add((node, self.hypervisor.machines[node].boot_id))
            self.struck["a BMC lies"] += 1

    def bmcs_swapped(self, one: str, other: str) -> None:
        """The addresses of two BMCs were mixed up: an Off is another machine's."""
        self.bmcs.swapped.update({one: other, other: one})
        self.struck["BMCs swapped"] += 1

    def fencing_forbidden(self) -> None:
        """The fencing role has no right to any object of the operators'."""
        self.forbidden = True

    def fences_work(self) -> None:
        """Whatever was wrong with them is repaired."""
        for wrong in (self.bmcs.hanging, self.bmcs.deaf, self.bmcs.refusing, self.fences.idle):
            wrong.clear()
        self.bmcs.words.clear()
        self.bmcs.swapped.clear()
        self.forbidden = False
        for operator in self.operators:
            operator.hangs, operator.fails = False, ""
            self.world.remove(operator)
            self.world.add(operator)

    def remediated(self, node: str, *, forged: bool) -> None:
        """Somebody else's remediation of a node; `forged`: a tenant's, who says that it has succeeded."""
        if "remediation" not in self.policy.fencing:
            return
        name, namespace = f"theirs-{node}-{self.world.now:.0f}", "default" if forged else "fencing"
        meta = {"name": name, "namespace": namespace, "annotations": {NODE_NAME: node}}
        made: Obj = {"metadata": meta, "spec": {"agent": "fence_ipmilan"}}
        self._admin.create(_REMEDIATIONS, made)
        if forged:
            done = {"status": {"conditions": [{"type": "Succeeded", "status": "True", "reason": "Told"}]}}
            self._admin.patch(_REMEDIATIONS, name, done, namespace, subresource="status")
        else:
            self.harm.others.add(node)
        self.struck["forged remediation" if forged else "somebody else's remediation"] += 1

    def _forbid(self, request: Request) -> ApiError | None:
        if not self.forbidden or request.user != FENCING or request.resource not in _THEIRS:
            return None
        self.struck["fencing forbidden"] += 1
        return ApiError(403, "Forbidden", "a fault of the test's")
