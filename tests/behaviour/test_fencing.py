"""The fence pass in a whole cluster: killed anywhere, disturbed in the middle, and what it leaves behind."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Policy
from reactor.model.fencing import CONFIG_MAP, fencings
from reactor.model.intervention import CONFIG_MAP as INTERVENTIONS
from reactor.model.intervention import TAINT, Intervention
from reactor.model.node import OUT_OF_SERVICE, TAINT_ANNOTATION
from rehearsal.twins.bmc import MachineBmcs
from rehearsal.twins.cluster import ApiCluster
from simulator.audit import Request
from simulator.client import ApiError
from simulator.scene import FOR_EVER, Scene, Storage, Vm
from tests.support.auditor import FENCING
from tests.support.branches import AFTER, EVERY, Branches
from tests.support.killing import Fate, KillableReactor
from tests.support.virtual import Play
from workers.fencing.providers.redfish import Redfish

LOST = "node-a"
_MANY = 20  # kills in a story, at least
SCENE = Scene((LOST, "node-b", "node-c"), (Vm("disk", Storage.RBD_BLOCK, node=LOST), Vm("plain", node=LOST)))
POLICY = Policy(fencing=("event",))


def _story(fate: Fate | None = None) -> Play:
    """Lost, confirmed, released, back."""
    play = Play.of(SCENE, POLICY)
    if fate:
        play.world.remove(play.reactor)
        play.reactor = KillableReactor(play.world, POLICY)
        play.reactor.hand_over_fencing(fate)
        play.world.add(play.reactor)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.confirm(LOST)
    play.until_ended(300)
    play.world.hypervisor.power_on(LOST)
    play.world.run(lambda: _tidy(play), 200)
    play.world.run_for(30)  # in which whoever was killed is back, and their jobs are others'
    return play


def _node(play: Play) -> Any:
    return play.world.store.get("nodes", LOST)


def _files(play: Play) -> dict[str, Any]:
    kept: dict[str, Any] = play.world.store.get("configmaps", CONFIG_MAP, "vm-drift")
    return fencings(kept)


def _tainted(play: Play) -> bool:
    return OUT_OF_SERVICE in [taint["key"] for taint in _node(play)["spec"].get("taints") or ()]


def _ask_for_no_execute(play: Play) -> None:
    """A person wants the taint that removes everything."""
    (outage,) = [record.outage for record in play.reactor.store.outages()]
    wish = Intervention(TAINT, f"node/{LOST}", "ann", "I looked", play.world.now, outage=outage.id)
    ApiCluster(play.world.api, "ann").note(INTERVENTIONS, "vm-drift", {wish.key: wish.as_text()})


def _tidy(play: Play) -> bool:
    """Nothing of the fence is left."""
    return not (_tainted(play) or TAINT_ANNOTATION in _node(play)["metadata"].get("annotations", {}) or _files(play))


def _check(play: Play) -> None:
    assert {record.phase.value for record in play.records} == {"completed"}
    assert len(play.auditor.deleted("pods")) == len(SCENE.vms)
    assert _tidy(play)
    play.check()


def test_a_node_that_is_proven_dead_is_left_within_seconds_and_nothing_of_it_stays_when_it_is_back() -> None:
    play = _story()
    play.world.run_for(200)
    _check(play)
    assert play.world.store.get("configmaps", CONFIG_MAP, "vm-drift").get("data") in ({}, None)
    said = play.record("plain").weighed
    assert all(record.ended_at is not None and record.ended_at - said < 8 for record in play.records)


@AFTER
@EVERY
def test_killed_at_every_call_of_the_fence_pass_it_ends_the_same(*, after: bool, every: bool) -> None:
    with Branches(after=after, every=every) as fate:
        _check(_story(fate))
    assert fate.failed == {}
    assert fate.kills > (_MANY if every else _MANY // 8)


def test_a_launcher_that_tolerates_everything_is_deleted_by_us() -> None:
    play = Play.of(Scene(SCENE.nodes, (Vm("stays", Storage.RBD_BLOCK, node=LOST, toleration=FOR_EVER),)), POLICY)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.confirm(LOST)
    assert play.until_ended(120)
    assert play.story("stays") == ("completed", "running-elsewhere")
    assert len(play.auditor.deleted("pods")) == 1


def test_with_our_taint_no_other_goes() -> None:
    play = Play.of(SCENE, POLICY)
    admin = play.world.api.client("system:admin")
    theirs = {"key": "example.com/repair", "effect": "NoSchedule"}
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    admin.patch("nodes", LOST, {"spec": {"taints": [*_node(play)["spec"]["taints"], theirs]}})
    play.confirm(LOST)
    assert play.until_ended(300)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(200)
    assert theirs in _node(play)["spec"]["taints"]
    assert not _tainted(play)


def test_a_taint_that_somebody_else_set_is_used_and_left_alone() -> None:
    play = Play.of(SCENE, POLICY)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    theirs = [*_node(play)["spec"]["taints"], {"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"}]
    play.world.api.client("system:admin").patch("nodes", LOST, {"spec": {"taints": theirs}})
    play.confirm(LOST)
    assert play.until_ended(300)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(1500)
    assert _tainted(play)
    assert _files(play) == {}


def test_when_ours_is_taken_back_one_that_somebody_set_beside_it_stays() -> None:
    play = Play.of(SCENE, POLICY)
    attacher = next(actor for actor in play.world.actors if actor.name == "csi-attacher")
    play.world.remove(attacher)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.confirm(LOST)
    play.world.run_for(10)
    ours = _node(play)["spec"]["taints"]
    assert [taint["effect"] for taint in ours if taint["key"] == OUT_OF_SERVICE] == ["NoSchedule"]
    theirs = {"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"}
    play.world.api.client("system:admin").patch("nodes", LOST, {"spec": {"taints": [*ours, theirs]}})
    play.world.add(attacher)
    assert play.until_ended(100)
    play.world.run_for(10)
    left = [taint for taint in _node(play)["spec"]["taints"] if taint["key"] == OUT_OF_SERVICE]
    assert [taint["effect"] for taint in left] == ["NoExecute"]
    assert TAINT_ANNOTATION not in _node(play)["metadata"].get("annotations", {})


def test_our_taint_stays_until_everything_of_before_is_gone_and_then_goes_with_a_warning() -> None:
    play = Play.of(SCENE, POLICY)
    admin = play.world.api.client("system:admin")
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.confirm(LOST)
    _ask_for_no_execute(play)
    assert play.until_ended(300)
    stuck = {
        "metadata": {"name": "old", "finalizers": ["a/b"]},
        "spec": {"nodeName": LOST, "attacher": "a", "source": {}},
    }
    old = admin.create("volumeattachments", stuck)
    play.world.store.objects("volumeattachments")["", "old"]["metadata"] = {
        **old["metadata"],
        "creationTimestamp": _node(play)["metadata"]["creationTimestamp"],
    }
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(500)
    assert _tainted(play)
    (file,) = _files(play).values()
    assert "old of before are left there" in file.sentence
    play.world.run_for(200)
    assert not _tainted(play)


@pytest.mark.parametrize("what", ["beat", "hold", "back"])
def test_what_happens_between_the_look_and_the_taint_is_seen(what: str) -> None:
    play = Play.of(SCENE, POLICY)
    admin = play.world.api.client("system:admin")
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    reads: list[str] = []

    def strike(request: Request) -> ApiError | None:
        """The file has been written with the way; this is the last read before the taint."""
        late = request.user == FENCING and (request.verb, request.resource) == ("get", "nodes")
        if late and any(file.release for file in _files(play).values()):
            reads.append(what)
            if len(reads) != 1:
                return None
            if what == "hold":
                text = '{"kind": "hold", "target": "all", "by": "ann", "why": "x", "at": "2026-11-26T00:00:00Z"}'
                admin.create(
                    "configmaps",
                    {"metadata": {"name": "vm-drift-interventions", "namespace": "vm-drift"}, "data": {"h": text}},
                )
            elif what == "beat":
                admin.patch("nodes", LOST, {"metadata": {"annotations": {"kubevirt.io/heartbeat": "now"}}})
            else:
                conditions = [{**c, "status": "True"} for c in _node(play)["status"]["conditions"]]
                admin.patch("nodes", LOST, {"status": {"conditions": conditions}}, subresource="status")
        return None

    play.world.api.faults.append(strike)
    play.confirm(LOST)
    play.world.run_for(20)
    assert reads
    assert not _tainted(play)
    assert play.auditor.deleted("pods") == []


def test_a_node_that_speaks_right_before_it_is_switched_off_is_left_on() -> None:
    play = Play.of(SCENE, replace(POLICY, fencing=("redfish",)))
    bmcs = MachineBmcs(play.world.hypervisor, {LOST: _node(play)["status"]["nodeInfo"]["systemUUID"]})
    play.reactor.providers["redfish"] = Redfish(bmcs)
    spoken: list[Request] = []
    kept = {"metadata": {"name": CONFIG_MAP, "namespace": "vm-drift"}}
    play.world.api.client("system:admin").create("configmaps", kept)

    def strike(request: Request) -> ApiError | None:
        """That it is asked for is written; now it is."""
        asks = (request.user, request.verb, request.resource) == (FENCING, "get", "nodes")
        if asks and not spoken and any(file.attempts for file in _files(play).values()):
            spoken.append(request)
            beat = {"metadata": {"annotations": {"kubevirt.io/heartbeat": "now"}}}
            play.world.api.client("system:admin").patch("nodes", LOST, beat)
        return None

    play.world.api.faults.append(strike)
    play.world.hypervisor.cut_network(LOST)
    assert play.world.run(lambda: bool(spoken), 300)
    play.world.run_for(20)
    assert bmcs.orders == []


def test_redis_forgets_everything_in_the_middle_and_nothing_is_orphaned() -> None:
    play = Play.of(SCENE, POLICY)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.confirm(LOST)
    assert play.until("disk", ("detaching", "detached-by-taint"), ("starting", "waiting-for-volume"), limit=60)
    play.reactor.flush()
    play.world.run_for(200)
    assert play.running("disk") in (["node-b"], ["node-c"])
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(300)
    assert not _tainted(play)
    assert _files(play) == {}


def test_a_machine_that_was_switched_off_leaves_nothing_to_take_back_when_its_node_is_deleted() -> None:
    play = Play.of(SCENE, replace(POLICY, fencing=("redfish",)))
    uuid = _node(play)["status"]["nodeInfo"]["systemUUID"]
    bmcs = MachineBmcs(play.world.hypervisor, {LOST: uuid})
    play.reactor.providers["redfish"] = Redfish(bmcs)
    play.world.hypervisor.cut_network(LOST)
    play.until_ended(600)
    assert bmcs.orders == [LOST]
    assert _files(play)[LOST].proof
    play.world.api.client("admin").delete("nodes", LOST)
    play.world.run_for(120)
    assert _files(play) == {}
