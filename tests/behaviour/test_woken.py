"""Where somebody watches, what happens wakes at once what waits for it; where nobody does, all goes on as ever."""

from collections.abc import Callable, Collection
from dataclasses import replace

import pytest

from reactor.model.drift import Policy, Record
from reactor.model.errors import StoreUnreachable
from reactor.model.intervention import ALL, CANCEL, CONFIG_MAP, HOLD, Intervention
from reactor.settings import Settings
from rehearsal.twins.cluster import ApiCluster
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import WORKERS
from tests.support.virtual import WATCHERS, Play
from workers.drift.quick import quick_look

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
PLAIN, DISK = Vm("plain", node=LOST), Vm("disk", Storage.RBD_BLOCK, node=LOST)
WATCHED = ("pods", "virtualmachines", "virtualmachineinstances", "volumeattachments", "namespaces", "configmaps")
AT_ONCE = 1.0  # seconds of virtual time


def lost(*vms: Vm, waker: bool = True, policy: Policy | None = None) -> Play:
    play = Play.of(Scene(NODES, vms), policy, waker=waker)
    play.world.hypervisor.power_cut(LOST)
    return play


def sent(play: Play, user: str, *verbs: str) -> list[tuple[float, str]]:
    """When, and of which kind."""
    return [
        (entry.time, entry.resource) for entry in play.world.api.audit if entry.user == user and entry.verb in verbs
    ]


def asked(play: Play, vm: str) -> int:
    """How many requests the passes over the drifts have taken."""
    assert play.until_ended()
    assert play.story(vm) == ("completed", "running-elsewhere")
    return sum(entry.user == WORKERS for entry in play.world.api.audit)


def test_an_eviction_is_followed_by_our_deletion_at_once() -> None:
    play = lost(PLAIN)
    assert play.until_ended()
    deleted = [(entry.time, entry.user) for entry in play.world.api.audit if entry.verb == "delete"]
    (evicted,) = [at for at, user in deleted if "taint-eviction" in user]
    assert [at - evicted for at, user in deleted if user == WORKERS] == [0.0]


@pytest.mark.parametrize("vm", [PLAIN, DISK])
def test_a_vm_that_runs_is_reported_at_once(vm: Vm) -> None:
    play = lost(vm)
    assert play.world.run(lambda: bool(play.running(vm.name)) and play.running(vm.name) != [LOST], 1500)
    play.world.run(lambda: play.story(vm.name)[0] == "completed", AT_ONCE)
    assert play.story(vm.name) == ("completed", "running-elsewhere")


@pytest.mark.parametrize("vm", [PLAIN, DISK])
def test_what_is_watched_costs_fewer_requests_and_ends_as_it_does_without(vm: Vm) -> None:
    assert asked(lost(vm), vm.name) < asked(lost(vm, waker=False), vm.name)


def test_nothing_but_nodes_and_leases_is_watched_while_nothing_is_lost() -> None:
    play = Play.of(Scene(NODES, (PLAIN,)), waker=True)
    play.world.run_for(600)
    assert {kind for _, kind in sent(play, WATCHERS, "watch")} <= {"nodes", "leases"}


def test_attachments_are_watched_only_while_one_is_waited_for() -> None:
    play = lost(PLAIN, DISK)
    assert play.until("disk", ("detaching", "detach-window"))
    released = play.record("disk").released_at or 0.0
    play.world.run_for(10)
    (begun,) = [at for at, kind in sent(play, WATCHERS, "watch") if kind == "volumeattachments"]
    assert begun >= released


def _annotated(play: Play) -> None:
    patch = {"metadata": {"annotations": {"vmdrift.io/detach": "delete"}}}
    play.world.api.client("admin").patch("virtualmachines", "disk", patch, "default")


def _of_namespace(play: Play) -> None:
    patch = {"metadata": {"annotations": {"vmdrift.io/detach": "delete"}}}
    play.world.api.client("admin").patch("namespaces", "default", patch)


@pytest.mark.parametrize("wish", [_annotated, _of_namespace])
def test_a_detach_that_is_asked_for_within_the_six_minutes_is_done_at_once(wish: Callable[[Play], None]) -> None:
    play = lost(DISK, policy=replace(Settings().to_policy(), tenants_may=("detach",)))
    assert play.until("disk", ("detaching", "detach-window"))
    play.world.run_for(30)
    wish(play)
    play.world.run_for(AT_ONCE)
    assert play.story("disk") == ("detaching", "volumeattachment-deleted")


def _asks(play: Play, kind: str, outage: str = "") -> None:
    one = Intervention(kind, ALL if kind == HOLD else "vm/default/disk", "ann", "a look", play.world.now, None, outage)
    ApiCluster(play.world.api, "ann").note(CONFIG_MAP, "vm-drift", {one.key: one.as_text()})


def test_a_cancel_that_is_written_into_the_config_map_ends_a_waiting_drift_at_once() -> None:
    play = lost(DISK)
    assert play.until("disk", ("detaching", "detach-window"))
    play.world.run_for(30)
    _asks(play, CANCEL, play.outages()[0].id)
    play.world.run_for(AT_ONCE)
    assert play.story("disk") == ("cancelled", "cancelled-by-hand")


def test_a_hold_that_is_lifted_lets_a_drift_go_on_at_once() -> None:
    play = lost(PLAIN)
    _asks(play, HOLD)
    assert play.until("plain", ("blocked", "held"))
    play.world.run_for(100)
    one = Intervention(HOLD, ALL, "ann", "a look", 0.0)
    ApiCluster(play.world.api, "ann").note(CONFIG_MAP, "vm-drift", {one.key: None})
    play.world.run_for(AT_ONCE)
    assert play.story("plain")[0] in {"released", "starting", "completed"}


def test_a_drift_that_waits_for_another_pod_is_looked_at_when_that_is_gone() -> None:
    play = lost(DISK)
    admin = play.world.api.client("admin")
    spec = {"nodeName": LOST, "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "disk-disk"}}]}
    meta = {"name": "backup", "namespace": "default"}
    admin.create("pods", {"metadata": meta, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}})
    assert play.until("disk", ("blocked", "claim-used-by-pod"))
    play.world.run_for(60)
    admin.delete("pods", "backup", "default", grace=0)
    play.world.run_for(AT_ONCE)
    assert play.story("disk") == ("detaching", "detach-window")


def test_a_waker_that_dies_for_good_leaves_all_that_waits_to_its_intervals() -> None:
    play = lost(PLAIN, DISK)
    play.world.run_for(200)
    play.reactor.wakers[0].kill(play.world.now, 1e9)
    assert play.until_ended()
    assert {play.story(vm)[0] for vm in ("plain", "disk")} == {"completed"}
    play.check()


@pytest.mark.parametrize("after", [200, 354, 500])
def test_redis_that_lost_everything_loses_no_drift_that_was_watched(after: float) -> None:
    play = lost(PLAIN, DISK)
    play.world.run_for(after)
    play.reactor.flush()
    assert play.until_ended()
    assert {play.story(vm)[0] for vm in ("plain", "disk") if play.story(vm)[0]} <= {"completed", "cancelled"}
    assert play.running("disk") not in ([], [LOST])
    play.check()


def test_a_tenant_who_edits_a_vm_all_the_time_wakes_its_drift_once_a_second_at_most() -> None:
    play = lost(DISK)
    assert play.until("disk", ("detaching", "detach-window"))
    before, admin = play.record("disk").passes, play.world.api.client("tenant")
    for number in range(200):
        admin.patch("virtualmachines", "disk", {"metadata": {"labels": {"n": f"{number}"}}}, "default")
        play.world.run_for(0.05)
    assert play.record("disk").passes - before <= 10 + 4


def test_what_redis_did_not_take_is_woken_once_it_answers_again() -> None:
    play = lost(DISK)
    assert play.until("disk", ("detaching", "detach-window"))
    play.world.run_for(30)
    stir, refused = play.reactor.coverage.stir, [1]

    def refusing(drift_ids: Collection[str]) -> None:
        if refused:
            refused.pop()
            raise StoreUnreachable("not now")
        stir(drift_ids)

    play.reactor.coverage.stir = refusing  # type: ignore[method-assign]
    _asks(play, CANCEL, play.outages()[0].id)
    play.world.run_for(3)
    assert not refused
    assert play.story("disk") == ("cancelled", "cancelled-by-hand")


def test_one_that_starts_and_is_due_is_looked_at_in_full_though_something_stirred_it() -> None:
    """Redis' clock was set back: what stirred it lies in the future, so that every look seems to be asked for."""
    play = lost(Vm("edge", Storage.RBD_EDGE, node=LOST))
    assert play.world.run(lambda: play.story("edge") == ("starting", "waiting-for-volume"), 1500)
    tools, now, record = play.reactor.tools, play.reactor.redis(), play.record("edge")
    tools.coverage.stir([record.drift.id])
    looked = replace(record, looked_at=now - 100, changed_at=now - 100)
    early = quick_look(replace(looked, again_at=now + 5), tools.cluster, tools, now)
    assert isinstance(early, Record)
    assert (early.again_at, early.looked_at) == (now + 5, now)
    assert not isinstance(quick_look(replace(looked, again_at=now), tools.cluster, tools, now), Record)
