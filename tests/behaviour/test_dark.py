"""Providers that do not answer: the next one is asked, and what the silent one did is neither forgotten nor counted."""

from typing import Any

from reactor.model.drift import Policy
from reactor.model.fence_requests import fences
from reactor.model.fencing import CONFIG_MAP, fencing_entries
from reactor.model.intervention import CONFIG_MAP as INTERVENTIONS
from reactor.model.intervention import HOLD, Intervention
from rehearsal.twins.bmc import MachineBmcs
from rehearsal.twins.cluster import ApiCluster
from simulator.actors.network_fencer import NetworkFencer
from simulator.audit import Request
from simulator.client import ApiError
from simulator.fencing import add_storage_clients
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import FENCING
from tests.support.virtual import Play
from workers.fencing.providers.redfish import Redfish

LOST = "node-a"


def _play(*fencing: str) -> tuple[Play, MachineBmcs, NetworkFencer]:
    play = Play.of(
        Scene((LOST, "node-b", "node-c"), (Vm("vm", Storage.RBD_BLOCK, node=LOST),)), Policy(fencing=fencing)
    )
    admin, hypervisor = play.world.api.client("system:admin"), play.world.hypervisor
    bmcs = MachineBmcs(hypervisor, {name: machine.system_uuid for name, machine in hypervisor.machines.items()})
    play.reactor.providers["redfish"] = Redfish(bmcs)
    fencer = NetworkFencer(admin, hypervisor, add_storage_clients(admin, hypervisor.machines), hangs=True)
    play.world.add(fencer)
    return play, bmcs, fencer


def _config_map(play: Play) -> Any:
    return play.world.store.find("configmaps", CONFIG_MAP, "vm-drift")


def _made(play: Play) -> list[str]:
    return [fence["metadata"]["name"] for fence in play.world.api.client("system:admin").list("networkfences")]


def test_what_one_made_that_fell_silent_then_is_taken_back_after_the_reboot_and_the_node_is_counted_once() -> None:
    play, bmcs, fencer = _play("network-fence", "redfish")

    def unheard(request: Request) -> ApiError | None:
        theirs = (request.user, request.resource) == (FENCING, "networkfences")
        return ApiError(503, "ServiceUnavailable", "an aggregated API is away") if theirs else None

    def created(request: Request) -> ApiError | None:
        return unheard(request) if request.verb == "create" else None

    def listed(request: Request) -> ApiError | None:
        error = unheard(request) if request.verb == "list" else None
        return error if error and _made(play) else None

    play.world.api.late_faults.append(created)
    play.world.api.faults.append(listed)
    play.world.hypervisor.cut_network(LOST)
    assert play.until("vm", ("completed", "running-elsewhere"), limit=400)
    assert (bmcs.orders, len(_made(play)), len(fences(_config_map(play)))) == ([LOST], 1, 1)
    (file,) = fencing_entries(_config_map(play)).values()
    assert "Does not answer: network-fence." in file.summary
    play.world.api.late_faults.remove(created)
    play.world.api.faults.remove(listed)
    play.world.hypervisor.restore_network(LOST)
    play.world.hypervisor.power_on(LOST)
    fencer.hangs = False
    play.world.run_for(120)
    assert (_made(play), fencing_entries(_config_map(play))) == ([], {})


def test_a_bmc_that_carries_orders_out_without_an_answer_is_read_and_nobody_else_is_asked() -> None:
    play, bmcs, _ = _play("redfish", "network-fence")
    bmcs.mute.add(LOST)
    play.world.hypervisor.cut_network(LOST)
    assert play.until("vm", ("completed", "running-elsewhere"), limit=400)
    assert (bmcs.orders, _made(play)) == ([LOST], [])
    play.check()


def test_a_dark_bmc_gets_no_second_order_while_the_next_provider_is_at_work() -> None:
    play, bmcs, _ = _play("redfish", "network-fence")
    bmcs.hanging.add(LOST)
    play.world.hypervisor.cut_network(LOST)
    assert play.world.run(lambda: bool(_made(play)), 300)
    bmcs.hanging.clear()
    bmcs.deaf.add(LOST)
    play.world.run_for(60)
    assert bmcs.orders == []
    assert len(_made(play)) == 1


def test_a_bmc_that_reads_on_and_never_answers_an_order_is_passed_over_after_five_seconds() -> None:
    play, bmcs, _ = _play("redfish", "network-fence")
    bmcs.deaf.add(LOST)
    bmcs.mute.add(LOST)
    play.world.hypervisor.cut_network(LOST)
    assert play.world.run(lambda: bool(bmcs.orders), 300)
    asked_at = play.world.now
    assert play.world.run(lambda: bool(_made(play)), 10)
    assert 5 <= play.world.now - asked_at < 6


def test_a_hold_between_two_providers_keeps_the_second_from_being_asked() -> None:
    play, bmcs, _ = _play("redfish", "network-fence")
    bmcs.hanging.add(LOST)
    play.world.hypervisor.cut_network(LOST)
    assert play.world.run(lambda: bool(fences(_config_map(play) or {})), 300)
    hold = Intervention(HOLD, f"node/{LOST}", "ann", "do not touch", play.world.now, None)
    ApiCluster(play.world.api, "ann").note(INTERVENTIONS, "vm-drift", {hold.key: hold.as_text()})
    play.world.run_for(60)
    assert (_made(play), bmcs.orders) == ([], [])
