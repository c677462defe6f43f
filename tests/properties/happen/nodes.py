"""What happens to nodes, which are called by their names."""

from simulator import shapes
from simulator.http.certificates import Certificates, one_after_another
from tests.properties.happen.begun import Begun
from tests.properties.vms import NODES

_TOKEN = 60.0  # seconds for which virt-handler's token outlives its kubelet's certificate


class Nodes(Begun):
    """Lost in this way or that, and back."""

    def begin(self) -> None:
        super().begin()
        self._certificates: list[Certificates] = []

    def lose(self, node: str, what: str) -> None:
        """`what`: power_cut, cut_network or stop_kubelet."""
        getattr(self.hypervisor, what)(node)
        self.struck[what] += 1

    def back(self, node: str) -> None:
        """Whatever is wrong with it is repaired."""
        self.harm.overtaken[node] = self.world.now
        if self.visible.get("nodes", node) is None:
            self._register(node)
        machine = self.hypervisor.machines[node]
        if not machine.powered:
            if self.is_kept_off(node):  # its operator switches it off again until the product has seen the new boot
                self.harm.others.add(node)
            self.hypervisor.power_on(node)
            self.booted(node)
            self.struck["reboot"] += 1
        self.hypervisor.restore_network(node)
        self.hypervisor.start_kubelet(node)
        self.hypervisor.start_virt_handler(node)

    def reinstall(self, node: str) -> None:
        """The machine is taken off and comes back as another node of the same name."""
        self.hypervisor.power_cut(node)
        self.remove(node)
        self.back(node)
        self.struck["another node of that name"] += 1

    def remove(self, node: str) -> None:
        """Somebody deletes the Node object of a machine that does not answer."""
        machine = self.hypervisor.machines[node]
        if not machine.kubelet_works and self.visible.get("nodes", node):
            self.harm.overtaken[node] = self.world.now
            self.world.api.client("system:admin").delete("nodes", node)
            self.struck["node deleted"] += 1

    def handler_dies(self, node: str) -> None:
        """Its virt-handler alone."""
        self.hypervisor.stop_virt_handler(node)
        self.struck["virt-handler dead"] += 1

    def flap(self, node: str, away: float) -> None:
        """Its network is cut for so long."""
        self.hypervisor.cut_network(node)
        self.live(away)
        self.back(node)
        self.struck["flap"] += 1

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
        self.struck["one sign of life"] += 1

    def certificates(self, apart: float) -> None:
        """They run out on four nodes, one after another: each falls silent, and its VMs live."""
        ends = one_after_another(NODES[:4], self.world.now, apart)
        self._certificates.append(Certificates(self.hypervisor, ends, token=_TOKEN))
        self.world.add(self._certificates[-1])
        self.struck["certificates"] += 1

    def renew_certificates(self) -> None:
        """No other one runs out."""
        for certificates in self._certificates:
            self.world.remove(certificates)
        self._certificates.clear()

    def node_clock(self, node: str, skew: float) -> None:
        """A node's clock is wrong from now on."""
        self.hypervisor.set_clock(node, skew)
        self.struck["a node's clock"] += 1

    def _register(self, node: str) -> None:
        fresh = shapes.node(node, NODES.index(node), self.hypervisor.machines[node])
        self.world.api.client("system:admin").create("nodes", fresh)
