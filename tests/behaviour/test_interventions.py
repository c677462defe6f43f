"""A person intervenes: what is held is left alone, whatever is lost; what is cancelled ends; windows go on."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from reactor.model.intervention import ALL, CANCEL, CONFIG_MAP, HOLD, Intervention, node_target
from rehearsal.twins.cluster import ApiCluster
from simulator.audit import Request
from simulator.client import ApiError
from simulator.scene import Scene, Storage, Vm
from simulator.store.selectors import Selection
from tests.support.auditor import WORKERS
from tests.support.virtual import Play

LOST = "node-a"
ANN = Intervention(HOLD, ALL, "ann", "looking at it", 0.0)
WEB, WIKI = replace(ANN, target="vm/default/web"), replace(ANN, target="vm/default/wiki")
SCENE = Scene((LOST, "node-b", "node-c"), (Vm("web", node=LOST), Vm("wiki", node=LOST)))


def note(play: Play, data: Mapping[str, str | None]) -> None:
    ApiCluster(play.world.api, "ann").note(CONFIG_MAP, "vm-drift", data)


def asks(play: Play, *several: Intervention) -> None:
    note(play, {one.key: one.as_text() for one in several})


def lifts(play: Play, one: Intervention) -> None:
    note(play, {one.key: None})


def lost(scene: Scene = SCENE, policy: Policy | None = None) -> Play:
    play = Play.of(scene, policy)
    play.world.hypervisor.power_cut(LOST)
    return play


def test_a_held_vm_is_left_alone_and_the_other_one_is_not() -> None:
    play = lost()
    asks(play, WEB)
    play.world.run_for(800)
    assert play.story("web") == ("blocked", "held")
    assert play.record("web").sentence == "Held by ann at 1970-01-01 00:00:00Z: looking at it."
    assert play.story("wiki")[0] == "completed"
    lifts(play, WEB)
    assert play.until_ended(60)
    assert play.story("web")[0] == "completed"
    play.check()


@pytest.mark.parametrize("target", [ALL, node_target(LOST)])
def test_nothing_that_is_lost_lifts_a_hold(target: str) -> None:
    play = lost()
    hold = replace(ANN, target=target)
    asks(play, hold)
    play.world.run_for(500)
    play.reactor.flush()
    play.world.run_for(500)
    play.restart(forgetful=True)
    play.world.run_for(500)
    assert play.auditor.deletions == []
    lifts(play, hold)
    assert play.until_ended(300)
    assert len(play.auditor.deletions) == 2
    play.check()


def test_a_hold_that_comes_between_judgement_and_deed_is_heeded() -> None:
    """It comes when a pass has asked for holds, and before it deletes what it judged: at its read of the pods."""
    play = lost()
    moments: list[float] = []

    def late(request: Request) -> ApiError | None:
        pods = play.world.store.list(Selection("pods")).items
        due = any("deletionTimestamp" in pod["metadata"] for pod in pods)
        if due and not moments and (request.user, request.verb, request.resource) == (WORKERS, "list", "pods"):
            moments.append(play.world.now)
            asks(play, replace(ANN, at=play.world.now))
        return None

    play.world.api.late_faults.append(late)
    play.world.run_for(700)
    assert moments
    assert play.auditor.deletions == []
    assert {record.reason for record in play.records} == {"held"}


def test_a_hold_s_time_passes() -> None:
    play = lost()
    asks(play, replace(ANN, until=play.world.now + 900))
    play.world.run_for(890)
    assert play.auditor.deletions == []
    assert play.until_ended(120)
    play.check()


def test_a_hold_keeps_a_volume_attachment_and_kubernetes_own_window_goes_on() -> None:
    vm = Vm("vm", Storage.RBD_BLOCK, node=LOST)
    play = lost(Scene((LOST, "node-b", "node-c"), (vm,)), Policy(detach="delete"))
    assert play.until("vm", ("released", "force-deleted"))
    asks(play, ANN)
    assert play.until_ended()
    assert play.story("vm")[0] == "completed"
    assert play.auditor.deleted("volumeattachments") == []


def test_a_cancelled_drift_ends_and_nothing_is_deleted() -> None:
    play = lost()
    play.world.run_for(100)
    outage = play.outages()[0].id
    asks(play, Intervention(CANCEL, "vm/default/web", "ann", "it is to stay down", play.world.now, outage=outage))
    assert play.until_ended()
    assert play.story("web") == ("cancelled", "cancelled-by-hand")
    assert play.story("wiki")[0] == "completed"
    assert len(play.auditor.deletions) == 1
    play.check()


def test_during_the_six_minutes_a_cancel_is_noticed() -> None:
    play = lost(Scene((LOST, "node-b", "node-c"), (Vm("vm", Storage.RBD_BLOCK, node=LOST),)))
    assert play.until("vm", ("detaching", "detach-window"))
    outage = play.outages()[0].id
    asks(play, Intervention(CANCEL, "vm/default/vm", "ann", "I do it", play.world.now, outage=outage))
    play.world.run_for(70)
    assert play.story("vm") == ("cancelled", "cancelled-by-hand")


def test_what_nobody_can_read_holds_everything() -> None:
    play = lost()
    note(play, {"hold_x": "{"})
    play.world.run_for(800)
    assert {record.reason for record in play.records} == {"held"}
    assert play.auditor.deletions == []
