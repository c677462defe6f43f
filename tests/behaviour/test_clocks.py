"""Clocks that differ and clocks that step: how long nothing was heard never depends on them, nor when to look again."""

import random
from dataclasses import replace

import pytest

from reactor.adapters.kubernetes.cluster import served_clock
from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.model.drift import Policy
from reactor.model.intervention import CONFIG_MAP, HOLD, Intervention, interventions, node_target
from reactor.model.times import Clock
from rehearsal.clocks import ProcessClock
from rehearsal.twins.bmc import MachineBmcs
from rehearsal.twins.cluster import ApiCluster
from simulator.scene import Scene, Storage, Vm
from tests.behaviour.test_fenced_for_nothing import REDFISH, file_of, staged
from tests.support.virtual import Play
from workers.observe.cache import Surroundings

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
SCENE = Scene(NODES, (Vm("vm", Storage.RBD_BLOCK, node=LOST),))
ALIVE = ("blocked", "virt-handler-alive")
_PROVEN = replace(REDFISH, require_fence=True)


def _of_everybody(play: Play, clock: Clock) -> None:
    """Every process of ours has this clock."""
    reactor = play.reactor
    reactor.tools, reactor.intake = replace(reactor.tools, clock=clock), replace(reactor.intake, clock=clock)
    reactor.fencing = replace(reactor.fencing, tools=replace(reactor.fencing.tools, clock=clock))


def _two_workers(play: Play, ahead: float) -> None:
    """Two workers take the jobs as it happens; the clock of one is `ahead` of the other's."""
    good = play.reactor.tools
    dice = random.Random(0)  # noqa: S311 - what happens must repeat
    wrong = ProcessClock(play.world.clock, ahead)
    off = replace(good, clock=wrong, around=Surroundings(wrong))

    def another() -> None:
        play.reactor.tools = off if dice.random() < 0.5 else good

    play.reactor.before_job = another


@pytest.mark.parametrize("ahead", [-400.0, -120.0, -60.0, -30.0, -4.0, 4.0, 200.0])
def test_a_vm_that_beats_is_left_alone_whatever_one_workers_clock_shows(ahead: float) -> None:
    """Its kubelet is dead and its virt-handler alive (kubevirt 8104)."""
    play = Play.of(SCENE)
    _two_workers(play, ahead)
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(1200)
    assert play.auditor.deletions == []
    assert play.world.hypervisor.double_runs == []


@pytest.mark.parametrize("ahead", [-3600.0, -60.0, 3600.0])
def test_one_that_is_dead_is_moved_all_the_same_by_the_worker_whose_clock_is_right(ahead: float) -> None:
    play = Play.of(SCENE)
    _two_workers(play, ahead)
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: bool(play.auditor.deletions), 420)
    assert play.until_ended(600)
    play.check()


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_nobody_sleeps_for_as_long_as_a_clock_is_ahead(ahead: float) -> None:
    play = Play.of(Scene((LOST, "node-b"), (Vm("vm", node=LOST),)))
    _two_workers(play, ahead)
    admin = play.world.api.client("system:admin")
    admin.patch("nodes", "node-b", {"spec": {"unschedulable": True}})
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(900)
    admin.patch("nodes", "node-b", {"spec": {"unschedulable": None}})
    assert play.world.run(lambda: bool(play.running("vm")), 120)


@pytest.mark.parametrize("seconds", [10.0, 200.0, 86400.0, -200.0, -3600.0])
@pytest.mark.parametrize("together", [True, False], ids=["all machines'", "only Redis'"])
def test_a_step_of_the_one_clock_starts_every_silence_again(*, seconds: float, together: bool) -> None:
    play = Play.of(SCENE)
    if together:
        _of_everybody(play, play.reactor.redis)
    play.world.hypervisor.stop_kubelet(LOST)
    assert play.until("vm", ALIVE, limit=1000)
    play.reactor.redis.step(seconds)
    play.reactor.again()
    play.world.run_for(600)  # it beats all the time
    assert play.auditor.deletions == []
    assert play.world.hypervisor.double_runs == []


@pytest.mark.parametrize("seconds", [100.0, 7200.0, -100.0, -7200.0])
def test_after_a_step_a_dead_node_is_watched_once_more_and_then_left(seconds: float) -> None:
    play = Play.of(SCENE)
    _of_everybody(play, play.reactor.redis)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(340)
    stepped = play.world.now
    play.reactor.redis.step(seconds)
    assert play.world.run(lambda: bool(play.auditor.deletions), 400)
    assert 180.0 <= play.auditor.deletions[0].at - stepped < 310.0


@pytest.mark.parametrize("ahead", [86400.0, 3600.0, -3600.0, -86400.0])
def test_our_clocks_may_all_differ_from_the_clusters(ahead: float) -> None:
    play = Play.of(Scene(NODES, (Vm("vm", Storage.RBD_BLOCK, node=LOST),)))
    _of_everybody(play, play.reactor.redis)
    play.reactor.redis.step(ahead)
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: bool(play.auditor.deletions), 420)
    assert play.until_ended(600)
    play.check()


@pytest.mark.parametrize("seconds", [400.0, -400.0])
def test_a_clock_that_is_right_again_makes_nobody_sleep_longer(seconds: float) -> None:
    """How far the controller manager's clock is ahead of it is known for several seconds at a time."""
    play = Play.of(SCENE)
    play.reactor.redis.step(seconds)
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", ("waiting", "unreachable-window"))
    play.reactor.redis.step(-seconds)
    play.reactor.again()
    assert (play.record("vm").again_at or 0.0) <= play.reactor.redis() + 301.0


def test_a_process_that_is_off_says_so_and_with_proof_it_goes_on() -> None:
    play = Play.of(SCENE, Policy(fencing=("event",)))
    _of_everybody(play, ProcessClock(play.world.clock, 60.0))
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", ("blocked", "clock-off"), limit=600)
    assert "60 s ahead of Redis'" in play.record("vm").sentence
    play.world.run_for(300)
    assert play.auditor.deletions == []
    play.confirm(LOST)
    assert play.until_ended(120)
    play.check()


def test_such_a_process_asks_nobody_to_fence_either() -> None:
    play = Play.of(SCENE, Policy(fencing=("network-fence",)))
    _of_everybody(play, ProcessClock(play.world.clock, -60.0))
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(300)
    (known,) = play.reactor.store.outages()
    assert known.fencing
    assert (known.fencing.reason, known.fencing.attempts) == ("fence-waits", ())
    assert "60 s behind Redis'" in known.fencing.sentence


def _ordered_by_a_clock_ahead(*vms: Vm, policy: Policy) -> tuple[Play, MachineBmcs]:
    """All of our machines' clocks are ahead until a BMC is asked to fence the node, and right from then on."""
    play, bmcs = staged(*vms, policy=policy, nodes=(LOST, *(f"node-{letter}" for letter in "bcdef")))
    bmcs.deaf.add(LOST)
    _of_everybody(play, play.reactor.redis)
    play.reactor.redis.step(400.0)
    play.world.hypervisor.cut_network(LOST)
    assert play.world.run(lambda: bool(bmcs.orders), 600)
    play.reactor.redis.step(-400.0)
    return play, bmcs


def test_a_provider_that_was_asked_by_a_clock_ahead_has_failed_in_its_time() -> None:
    play, bmcs = _ordered_by_a_clock_ahead(Vm("web", node=LOST), policy=_PROVEN)
    assert play.world.run(lambda: file_of(play).reason == "fence-failed", _PROVEN.fence_deadline + 90)
    orders = len(bmcs.orders)
    assert play.world.run(lambda: len(bmcs.orders) > orders, _PROVEN.fence_deadline + 60)


def test_a_fence_that_a_clock_ahead_wrote_down_counts_for_one_period_from_when_it_is_right() -> None:
    once = replace(_PROVEN, max_fences=1, fence_period=900.0)
    play, bmcs = _ordered_by_a_clock_ahead(Vm("web", node=LOST), Vm("b", node="node-b"), policy=once)
    play.world.hypervisor.cut_network("node-b")
    set_back = play.world.now
    assert play.world.run(lambda: "node-b" in bmcs.orders, 1100)
    assert play.world.now - set_back >= once.fence_period


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_a_hold_ends_by_the_api_servers_clock_and_by_no_workers(ahead: float) -> None:
    play = Play.of(SCENE)
    _two_workers(play, ahead)
    play.world.hypervisor.power_cut(LOST)
    wishes = _wishes(play)
    until = wishes.now() + 900.0
    wishes.write(Intervention(HOLD, node_target(LOST), "ann", "why not", wishes.now(), until))
    assert play.world.run(lambda: bool(play.auditor.deletions), 1200)
    assert 0.0 <= play.auditor.deletions[0].at - until < 60.0


def _wishes(play: Play) -> InterventionsConfigMap:
    """As `vmdrift hold` and the page have it, on whatever machine."""
    cluster = ApiCluster(play.world.api, "system:admin")
    return InterventionsConfigMap(cluster, "vm-drift", served_clock(cluster))


def test_another_persons_hold_is_taken_out_only_when_it_is_over_there() -> None:
    play = Play.of(SCENE)
    wishes, now = _wishes(play), play.world.now
    for name, until in (("node-b", now + 60.0), ("node-c", now + 3600.0)):
        wishes.write(Intervention(HOLD, node_target(name), "ann", "why not", now, until))
    play.world.run_for(61)
    wishes.write(Intervention(HOLD, node_target(LOST), "bob", "why not", now))
    kept = interventions(play.world.store.get("configmaps", CONFIG_MAP, "vm-drift"))
    assert {one.target for one in kept} == {node_target("node-c"), node_target(LOST)}
