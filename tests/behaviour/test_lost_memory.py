"""What is remembered may be lost, told twice, too early or in the wrong order: the same ends, each pod deleted once."""

from collections.abc import Callable

import pytest

from reactor.model.drift import Policy
from reactor.model.event import recovered, unreachable
from reactor.model.identity import Outage
from reactor.model.node import node_view
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import fail
from tests.support.branches import EVERY
from tests.support.copies import copied
from tests.support.virtual import Play

LOST = "node-a"
_SCENE = Scene(
    (LOST, "node-b", "node-c"),
    (
        Vm("wait", Storage.RBD_BLOCK, node=LOST),
        Vm("delete", Storage.RBD_BLOCK, node=LOST, annotations={"vmdrift.io/detach": "delete"}),
        Vm("web", node=LOST),
        Vm("mail", Storage.RBD_BLOCK, node="node-b"),
    ),
)
_MOVING = ("wait", "delete", "web")
_DONE = ("completed", "running-elsewhere")
# Seconds after the power cut: before it is missed, in the window, at its end, at the release and after, in the six
# minutes, at the forced detach.
_MOMENTS = (20, 100, 340, *range(345, 356), 380, 420, 500, 700, 708, 710, 712, 714)


def _lost(watchers: int = 1, seed: int = 0) -> Play:
    play = Play.of(_SCENE, Policy(tenants_may=("detach",)), seed, watchers)
    play.world.hypervisor.power_cut(LOST)
    return play


def _outage(play: Play) -> Outage:
    lost = node_view(play.world.store.get("nodes", LOST)).outage
    assert lost is not None
    return lost


def _check_all_moved(play: Play) -> None:
    assert _all_moved(play)
    assert play.running("mail") == ["node-b"]
    assert len(play.auditor.deleted("pods")) == len(_MOVING)
    assert len(play.auditor.deleted("volumeattachments")) == 1
    assert {deletion.volume for deletion in play.auditor.deletions} == {"", "default-delete-disk"}
    play.check()


def _live_on(play: Play) -> None:
    """Until all have moved and nothing is left to do, and for a while."""
    play.world.run_for(200)  # the watchers tell all that they know once a minute
    play.world.run(lambda: all(record.phase.is_end for record in play.records) and _all_moved(play), 1500)
    play.world.run_for(100)


def _all_moved(play: Play) -> bool:
    return all(len(play.running(vm)) == 1 and play.running(vm) != [LOST] for vm in _MOVING)


@pytest.mark.long(5)
@pytest.mark.parametrize(
    "lose",
    [
        pytest.param(lambda play: play.reactor.flush(), id="Redis is emptied"),
        pytest.param(lambda play: play.restart(), id="the reactor is replaced, its queue is lost"),
        pytest.param(lambda play: play.restart(forgetful=True), id="the reactor is replaced, everything is lost"),
    ],
)
@EVERY
def test_memory_may_be_lost_at_any_moment(lose: Callable[[Play], None], *, every: bool) -> None:
    """The outage is lived once; at each moment (by day at every eighth) a copy of it loses its memory."""
    play, failed = _lost(), dict[float, str]()
    cut = play.world.now
    for moment in _MOMENTS if every else _MOMENTS[::8]:
        play.world.run_until(cut + moment)
        if (done := copied(lambda: _lose_and_live_on(play, lose))).code:
            failed[moment] = done.err
    assert failed == {}


def _lose_and_live_on(play: Play, lose: Callable[[Play], None]) -> None:
    lose(play)
    _live_on(play)
    _check_all_moved(play)
    assert all(record.phase.is_end for record in play.records)


def test_redis_may_be_emptied_every_four_minutes() -> None:
    """Not more often: the signs of life must have been watched for three."""
    play = _lost()
    for _ in range(8):
        play.world.run_for(239)
        play.reactor.flush()
    _check_all_moved(play)


def test_every_job_may_come_again_at_any_time() -> None:
    play = _lost()
    for _ in range(400):
        play.world.run_for(2.5)
        play.reactor.again()
    _check_all_moved(play)
    assert {play.story(vm) for vm in _MOVING} == {_DONE}
    ids = [event["id"] for _, event in play.reactor.store.events()]
    assert len(ids) == len(set(ids))


def test_a_job_that_comes_early_waits_for_the_windows_end() -> None:
    play = _lost()
    play.world.run_for(60)
    end = _outage(play).since + 300
    while play.world.now < end - 1:
        play.reactor.again()
        assert {play.story(vm) for vm in _MOVING} == {("waiting", "unreachable-window")}
        play.world.run_until(min(play.world.now + 20, end - 0.5))
    assert play.auditor.deletions == []
    play.check()


def test_several_watchers_tell_what_one_tells() -> None:
    plays = [_lost(watchers) for watchers in (1, 3)]
    for play in plays:
        _live_on(play)
        _check_all_moved(play)
    told = [[event["id"] for _, event in play.reactor.store.events()] for play in plays]
    assert sorted(told[0]) == sorted(told[1])
    assert len(told[0]) == len(set(told[0]))


def test_a_recovery_that_arrives_before_its_outage_ends_nothing() -> None:
    play = _lost()
    play.world.run_for(60)
    play.take(recovered(_outage(play), "test", play.world.now))
    _live_on(play)
    _check_all_moved(play)
    assert {play.story(vm) for vm in _MOVING} == {_DONE}


def test_an_outage_that_is_told_after_its_end_begins_nothing() -> None:
    play = _lost()
    play.world.run_for(60)
    outage = _outage(play)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(300)
    known = play.records
    play.take(unreachable(outage, "test"))
    play.world.run_for(900)
    assert play.records == known
    assert play.auditor.deletions == []
    assert play.outages() == []


def test_an_old_outage_that_is_told_during_a_newer_one_shortens_no_window() -> None:
    play = _lost()
    play.world.run_for(200)
    old = _outage(play)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(60)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(150)
    play.reactor.flush()
    play.take(unreachable(old, "test"))
    _live_on(play)
    _check_all_moved(play)
    assert {play.story(vm) for vm in _MOVING} == {_DONE}


@pytest.mark.parametrize("code", [403, 429, 503])
@pytest.mark.parametrize("verb", ["get", "list", "delete"])
def test_an_api_server_that_refuses_for_a_while_only_delays(code: int, verb: str) -> None:
    play = _lost()
    fail(play.world.api, code, 40, verb=verb)
    _live_on(play)
    _check_all_moved(play)
    assert {play.story(vm) for vm in _MOVING} == {_DONE}


def test_an_answer_that_is_lost_after_its_delete_took_effect_deletes_nothing_twice() -> None:
    play = _lost()
    fail(play.world.api, 504, 10, verb="delete", late=True)
    _live_on(play)
    _check_all_moved(play)
    assert {play.story(vm) for vm in _MOVING} == {_DONE}
