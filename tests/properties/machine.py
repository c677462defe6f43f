"""The state machine: Hypothesis draws some VMs, a seed (names, phases, order of turns) and what happens next.

Every rule lets some time go by first. What must hold is said by `judge` while it happens and by `Life.rest` at the end:
with a sign of life visible nothing is released; at most one effective force delete per pod uid; every drift ends, or
waits with a reason and a time; with nothing wrong every VM that may move runs elsewhere, once. A VM whose node is
silent and alive runs twice, and may write twice: that is counted in `TALLY` and reported, and no rule here avoids it.
Where somebody proves a node dead, there are never two writers, whatever the window.
"""

from collections import Counter
from dataclasses import replace

from hypothesis import event, target
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from reactor.model.drift import Policy
from reactor.settings import Settings
from simulator.scene import Vm
from tests.properties.fate import Blow
from tests.properties.life import Life
from tests.properties.vms import ELIGIBLE, NODES, UNTOUCHABLE

TALLY: Counter[str] = Counter()

_PAUSES = st.one_of(st.integers(0, 60), st.integers(60, 450)).map(float)
_NODE = st.sampled_from((*NODES[:2], *NODES[:2], *NODES[:2], *NODES))  # the first two have the VMs
_VMS = st.tuples(
    st.lists(st.sampled_from(ELIGIBLE), min_size=2, max_size=4, unique_by=lambda vm: vm.name),
    st.lists(st.sampled_from(UNTOUCHABLE), min_size=1, max_size=3, unique_by=lambda vm: vm.name),
).map(lambda drawn: (*drawn[0], *drawn[1]))
_LOSSES = st.sampled_from(("power_cut", "cut_network", "stop_kubelet"))
_DOCUMENTED = Settings().to_policy()
_POLICIES = st.sampled_from(
    (
        _DOCUMENTED,
        replace(_DOCUMENTED, fencing=("event",)),
        replace(_DOCUMENTED, fencing=("event", "redfish"), fenced_release="taint"),
        replace(_DOCUMENTED, fencing=("network-fence", "event")),
        replace(_DOCUMENTED, fencing=("redfish", "network-fence"), fence_deadline=60.0),
    )
)
_LATE = st.booleans()
# At a DELETE, or at one of the reads before and after it.
_AT = st.one_of(
    st.tuples(st.just("delete"), st.integers(0, 2)),
    st.tuples(st.sampled_from(("get", "list")), st.integers(0, 30)),
)
_CODES = st.sampled_from((403, 409, 429, 500, 503, 504))


class Outages(RuleBasedStateMachine):
    """Rules are what can happen; the life ends in `teardown`, where all must come to rest."""

    life: Life | None = None

    @initialize(vms=_VMS, seed=st.integers(0, 2**16), node=_NODE, what=_LOSSES, policy=_POLICIES)
    def begin(self, vms: tuple[Vm, ...], seed: int, node: str, what: str, policy: Policy) -> None:
        self.life = Life(vms, seed, policy)
        getattr(self.life.hypervisor, what)(node)
        TALLY["worlds"] += 1

    @rule(pause=st.integers(100, 800).map(float))
    def time_goes_by(self, pause: float) -> None:
        self._after(pause)

    @rule(pause=_PAUSES, node=_NODE, what=_LOSSES)
    def a_node_is_lost(self, pause: float, node: str, what: str) -> None:
        getattr(self._after(pause).hypervisor, what)(node)

    @rule(pause=_PAUSES, node=_NODE)
    def a_virt_handler_dies(self, pause: float, node: str) -> None:
        self._after(pause).hypervisor.stop_virt_handler(node)

    @rule(pause=_PAUSES, node=_NODE)
    def a_node_is_back(self, pause: float, node: str) -> None:
        self._after(pause).back(node)

    @rule(pause=_PAUSES, node=_NODE)
    def a_node_is_switched_off_and_somebody_says_so(self, pause: float, node: str) -> None:
        self._after(pause).confirm(node)

    @rule(pause=_PAUSES, node=_NODE, hang=st.booleans())
    def whoever_fences_fails(self, pause: float, node: str, *, hang: bool) -> None:
        self._after(pause).fences_fail(node, hang=hang)

    @rule(pause=_PAUSES)
    def whoever_fences_works_again(self, pause: float) -> None:
        self._after(pause).fences_work()

    @rule(pause=_PAUSES)
    def everything_that_was_confirmed_is_told_again(self, pause: float) -> None:
        self._after(pause).confirm_again()

    @rule(pause=_PAUSES, node=_NODE, away=st.integers(40, 70).map(float))
    def a_node_flaps(self, pause: float, node: str, away: float) -> None:
        life = self._after(pause)
        life.hypervisor.cut_network(node)
        life.live(away)
        life.back(node)

    @rule(pause=_PAUSES, node=_NODE)
    def a_node_gives_one_sign_of_life(self, pause: float, node: str) -> None:
        self._after(pause).beat(node)

    @rule(pause=_PAUSES, node=_NODE)
    def a_node_comes_back_as_another_of_its_name(self, pause: float, node: str) -> None:
        self._after(pause).reinstall(node)

    @rule(pause=_PAUSES, node=_NODE)
    def a_lost_node_is_deleted(self, pause: float, node: str) -> None:
        self._after(pause).remove(node)

    @rule(pause=_PAUSES, node=_NODE, skew=st.sampled_from((-3600.0, -9.0, 9.0, 3600.0)))
    def a_clock_is_wrong(self, pause: float, node: str, skew: float) -> None:
        self._after(pause).hypervisor.set_clock(node, skew)

    @rule(pause=_PAUSES)
    def the_controller_manager_dies(self, pause: float) -> None:
        self._after(pause).manager_dies()

    @rule(pause=_PAUSES, skew=st.sampled_from((-600.0, -9.0, 0.0, 0.0, 9.0, 600.0)))
    def another_controller_manager_leads(self, pause: float, skew: float) -> None:
        self._after(pause).manager_leads(skew)

    @rule(pause=_PAUSES, vm=st.sampled_from(("web", "wiki", "quick", "shared")))
    def a_vm_migrates(self, pause: float, vm: str) -> None:
        self._after(pause).migrate(vm)

    @rule(pause=_PAUSES, what=st.sampled_from(("all", f"node/{NODES[0]}", f"node/{NODES[1]}", "vm/default/web")))
    def somebody_asks_to_leave_it_alone(self, pause: float, what: str) -> None:
        self._after(pause).hold(what)

    @rule(pause=_PAUSES)
    def every_hold_is_lifted(self, pause: float) -> None:
        self._after(pause).resume()

    @rule(pause=_PAUSES, at=_AT, late=_LATE)
    def a_worker_is_killed(self, pause: float, at: tuple[str, int], *, late: bool) -> None:
        self._after(pause).fate.blows.append(Blow("kill", *at, late=late))

    @rule(pause=_PAUSES, at=_AT, late=_LATE, size=st.integers(1, 40))
    def a_worker_stands_still(self, pause: float, at: tuple[str, int], size: int, *, late: bool) -> None:
        self._after(pause).fate.blows.append(Blow("pause", *at, size=size, late=late))

    @rule(pause=_PAUSES, at=_AT, late=_LATE)
    def redis_loses_its_last_second_under_a_worker(self, pause: float, at: tuple[str, int], *, late: bool) -> None:
        self._after(pause).fate.blows.append(Blow("forget", *at, late=late))

    @rule(pause=_PAUSES, at=_AT, late=_LATE, times=st.integers(1, 30), code=_CODES)
    def the_api_server_refuses(self, pause: float, at: tuple[str, int], times: int, code: int, *, late: bool) -> None:
        self._after(pause).fate.blows.append(Blow("error", *at, times, size=code, late=late))

    @rule(pause=_PAUSES, what=st.sampled_from(("crash", "lose_last_second", "again")))
    def the_reactor_is_struck(self, pause: float, what: str) -> None:
        getattr(self._after(pause), what)()

    @rule(pause=_PAUSES, over=st.booleans())
    def old_news_are_told_again(self, pause: float, *, over: bool) -> None:
        self._after(pause).tell(over=over)

    def _after(self, pause: float) -> Life:
        assert self.life
        TALLY["steps"] += 1
        self.life.live(pause)
        return self.life

    def teardown(self) -> None:
        if self.life is None or self.life.judge.wrong:
            return
        self.life.rest()
        self._report(self.life)

    def _report(self, life: Life) -> None:
        judge, hypervisor = life.judge, life.hypervisor
        found = {
            "released": sum(judge.released.values()),
            "released while it ran, silent": len(judge.blind),
            "released with proof": len(judge.proven),
            "double runs": len(hypervisor.double_runs),
            "double writers": len(hypervisor.double_writes),
            "changed during a pause": judge.late,
            "blows": sum(life.fate.struck.values()),
        }
        TALLY.update(found)
        event(f"double writers under silence: {found['double writers']}")
        event(f"releases: {found['released']}")
        target(float(found["released"]), label="releases")
