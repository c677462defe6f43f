"""fence-agent in whole recoveries: what is switched off releases VMs, what was seen on early, and the rest waits."""

import pytest

from reactor.model.drift import Policy
from reactor.model.fencing import CONFIG_MAP, Fencing, fencings
from reactor.model.identity import NodeRef
from rehearsal.twins.plug_memory import MemoryPlugMemory
from rehearsal.twins.plugs import MachinePlugs
from simulator.scene import Scene, Storage, Vm
from tests.behaviour.test_fenced_for_nothing import with_bmcs
from tests.support.threads import at_once
from tests.support.virtual import Play
from workers.fencing.providers.fence_agent import FenceAgent

LOST = "node-a"
SCENE = Scene((LOST, "node-b", "node-c", "node-d"), (Vm("disk", Storage.RBD_BLOCK, node=LOST), Vm("plain", node=LOST)))


def _play(*fencing: str, feeds: int = 0) -> tuple[Play, MachinePlugs, FenceAgent]:
    """Everybody is up, and the watchers have seen each Lease change."""
    play = Play.of(SCENE, Policy(fencing=fencing), watchers=2, waker=True, suspects=True)
    plugs = MachinePlugs(play.world.hypervisor, feeds)
    provider = FenceAgent(plugs, MemoryPlugMemory(lambda: play.world.now), at_once)
    play.reactor.providers["fence-agent"] = provider
    play.world.run_for(45)
    return play, plugs, provider


def _drilled(play: Play, provider: FenceAgent) -> None:
    provider.look(NodeRef(LOST, play.world.store.get("nodes", LOST)["metadata"]["uid"]))


def _run_elsewhere(play: Play) -> bool:
    return all(play.running(vm.name) and play.running(vm.name) != [LOST] for vm in SCENE.vms)


def _file(play: Play) -> Fencing:
    return fencings(play.world.store.find("configmaps", CONFIG_MAP, "vm-drift"))[LOST]


@pytest.mark.parametrize("feeds", [0, 2])
def test_a_machine_that_is_cut_off_is_switched_off_at_each_plug_once_and_its_vms_run_elsewhere(feeds: int) -> None:
    play, plugs, _ = _play("fence-agent", feeds=feeds)
    play.world.hypervisor.cut_network(LOST)
    assert play.world.run(lambda: _run_elsewhere(play), 400)
    assert plugs.orders == plugs.ids(LOST)
    assert _file(play).proof
    play.check()


def test_vms_of_a_host_that_is_off_run_elsewhere_before_kubernetes_notices_where_a_drill_has_seen_it_on() -> None:
    play, plugs, provider = _play("fence-agent")
    _drilled(play, provider)
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: _run_elsewhere(play), 30)
    assert plugs.orders == []
    play.world.run_for(60)
    play.check()


def test_without_a_drill_an_off_proves_nothing_and_it_is_said_what_to_do() -> None:
    play, plugs, _ = _play("fence-agent")
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(280)
    file = _file(play)
    assert (file.proof, plugs.orders, play.auditor.deleted("pods")) == (None, [], [])
    assert "nobody has read ON there" in file.summary
    assert "vmdrift confirm-off" in file.summary


def test_outlets_with_power_do_not_contradict_a_bmc_that_reads_off() -> None:
    play, plugs, provider = _play("redfish", "fence-agent", feeds=2)
    bmcs = with_bmcs(play)
    _drilled(play, provider)
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: _run_elsewhere(play), 30)
    assert (bmcs.orders, plugs.orders) == ([], [])
    play.world.run_for(60)
    play.check()


def test_where_the_bmc_is_dark_and_a_feed_cannot_be_read_nothing_is_sent_and_nothing_proven() -> None:
    play, plugs, provider = _play("redfish", "fence-agent", feeds=2)
    with_bmcs(play).hanging.add(LOST)
    _drilled(play, provider)
    plugs.refusing.add(LOST)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(280)
    assert (_file(play).proof, plugs.orders) == (None, [])
