"""The state machine: Hypothesis draws some VMs, a seed (names, phases, order of turns) and what happens next.

What must hold is said by the judge while it happens and by `Life.rest` at the end: with a sign of life visible nothing
is released; no machine is stopped for nothing; every drift ends, or waits with a reason and a time; with nothing wrong
every VM that may move runs elsewhere, once. A VM whose node is silent and alive runs twice, and may write twice: that
is counted and reported, and no rule avoids it (tests.properties.doubles names every such column).
"""

from dataclasses import replace

from hypothesis import event, target
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from reactor.model.drift import Policy
from reactor.settings import Settings
from simulator.scene import Vm
from tests.properties.life import Life
from tests.properties.rules.fencing import FenceRules
from tests.properties.rules.lives import NODE
from tests.properties.rules.nodes import LOSSES, NodeRules
from tests.properties.rules.product import ProductRules
from tests.properties.rules.tenants import TenantRules
from tests.properties.rules.witnesses import WitnessRules
from tests.properties.tally import Tally
from tests.properties.vms import ELIGIBLE, UNTOUCHABLE

TALLY = Tally()

_SETTLED = 5.0  # seconds, in which watchers try the ports of all nodes: silence counts only of one that answered

_VMS = st.tuples(
    st.lists(st.sampled_from(ELIGIBLE), min_size=2, max_size=4, unique_by=lambda vm: vm.name),
    st.lists(st.sampled_from(UNTOUCHABLE), min_size=1, max_size=3, unique_by=lambda vm: vm.name),
).map(lambda drawn: (*drawn[0], *drawn[1]))
_DOCUMENTED = Settings().to_policy()
_LEAVES = st.sampled_from(((), ("detach",), ("detach", "policy")))  # what tenants may ask for beyond the settings
_POLICIES = st.builds(
    replace,
    st.sampled_from(
        (
            _DOCUMENTED,
            replace(_DOCUMENTED, fencing=("event",)),
            replace(_DOCUMENTED, fencing=("event", "redfish")),
            replace(_DOCUMENTED, fencing=("network-fence", "event")),
            replace(_DOCUMENTED, fencing=("network-fence",)),
            replace(_DOCUMENTED, fencing=("redfish", "network-fence"), fence_deadline=60.0),
            replace(_DOCUMENTED, fencing=("remediation", "event")),
            replace(_DOCUMENTED, fencing=("remediation", "redfish")),
            replace(_DOCUMENTED, fencing=("redfish", "remediation"), mode="observe"),
            replace(_DOCUMENTED, fencing=("metal3", "event")),
            replace(_DOCUMENTED, fencing=("metal3", "redfish"), fence_deadline=60.0),
        )
    ),
    tenants_may=_LEAVES,
    nodes_may_opt_out=st.booleans(),
)


class Outages(NodeRules, FenceRules, WitnessRules, TenantRules, ProductRules):
    """Rules are what can happen; the life ends in `teardown`, where all must come to rest."""

    @initialize(vms=_VMS, seed=st.integers(0, 2**16), node=NODE, what=LOSSES, policy=_POLICIES)
    def begin(self, vms: tuple[Vm, ...], seed: int, node: str, what: str, policy: Policy) -> None:
        self.life = Life(vms, seed, policy)
        self.life.live(_SETTLED if self.life.witnesses else 0)
        self.life.lose(node, what)

    def teardown(self) -> None:
        if self.life is None or self.life.judge.wrong:
            return
        self.life.rest()
        TALLY.add(self.life, self.steps)
        released = sum(self.life.judge.released.values())
        event(f"releases: {released}")
        target(float(released + len(self.life.harm.stops)), label="releases and fences")
