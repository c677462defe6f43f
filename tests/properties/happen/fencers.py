"""Whoever may be asked to fence: BMCs, CSI-Addons, a medik8s operator. They fail, hang, refuse, lie, or hit another."""

from collections import Counter
from dataclasses import dataclass

from reactor.model.node import OUT_OF_SERVICE
from rehearsal.twins.bmc import MachineBmcs
from simulator.actors.metal3_operator import Metal3Operator
from simulator.actors.network_fencer import NetworkFencer
from simulator.actors.remediator import Remediator
from simulator.audit import Request
from simulator.client import ApiError, Client, Obj
from simulator.fencing import add_hosts, add_storage_clients, add_template, list_addresses, succeeded
from tests.properties.happen.begun import Begun
from tests.properties.vms import NODES
from tests.support.auditor import FENCING
from workers.fencing.providers.redfish import Redfish
from workers.fencing.providers.remediation import NODE_NAME

_REMEDIATIONS = "fenceagentsremediations"
_THEIRS = frozenset({"networkfences", "csiaddonsnodes", "baremetalhosts", _REMEDIATIONS})


@dataclass
class TaintRemover:
    """An actor who removes every out-of-service taint until that time, at once."""

    client: Client
    struck: Counter[str]
    until: float = 0.0
    name: str = "taint-remover"
    watches: tuple[str, ...] = ("nodes",)

    def step(self, now: float) -> float | None:
        """Look at all nodes, whenever one has changed."""
        for node in self.client.list("nodes") if now < self.until else ():
            taints = node["spec"].get("taints") or []
            kept = [taint for taint in taints if taint["key"] != OUT_OF_SERVICE]
            if kept != taints:
                self.client.patch("nodes", node["metadata"]["name"], {"spec": {"taints": kept or None}})
                self.struck["somebody removes our taint"] += 1
        return None


class Fencers(Begun):
    """Those whom the policy names are there."""

    def begin(self) -> None:
        super().begin()
        self.uuids = {name: machine.system_uuid for name, machine in self.hypervisor.machines.items()}
        self.bmcs = MachineBmcs(self.hypervisor, self.uuids)
        self.providers["redfish"] = Redfish(self.bmcs)
        self.forbidden, self.shared = False, dict[str, set[str]]()
        self.world.api.faults.append(self._forbid)
        self.world.api.late_faults.append(self._told)
        self._admin = self.world.api.client("system:admin")
        self.operators: list[NetworkFencer | Remediator | Metal3Operator] = []
        if "network-fence" in self.policy.fencing:
            self.addresses = add_storage_clients(self._admin, NODES)
            self.operators.append(NetworkFencer(self._admin, self.hypervisor, self.addresses, shared=self.shared))
        if "remediation" in self.policy.fencing:
            add_template(self._admin)
            self.operators.append(Remediator(self._admin, self.hypervisor))
        if "metal3" in self.policy.fencing:
            hosts = add_hosts(self._admin, NODES)
            self.operators.append(Metal3Operator(self._admin, self.hypervisor, hosts))
        self.remover = TaintRemover(self._admin, self.struck)
        self.world.add(*self.operators, self.remover)

    def fences_fail(self, node: str, how: str) -> None:
        """Its BMC takes orders and does nothing, does not answer, refuses us, or is mute; operators fail, or hang."""
        wrong = {
            "fail": self.bmcs.deaf,
            "hang": self.bmcs.hanging,
            "refuse": self.bmcs.refusing,
            "mute": self.bmcs.mute,
        }
        wrong[how].add(node)
        for operator in self.operators:
            operator.hangs, operator.fails = how == "hang", "" if how == "hang" else "refused"
        self.struck[f"fences {how}"] += 1

    def fences_lie(self, node: str) -> None:
        """It is told to be off, and is not; operators say so of any node, or only of one that they fenced before."""
        if self.hypervisor.machines[node].powered and "redfish" in self.policy.fencing:
            self.bmcs.words[node] = "Off"
            self._lied(node)
            self.struck["a BMC lies"] += 1
        for operator in self.operators:
            if isinstance(operator, Remediator) and node == NODES[0]:
                operator.remembers = True
            else:
                operator.lies = True

    def booted(self, node: str) -> None:
        """A BMC that lied of the boot before goes on lying, of this one."""
        if self.bmcs.words.get(node) == "Off":
            self._lied(node)

    def uuid_of_another(self, one: str, other: str) -> None:
        """A machine's firmware bears the system UUID of another one, or none; before it is lost, if ever."""
        self.hypervisor.set_firmware(one, self.uuids[other] if one != other else "")
        self.uuids[one] = self.hypervisor.machines[one].system_uuid
        self.struck["no UUID" if one == other else "duplicate UUID"] += 1

    def behind_one_address(self, one: str, other: str) -> None:
        """The storage clients of two nodes come from one address (NAT), and both say so."""
        if "network-fence" not in self.policy.fencing or one == other:
            return
        cidr = next(cidr for cidr, node in self.addresses.items() if node == one)
        list_addresses(self._admin, other, [cidr])
        self.shared.setdefault(cidr, set()).add(other)
        self.struck["NAT"] += 1

    def bmcs_swapped(self, one: str, other: str) -> None:
        """The addresses of two BMCs were mixed up: an Off is another machine's."""
        self.bmcs.swapped.update({one: other, other: one})
        self.struck["BMCs swapped"] += 1

    def fencing_forbidden(self) -> None:
        """The fencing role has no right to any object of the operators'."""
        self.forbidden = True

    def fences_work(self) -> None:
        """Whatever was wrong with them is repaired."""
        for wrong in (self.bmcs.hanging, self.bmcs.deaf, self.bmcs.refusing, self.bmcs.mute):
            wrong.clear()
        self.bmcs.words.clear()
        self.bmcs.swapped.clear()
        self.forbidden, self.remover.until = False, 0.0
        for operator in self.operators:
            if isinstance(operator, Metal3Operator):  # what was asked for long ago, and not done, it does now
                self.harm.others.update(filter(self.is_kept_off, NODES))
            operator.hangs, operator.fails, operator.lies = False, "", False
            if isinstance(operator, Remediator):
                operator.remembers = False
            self.world.remove(operator)
            self.world.add(operator)

    def out_of_service_removed(self, lasts: float) -> None:
        """As medik8s' operators and Harvester do, whoever set that taint, on whatever node: for so long."""
        self.remover.until = self.world.now + lasts
        self.world.remove(self.remover)
        self.world.add(self.remover)

    def remediated(self, node: str, *, forged: bool) -> None:
        """Somebody else's remediation of a node; `forged`: a tenant's, who says that it has succeeded."""
        if "remediation" not in self.policy.fencing:
            return
        number, namespace = self.struck.total(), "default" if forged else "fencing"
        name = f"theirs-{node}-{number}"
        meta = {"name": name, "namespace": namespace, "annotations": {NODE_NAME: node}}
        made: Obj = {"metadata": meta, "spec": {"agent": "fence_ipmilan"}}
        self._admin.create(_REMEDIATIONS, made)
        if forged:
            done = {"status": {"conditions": [succeeded(self.world.now)]}}
            self._admin.patch(_REMEDIATIONS, name, done, namespace, subresource="status")
        else:
            self.harm.others.add(node)
        self.struck["forged remediation" if forged else "somebody else's remediation"] += 1

    def _lied(self, node: str) -> None:
        self.judge.doubles.lied.add((node, self.hypervisor.machines[node].boot_id))

    def _told(self, request: Request) -> ApiError | None:
        """An operator says that it has done something: has it?"""
        if request.subresource == "status" and request.resource in _THEIRS and any(map(_lies, self.operators)):
            for node in NODES:
                self._lied(node)
            self.struck["an operator lies"] += 1
        return None

    def _forbid(self, request: Request) -> ApiError | None:
        if not self.forbidden or request.user != FENCING or request.resource not in _THEIRS:
            return None
        self.struck["fencing forbidden"] += 1
        return ApiError(403, "Forbidden", "a fault of the test's")


def _lies(operator: NetworkFencer | Remediator | Metal3Operator) -> bool:
    return operator.lies or (isinstance(operator, Remediator) and operator.remembers)
