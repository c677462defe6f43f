"""However many nodes go silent, and in whatever order: only so many are fenced, and none between two beats."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from reactor.model.fence_requests import fences
from reactor.model.fencing import CONFIG_MAP as FENCINGS
from reactor.model.fencing import fencings
from reactor.model.node import OUT_OF_SERVICE
from reactor.model.times import format_time
from rehearsal.twins.cluster import ApiCluster
from simulator.audit import Request
from simulator.client import ApiError
from simulator.scene import Scene, Storage, Vm
from tests.behaviour.test_fenced_for_nothing import LOST, NODES, REDFISH, WEB, file_of, hold, staged, with_bmcs
from tests.support.auditor import FENCING
from tests.support.virtual import Play
from workers.fencing.providers.redfish import Redfish

TAINT = Policy(fencing=("event",))
NEXT = 250.0  # seconds from one node's silence to the next one's


def crowd(many: int, policy: Policy) -> Play:
    names = tuple(f"node-{number:02}" for number in range(many))
    return Play.of(Scene(names, tuple(Vm(f"vm-{name}", node=name) for name in names)), policy)


def silenced(play: Play, nodes: list[str]) -> Iterator[str]:
    """Certificates run out one after another: each node goes silent, and every VM lives."""
    for name in nodes:
        play.world.hypervisor.cut_network(name)
        play.world.run_for(NEXT)
        yield name


def test_nodes_that_we_fenced_count_as_lost_so_a_cascade_ends_at_the_cap() -> None:
    play = crowd(10, replace(REDFISH, max_unreachable="30%", max_fences=9))
    bmcs = with_bmcs(play)
    names = sorted(play.world.hypervisor.machines)
    assert list(silenced(play, names[:5])) == names[:5]
    assert sorted(set(bmcs.orders)) == names[:3]


def test_nodes_that_are_repaired_one_by_one_do_not_hide_a_cascade_from_the_rate() -> None:
    play = crowd(6, replace(REDFISH, max_fences=2, fence_period=3600.0))
    bmcs = with_bmcs(play)
    hypervisor, names = play.world.hypervisor, sorted(play.world.hypervisor.machines)
    for name in silenced(play, names[:4]):
        hypervisor.restore_network(name)
        if not hypervisor.machines[name].powered:
            hypervisor.power_on(name)
        play.world.run_for(100)
    assert sorted(set(bmcs.orders)) == names[:2]
    kept = play.world.store.get("configmaps", FENCINGS, "vm-drift")
    assert sorted(one.node for one in fences(kept).values()) == names[:2]


def test_the_count_survives_the_loss_of_redis() -> None:
    play = crowd(6, replace(REDFISH, max_fences=1))
    bmcs = with_bmcs(play)
    hypervisor, names = play.world.hypervisor, sorted(play.world.hypervisor.machines)
    for name in silenced(play, names[:2]):
        hypervisor.restore_network(name)
        if not hypervisor.machines[name].powered:
            hypervisor.power_on(name)
        play.world.run_for(100)
        play.restart(forgetful=True)
        play.reactor.providers["redfish"] = Redfish(bmcs)
    assert bmcs.orders == names[:1]


def test_what_others_prove_costs_neither_cap_nor_rate() -> None:
    play = crowd(5, Policy(fencing=("event", "redfish"), max_unreachable="1", max_fences=1))
    bmcs = with_bmcs(play)
    names = sorted(play.world.hypervisor.machines)
    for name in names[:3]:
        play.world.hypervisor.power_cut(name)
        play.world.run_for(60)
        play.confirm(name)
        play.world.run_for(60)
    assert bmcs.orders == []
    play.world.hypervisor.cut_network(names[3])
    play.world.run_for(NEXT)
    assert bmcs.orders == [names[3]]


@pytest.mark.parametrize("every", [75.0, 110.0, 132.0])
def test_a_node_whose_virt_handler_lives_is_not_switched_off_between_two_of_its_beats(every: float) -> None:
    play, bmcs = staged(Vm("web", Storage.RBD_BLOCK, node=LOST))
    admin = play.world.api.client("system:admin")
    play.world.hypervisor.cut_network(LOST)  # nobody but this test beats for it
    for _ in range(round(600 / every)):
        beat = {"kubevirt.io/heartbeat": format_time(play.world.now)}
        admin.patch("nodes", LOST, {"metadata": {"annotations": beat}})
        play.world.run_for(every)
    assert bmcs.orders == []
    play.world.run_for(200)
    assert bmcs.orders == [LOST]


def test_a_lease_that_lasts_longer_is_waited_for() -> None:
    play, bmcs = staged(WEB)
    lasting = {"spec": {"leaseDurationSeconds": 280}}
    play.world.api.client("system:admin").patch("leases", LOST, lasting, "kube-node-lease")
    play.world.hypervisor.cut_network(LOST)
    play.world.run_for(300)
    assert bmcs.orders == []
    play.world.run_for(40)
    assert bmcs.orders == [LOST]


def was_tainted(play: Play, seconds: int = 100) -> bool:
    """At any time in so many seconds from now on."""
    seen = []
    for _ in range(5 * seconds):
        play.world.run_for(0.2)
        seen.append(tainted(play))
    return any(seen)


def tainted(play: Play) -> bool:
    return OUT_OF_SERVICE in [t["key"] for t in play.world.store.get("nodes", LOST)["spec"].get("taints") or ()]


@pytest.mark.parametrize("mode", ["auto", "observe"])
@pytest.mark.parametrize("target", ["", "all", f"node/{LOST}"])
@pytest.mark.parametrize("vms", [(Vm("web", node="node-b"),), (WEB,)], ids=["no VM there", "a VM there"])
def test_the_taint_is_only_for_a_vm_that_is_released_by_it(mode: str, target: str, vms: tuple[Vm, ...]) -> None:
    play = Play.of(Scene(NODES, vms), replace(TAINT, mode=mode))
    if target:
        hold(play, target)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.confirm(LOST)
    assert was_tainted(play) is (vms == (WEB,) and mode == "auto" and not target)


def test_nor_where_somebody_has_moved_the_only_vm_by_hand() -> None:
    play = Play.of(Scene(NODES, (WEB,)), TAINT)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    admin = play.world.api.client("system:admin")
    for pod in admin.list("pods", "default"):
        admin.delete("pods", pod["metadata"]["name"], "default", grace=0)
    play.world.run_for(60)
    play.confirm(LOST)
    assert not was_tainted(play)


def test_who_only_observes_takes_nothing_back_either_and_says_so() -> None:
    play = Play.of(Scene(NODES, (Vm("db", Storage.RBD_BLOCK, node=LOST),)), TAINT)
    play.world.remove(next(actor for actor in play.world.actors if actor.name == "csi-attacher"))
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.confirm(LOST)
    play.world.run_for(20)  # nothing comes off, so the taint stays
    play.world.remove(play.reactor)
    play.reactor = type(play.reactor)(play.world, replace(TAINT, mode="observe"), play.reactor.store)
    play.world.add(play.reactor)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(200)
    assert tainted(play)
    assert file_of(play).sentence.startswith("Only observing, so nothing is taken back.")


def test_a_fence_that_another_worker_counts_at_the_last_moment_leaves_no_room_for_this_one() -> None:
    play = crowd(6, replace(REDFISH, max_fences=1))
    bmcs = with_bmcs(play)
    other, at = ApiCluster(play.world.api, "another worker"), play.world.now
    name = min(play.world.hypervisor.machines)

    def strike(request: Request) -> ApiError | None:
        """It is about to be counted."""
        mine = (request.user, request.verb, request.resource) == (FENCING, "patch", "configmaps")
        files = fencings(play.world.store.get("configmaps", FENCINGS, "vm-drift")).values() if mine else ()
        if any(file.attempts for file in files) and not struck:
            struck.append(name)
            other.note(FENCINGS, "vm-drift", {"fenced_x_y": f'{{"node": "x", "boot": "y", "at": {at}}}'})
        return None

    struck: list[str] = []
    other.note(FENCINGS, "vm-drift", {"fenced_x_y": None})
    play.world.api.faults.append(strike)
    play.world.hypervisor.cut_network(name)
    play.world.run_for(300)
    assert struck
    assert bmcs.orders == []
