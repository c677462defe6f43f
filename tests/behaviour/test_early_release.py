"""From the power cut to Running before Kubernetes notices: suspicion, proof, taint, release. And what must not be."""

import pytest

from reactor.model.drift import Policy
from reactor.model.fencing import CONFIG_MAP, fencings
from reactor.model.node import OUT_OF_SERVICE, NodeView, node_view
from rehearsal.twins.bmc import MachineBmcs
from simulator.client import Client
from simulator.scene import Scene, Storage, Vm
from tests.behaviour.test_fenced_for_nothing import with_bmcs
from tests.support.branches import AFTER, EVERY, Branches
from tests.support.killing import Fate, KillableReactor
from tests.support.virtual import Play

LOST = "node-a"
SCENE = Scene((LOST, "node-b", "node-c", "node-d"), (Vm("disk", Storage.RBD_BLOCK, node=LOST), Vm("plain", node=LOST)))
POLICY = Policy(fencing=("redfish",))
NOTICED = 60.0  # seconds after a loss in which Kubernetes has certainly noticed it


def _play(watchers: int = 2, scene: Scene = SCENE) -> tuple[Play, MachineBmcs]:
    """Everybody is up, and the watchers have seen each Lease change."""
    play = Play.of(scene, POLICY, watchers=watchers, waker=True, suspects=True)
    bmcs = with_bmcs(play)
    play.world.run_for(45)
    return play, bmcs


def _node(play: Play) -> NodeView:
    return node_view(play.world.store.get("nodes", LOST))


def _deleted(play: Play) -> int:
    return len(play.auditor.deleted("pods"))


def _runs_elsewhere(play: Play) -> bool:
    return all(play.running(vm.name) and play.running(vm.name) != [LOST] for vm in SCENE.vms)


def _files(play: Play) -> int:
    kept = play.world.store.objects("configmaps").get(("vm-drift", CONFIG_MAP))
    return len(fencings(kept)) if kept else 0


def _told(play: Play, what: str) -> int:
    return sum(event["type"] == f"io.vmdrift.node.{what}" for _, event in play.reactor.store.events())


def test_vms_of_a_host_whose_bmc_reads_off_run_elsewhere_before_kubernetes_notices() -> None:
    play, bmcs = _play()
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: _runs_elsewhere(play), 30)
    assert (_node(play).ready, _node(play).out_of_service, bmcs.orders) == ("True", True, [])

    play.world.run_for(NOTICED)
    assert (_node(play).ready, _node(play).out_of_service) == ("Unknown", False)
    assert (_deleted(play), len(play.records), len(play.outages())) == (2, 2, 1)
    assert play.auditor.deleted("volumeattachments") == []  # the taint has Kubernetes detach
    assert [play.news(vm.name).count("released") for vm in SCENE.vms] == [1, 1]
    assert (_told(play, "suspected"), _told(play, "cleared")) == (1, 0)

    play.world.hypervisor.power_on(LOST)
    play.world.run_for(120)
    assert (play.outages(), _files(play), _node(play).tainted) == ([], 0, "")
    play.check()


class _Remover:
    """Somebody who removes every out-of-service taint, as SNR, FAR and Harvester do."""

    name = "remover"
    watches = ("nodes",)

    def __init__(self, admin: Client) -> None:
        self._admin = admin

    def step(self, now: float) -> None:  # noqa: ARG002 - it waits for nothing
        taints = self._admin.get("nodes", LOST)["spec"].get("taints") or []
        if any(taint["key"] == OUT_OF_SERVICE for taint in taints):
            others = [taint for taint in taints if taint["key"] != OUT_OF_SERVICE]
            self._admin.patch("nodes", LOST, {"spec": {"taints": others or None}})


def test_what_the_scheduler_puts_back_onto_the_dead_node_is_released_again() -> None:
    """The taint is gone before Kubernetes notices the loss, so it takes the dead node for the emptiest one."""
    names = [f"vm-{number}" for number in range(8)]
    play, _ = _play(scene=Scene(SCENE.nodes, tuple(Vm(name, node=LOST) for name in names)))
    play.world.add(_Remover(play.world.api.client("system:admin")))
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(10 * NOTICED)
    assert _deleted(play) > len(names)
    assert {record.phase.value for record in play.records} == {"completed"}
    assert all(play.running(name) not in ([], [LOST]) for name in names)
    play.check()


def test_a_living_machine_costs_nobody_anything_before_kubernetes_notices() -> None:
    play, bmcs = _play()
    play.world.hypervisor.cut_network(LOST)
    assert play.world.run(lambda: _node(play).ready == "Unknown", NOTICED)
    assert (_deleted(play), _node(play).out_of_service, bmcs.orders) == (0, False, [])


def test_a_kubelet_that_is_away_for_a_while_leaves_nothing_behind() -> None:
    play, bmcs = _play()
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(25)
    play.world.hypervisor.start_kubelet(LOST)
    play.world.run_for(150)
    assert (_told(play, "suspected"), _told(play, "cleared")) == (1, 1)
    assert (_deleted(play), play.records, play.outages(), bmcs.orders) == (0, [], [], [])
    assert (_files(play), _node(play).taints) == (0, ())


def test_a_bmc_that_lies_for_a_moment_releases_nobody_whose_kubelet_is_heard_again() -> None:
    play, bmcs = _play()
    bmcs.words[LOST] = "PoweringOff"
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(20)
    play.world.hypervisor.start_kubelet(LOST)
    play.world.run_for(2)
    bmcs.words[LOST] = "Off"
    play.world.run_for(150)
    assert (_deleted(play), _node(play).out_of_service) == (0, False)


def test_when_redis_loses_everything_in_between_each_pod_is_deleted_once() -> None:
    play, _ = _play()
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: _files(play) == 1, 30)
    play.reactor.flush()
    assert play.world.run(lambda: _runs_elsewhere(play), 60)
    play.world.run_for(NOTICED)
    assert _deleted(play) == 2
    play.check()


def _story(fate: Fate) -> Play:
    play = Play.of(SCENE, POLICY)
    play.world.remove(play.reactor)
    play.reactor = reactor = KillableReactor(play.world, POLICY, watchers=2, waker=True, suspects=True)
    with_bmcs(play)
    play.world.add(reactor)
    play.world.run_for(45)
    reactor.hand_over_fencing(fate)
    play.world.hypervisor.power_cut(LOST)
    play.world.run(lambda: _runs_elsewhere(play), 120)
    play.world.run_for(NOTICED)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(120)
    return play


@pytest.mark.nightly
@AFTER
@EVERY
def test_killed_at_every_call_of_its_fence_passes_it_ends_the_same(*, after: bool, every: bool) -> None:
    with Branches(after=after, every=every) as fate:
        play = _story(fate)
        assert (_deleted(play), play.outages(), _files(play)) == (2, [], 0)
        assert OUT_OF_SERVICE not in [taint.key for taint in _node(play).taints]
        assert {record.phase.value for record in play.records} == {"completed"}
        play.check()
    assert fate.failed == {}
    assert fate.kills > 3
