"""A node that looks Ready while its Lease is silent: what is asked, what counts, and what ends it."""

from dataclasses import replace
from typing import Any, cast

import pytest

from reactor.model.confirmation_source import Source
from reactor.model.fencing import Fencing, Loss, ProviderStatus, State
from reactor.model.identity import Outage
from reactor.model.node import NodeView
from tests.unit.workers.fencing.views import FILE, LOST_AT, NOBODY, NODE, OFF, ON, POLICY, drift, seen
from workers.fencing.decide import next_move
from workers.fencing.decide.boot_file import boot_file
from workers.fencing.decide.suspicion import is_suspected
from workers.fencing.decide.view import FenceDecision

READY = replace(NODE, ready="True", ready_since=1.0, reported="status", renewed=990.0)
EARLY = cast("Outage", READY.early_outage(1000.0))
SUSPECTED = replace(FILE, outage=EARLY, reported="status", reason="awaiting-proof", at=1000.0)
RENEWED = replace(READY, renewed=1005.0)
NOW = 1010.0


def _move(file: Fencing = SUSPECTED, now: float = NOW, node: NodeView | None = READY, **more: Any) -> FenceDecision:
    return next_move(seen(node, **more), file, replace(POLICY, fence_after=0.0), now)


def _file(move: FenceDecision) -> Fencing:
    assert move.file
    return move.file


@pytest.mark.parametrize("standing", [ON, NOBODY, ProviderStatus(State.MUTE, "Dark."), replace(ON, ours=True)])
def test_a_suspicion_asks_again_soon_and_does_nothing(standing: ProviderStatus) -> None:
    move = _move(standings={"redfish": standing}, unfence="", drifts=())
    assert (move.deed, move.again_at, _file(move).reason) == (None, NOW + 2, "awaiting-proof")
    assert standing.sentence in _file(move).sentence


def test_what_a_provider_verifies_is_proof_and_wakes_whoever_waits_for_it_and_nothing_is_done_to_the_node() -> None:
    proven = _file(_move(standings={"redfish": OFF}))
    assert proven.proof is not None
    taint = replace(POLICY, fenced_release="taint")
    move = next_move(seen(READY, standings={"redfish": OFF}), proven, taint, NOW)
    assert (move.deed, move.file, move.wake) == (None, proven, (drift("vm"),))


def test_whoever_says_alive_vetoes_it() -> None:
    assert _file(_move(standings={"event": OFF, "redfish": ON})).reason == "at-odds"


PROVEN = _file(_move(standings={"redfish": OFF}))


@pytest.mark.parametrize("life", [{"lease": "another", "node": RENEWED}, {"node": replace(READY, heartbeat="another")}])
def test_a_sign_of_life_takes_the_proof_away_and_says_so(life: dict[str, Any]) -> None:
    move = _move(PROVEN, NOW + 3, standings={"redfish": OFF}, **{"node": READY, **life})
    assert _file(move).reason == "in-doubt"
    assert _file(move).sentence == (
        "The proof does not count any more: the node gave a sign of life after redfish had confirmed that it is dead."
    )
    later = {"node": READY, **life, "lease": "a third"}
    later["node"] = replace(later["node"], renewed=1010.0)
    more = _move(_file(move), NOW + 13, standings={"redfish": OFF}, **later)
    assert (_file(more).proof, _file(more).reason, more.again_at) == (None, "in-doubt", NOW + 43)


def test_a_kubelet_that_reports_the_same_boot_refutes_whoever_had_proven_it_and_ends_the_suspicion() -> None:
    alive = replace(RENEWED, reported="later")
    file = _file(_move(PROVEN, NOW + 3, alive, lease="another", standings={"redfish": OFF}))
    assert (file.reason, file.closed, file.refuted) == ("refuted", True, (Source("redfish"),))


@pytest.mark.parametrize(
    "life",
    [
        {"lease": "another", "node": RENEWED},
        {"node": replace(READY, boot="boot-2")},
        {"node": replace(READY, reported="later")},
        {"node": replace(READY, ready="False")},
        {"node": replace(READY, uid="uid-b")},
    ],
)
def test_a_suspicion_that_ends_as_life_leaves_nothing(life: dict[str, Any]) -> None:
    assert _move(**{"node": READY, "standings": {"redfish": ON}, **life}).file is None


def test_what_was_asked_for_in_an_earlier_outage_is_taken_back_only_once_the_suspicion_is_over() -> None:
    blocked = ProviderStatus(State.FENCED, "Blocked.", storage=(("rbd", "ceph"),), ours=True)
    view: dict[str, Any] = {"standings": {"network-fence": blocked}, "unfence": "ann asks."}
    assert _move(replace(SUSPECTED, refuted=(Source("network-fence"),)), **view).deed is None
    assert _move(node=RENEWED, lease="another", **view).deed is not None


def test_the_unknown_that_follows_is_the_same_outage_and_its_proof_counts() -> None:
    lost = replace(READY, ready="Unknown", ready_since=LOST_AT + 30.0)
    stored, file = boot_file(EARLY, lost, [PROVEN], POLICY, NOW + 30)
    assert file
    assert (stored, file.outage.unknown_since, file.proof) == (PROVEN, LOST_AT + 30, PROVEN.proof)
    assert _file(_move(file, NOW + 30, lost, standings={"redfish": OFF})).proof == PROVEN.confirmation


def test_a_new_suspicion_of_the_same_boot_counts_nothing_of_the_one_before_and_refutes_nobody() -> None:
    again = RENEWED.early_outage(1090.0)
    assert again
    _, file = boot_file(again, RENEWED, [PROVEN], POLICY, NOW + 90)
    assert file
    assert (file.proof, file.refuted, file.outage) == (None, (), again)
    move = _move(file, NOW + 90, RENEWED, lease="the next silence", standings={"redfish": ON})
    assert (_file(move).reason, _file(move).lease) == ("awaiting-proof", "the next silence")


@pytest.mark.parametrize(
    "node",
    [
        None,
        NODE,
        replace(READY, ready="False"),
        replace(READY, boot="boot-2"),
        replace(READY, uid="uid-b"),
        replace(READY, reported="later"),
    ],
)
def test_only_this_very_boot_that_looks_ready_and_has_reported_nothing_is_suspected(node: NodeView | None) -> None:
    assert not is_suspected(node, SUSPECTED)
    assert is_suspected(READY, SUSPECTED)


@pytest.mark.parametrize(
    ("standings", "loss"),
    [
        ({"redfish": OFF}, Loss.OFF),
        ({"redfish": ON}, Loss.ON),
        ({"redfish": ProviderStatus(State.MUTE, "Dark.")}, Loss.DARK),
        ({"redfish": ProviderStatus(State.MUTE, "Dark."), "event": OFF}, Loss.DARK),
        ({"event": OFF}, Loss.UNKNOWN),
        ({"remediation": ProviderStatus(State.MUTE, "The API server is away.")}, Loss.UNKNOWN),
    ],
)
def test_what_kind_of_loss_it_is_stands_in_the_file_and_stays_when_it_was_acted_on(
    standings: dict[str, ProviderStatus], loss: Loss
) -> None:
    file = _file(_move(standings=standings))
    assert file.loss is loss
    lost = replace(NODE, reported="status")
    acted = next_move(seen(lost, standings={"redfish": ON, "event": NOBODY}), FILE, POLICY, 1100.0)
    off = next_move(seen(lost, standings={"redfish": OFF, "event": NOBODY}), _file(acted), POLICY, 1103.0)
    assert (_file(off).proof is not None, _file(off).loss) == (True, Loss.ON)
