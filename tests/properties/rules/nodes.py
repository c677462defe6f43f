"""Nodes are lost, flap, come back, and are not what they were; VMs migrate."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.properties.rules.lives import NODE, PAUSES, Lives

LOSSES = st.sampled_from(("power_cut", "cut_network", "stop_kubelet"))


class NodeRules(Lives):
    """What happens to nodes."""

    @rule(pause=st.integers(100, 800).map(float))
    def time_goes_by(self, pause: float) -> None:
        self.after(pause)

    @rule(pause=PAUSES, node=NODE, what=LOSSES)
    def a_node_is_lost(self, pause: float, node: str, what: str) -> None:
        self.after(pause).lose(node, what)

    @rule(pause=PAUSES, node=NODE)
    def a_virt_handler_dies(self, pause: float, node: str) -> None:
        self.after(pause).handler_dies(node)

    @rule(pause=PAUSES, node=NODE)
    def a_node_is_back(self, pause: float, node: str) -> None:
        self.after(pause).back(node)

    @rule(pause=PAUSES, node=NODE, away=st.integers(40, 70).map(float))
    def a_node_flaps(self, pause: float, node: str, away: float) -> None:
        self.after(pause).flap(node, away)

    @rule(pause=PAUSES, node=NODE)
    def a_node_gives_one_sign_of_life(self, pause: float, node: str) -> None:
        self.after(pause).beat(node)

    @rule(pause=PAUSES, node=NODE)
    def a_node_comes_back_as_another_of_its_name(self, pause: float, node: str) -> None:
        self.after(pause).reinstall(node)

    @rule(pause=PAUSES, node=NODE)
    def a_lost_node_is_deleted(self, pause: float, node: str) -> None:
        self.after(pause).remove(node)

    @rule(pause=PAUSES, node=NODE, skew=st.sampled_from((-3600.0, -9.0, 9.0, 3600.0)))
    def a_nodes_clock_is_wrong(self, pause: float, node: str, skew: float) -> None:
        self.after(pause).node_clock(node, skew)

    @rule(pause=PAUSES, apart=st.sampled_from((20.0, 100.0, 240.0, 400.0)))
    def certificates_run_out_one_after_another(self, pause: float, apart: float) -> None:
        self.after(pause).certificates(apart)

    @rule(pause=PAUSES, vm=st.sampled_from(("web", "wiki", "quick", "shared")))
    def a_vm_migrates(self, pause: float, vm: str) -> None:
        self.after(pause).migrate(vm)
