"""An outage that begins before Kubernetes notices it: only proof releases, and the Unknown to come is the same one."""

from typing import Any

import pytest

from reactor.adapters.rq import fence_entry
from reactor.model.drift import Policy
from reactor.model.event import unreachable
from reactor.model.fencing import CONFIG_MAP, fencings
from reactor.model.identity import Outage
from reactor.model.node import OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE, node_view
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import FENCING
from tests.support.virtual import Play
from workers.intake.outage import take_event

LOST = "node-a"
SCENE = Scene((LOST, "node-b", "node-c"), (Vm("disk", Storage.RBD_BLOCK, node=LOST), Vm("plain", node=LOST)))
POLICY = Policy(fencing=("event",))
SILENT = 25.0  # seconds after the power cut: no Lease for more than 15, and Kubernetes has not noticed


def _silent(scene: Scene = SCENE, watchers: int = 1) -> Play:
    play = Play.of(scene, POLICY, watchers=watchers)
    play.world.run_for(30)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(SILENT)
    assert _ready(play) == "True"
    return play


def _node(play: Play) -> Obj:
    return play.world.store.get("nodes", LOST)


def _ready(play: Play) -> str:
    return node_view(_node(play)).ready


def _suspect(play: Play) -> Outage:
    lease = play.world.store.get("leases", LOST, "kube-node-lease")
    outage = node_view(_node(play)).with_lease(lease["spec"]["renewTime"]).early_outage(play.world.now)
    assert outage is not None
    return outage


def _admin(play: Play) -> Any:
    return play.world.api.client("system:admin")


def _keep_away(play: Play) -> None:
    """The taint that keeps the scheduler away, and evicts nobody."""
    taint = {"key": OUT_OF_SERVICE, "value": OUT_OF_SERVICE_VALUE, "effect": "NoSchedule"}
    _admin(play).patch("nodes", LOST, {"spec": {"taints": [*(_node(play)["spec"].get("taints") or ()), taint]}})


def _nobody_taints(play: Play) -> None:
    """The API server refuses every taint: vm-drift lacks the right."""

    def refused(request: Request) -> ApiError | None:
        is_taint = (request.verb, request.resource, request.user) == ("patch", "nodes", FENCING)
        return ApiError(403, "Forbidden", "fencing may not patch nodes") if is_taint else None

    play.world.api.faults.append(refused)


def _prove(play: Play, outage: Outage) -> None:
    play.reactor.queue.wake(fence_entry(outage), play.world.now)
    play.confirm(LOST)
    assert play.world.run(lambda: _is_proven(play), 5)


def _is_proven(play: Play) -> bool:
    files = fencings(play.world.store.get("configmaps", CONFIG_MAP, "vm-drift"))
    return LOST in files and files[LOST].proof is not None


def _begin(play: Play, *, tainted: bool = True) -> Outage:
    """Suspected, proven, and taken in."""
    outage = _suspect(play)
    if tainted:
        _keep_away(play)
    _prove(play, outage)
    _take_in(play, outage)
    return outage


def _take_in(play: Play, outage: Outage) -> None:
    play.take(unreachable(outage, "test"))
    play.nudge()


def _renewed(play: Play) -> None:
    _admin(play).patch("leases", LOST, {"spec": {"renewTime": "2026-12-24T00:00:00.000001Z"}}, "kube-node-lease")


def _deleted(play: Play) -> list[str]:
    return sorted(name.rpartition("-")[0].rpartition("-")[2] for name in play.auditor.deleted("pods"))


@pytest.mark.parametrize("watchers", [1, 2])
def test_with_proof_all_is_released_before_kubernetes_notices_and_the_unknown_that_follows_is_the_same_outage(
    watchers: int,
) -> None:
    play = _silent(watchers=watchers)
    outage = _begin(play)
    play.world.run_for(5)
    assert (_ready(play), _deleted(play)) == ("True", ["disk", "plain"])

    assert play.world.run(lambda: _ready(play) == "Unknown", 60)
    play.world.run_for(200)

    assert {record.drift.outage for record in play.records} == {outage}
    assert [play.story(vm) for vm in ("disk", "plain")] == [("completed", "running-elsewhere")] * 2
    for vm in ("disk", "plain"):
        assert sorted(play.news(vm)) == sorted(set(play.news(vm))), "an event twice"
    assert _deleted(play) == ["disk", "plain"]
    play.check()


def test_without_proof_no_outage_begins_before_kubernetes_notices() -> None:
    play = _silent()
    ended = take_event(unreachable(_suspect(play), "test"), play.reactor.intake)
    assert ended.reason == "not-proven"
    assert (play.outages(), play.records) == ([], [])


def test_what_was_suspected_without_proof_is_the_outage_that_kubernetes_notices() -> None:
    play = _silent()
    suspected = _suspect(play)
    assert play.world.run(lambda: bool(play.records), 60)
    assert [outage.id for outage in play.outages()] == [suspected.id]
    assert play.outages()[0].since == int(node_view(_node(play)).ready_since)


def test_a_lease_that_changes_before_the_first_deletion_ends_it() -> None:
    play = _silent()
    _nobody_taints(play)
    _begin(play, tainted=False)
    assert play.until("plain", ("waiting", "taint-due"), limit=5)
    _renewed(play)
    _keep_away(play)
    play.world.run_for(10)
    assert (_ready(play), _deleted(play)) == ("True", [])
    assert play.record("plain").reason in {"node-returned", "returning"}


def test_when_redis_has_lost_everything_before_kubernetes_notices_it_is_still_one_outage() -> None:
    play = _silent()
    outage = _begin(play)
    play.world.run_for(1)
    play.reactor.flush()
    _take_in(play, outage)
    assert [known.id for known in play.outages()] == [outage.id]
    play.reactor.flush()

    assert play.world.run(lambda: _ready(play) == "Unknown" and bool(play.outages()), 60)
    play.world.run_for(200)
    assert {record.drift.outage.id for record in play.records} <= {outage.id}
    assert _deleted(play) == ["disk", "plain"]
    play.check()


def test_a_lease_that_changes_after_kubernetes_has_noticed_makes_no_other_outage() -> None:
    play = _silent()
    outage = _begin(play, tainted=False)
    assert play.world.run(lambda: _ready(play) == "Unknown", 60)
    play.world.run_for(70)
    _renewed(play)
    play.world.run_for(130)
    assert [known.id for known in play.outages()] == [outage.id]
    assert {record.drift.outage.id for record in play.records} == {outage.id}


def test_without_a_taint_a_vm_is_released_once_kubernetes_has_noticed() -> None:
    play = _silent()
    _nobody_taints(play)
    _begin(play, tainted=False)
    assert play.world.run(lambda: _ready(play) == "Unknown", 60)
    assert _deleted(play) == []
    play.world.run_for(60)
    assert _deleted(play) == ["disk", "plain"]
    play.check()


def test_a_vm_that_tolerates_every_taint_waits_until_kubernetes_has_noticed() -> None:
    play = _silent(Scene(SCENE.nodes, (Vm("stays", node=LOST), Vm("plain", node=LOST))))
    tolerant = {"template": {"spec": {"tolerations": [{"operator": "Exists"}]}}}
    _admin(play).patch("virtualmachines", "stays", {"spec": tolerant}, "default")
    _begin(play)
    play.world.run_for(5)
    assert (_ready(play), _deleted(play)) == ("True", ["plain"])
    assert play.story("stays") == ("blocked", "could-be-put-back")
    assert play.world.run(lambda: _ready(play) == "Unknown", 60)
    play.world.run_for(60)
    assert _deleted(play) == ["plain", "stays"]


def test_where_the_proof_is_void_the_window_counts_from_kubernetes_own_notice() -> None:
    play = _silent()
    _begin(play, tainted=False)
    _admin(play).delete("configmaps", "vm-drift-claims", "vm-drift")
    _admin(play).patch("configmaps", CONFIG_MAP, {"data": None}, "vm-drift")
    play.world.run_for(2)
    assert play.story("plain") == ("waiting", "not-noticed")
    assert play.world.run(lambda: _ready(play) == "Unknown", 60)
    noticed = play.world.now
    assert play.world.run(lambda: bool(_deleted(play)), 1000)
    assert play.world.now >= noticed + POLICY.unreachable_window
    play.check()


def test_a_reboot_ends_it() -> None:
    play = _silent()
    _begin(play, tainted=False)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(200)
    assert play.outages() == []
    assert (_deleted(play), play.running("plain")) == ([], [LOST])
    play.check()
