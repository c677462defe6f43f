"""In what order providers are asked to fence, and what is done about one that does not answer."""

from dataclasses import replace

import pytest

from reactor.model.fencing import Attempt, Fencing, ProviderStatus, State
from tests.unit.workers.fencing.views import FILE, NOBODY, NOW, OFF, ON, POLICY, seen
from workers.fencing.decide import next_move
from workers.fencing.decide.asking import ordered
from workers.fencing.decide.view import AskProvider, FenceDecision

MUTE = ProviderStatus(State.MUTE, "BMC bmc does not answer in time (dark). That proves nothing.")
AT_WORK = ProviderStatus(State.WORKING, "NetworkFence n is under way.", ours=True)
_ASKED = replace(FILE, attempts=(Attempt("redfish", NOW),))
_UNHEARD = ordered(_ASKED, "redfish", "BMC bmc does not answer in time.", NOW)


def _move(file: Fencing, now: float, redfish: ProviderStatus = MUTE, other: ProviderStatus = NOBODY) -> FenceDecision:
    return next_move(seen(standings={"redfish": redfish, "network-fence": other}), file, POLICY, now)


def _file(move: FenceDecision) -> Fencing:
    assert move.file
    return move.file


def test_a_dark_bmc_is_no_proof_and_is_named_while_nobody_is_asked() -> None:
    file = _file(_move(FILE, 1059.0))
    assert (file.reason, file.confirmation) == ("fence-waits", None)
    assert file.sentence.endswith(f"redfish: {MUTE.sentence}")


def test_one_that_does_not_answer_is_given_five_seconds_before_the_next_is_asked() -> None:
    first = _move(_ASKED, NOW)
    assert (first.deed, first.again_at) == (None, NOW + 3)
    second = _move(_file(first), NOW + 3)
    assert (second.deed, second.again_at) == (None, NOW + 5)
    third = _move(_file(second), NOW + 5)
    assert third.deed == AskProvider("network-fence")
    assert [(attempt.provider, attempt.over) for attempt in _file(third).attempts] == [
        ("redfish", ""),
        ("network-fence", ""),
    ]
    assert "Does not answer: redfish." in _file(third).summary


def test_one_whose_order_had_no_answer_is_passed_over_though_its_state_can_be_read() -> None:
    assert _move(_UNHEARD, NOW + 4, ON).deed == AskProvider("redfish")  # the order may never have arrived
    assert _move(_UNHEARD, NOW + 5, ON).deed == AskProvider("network-fence")


def test_an_order_that_is_answered_the_second_time_is_waited_for() -> None:
    file = ordered(_UNHEARD, "redfish", "", NOW + 4)
    assert file.attempts == (Attempt("redfish", NOW),)
    assert _move(file, NOW + 60, ON).deed == AskProvider("redfish")


def test_one_that_is_seen_to_be_at_it_has_heard_its_order() -> None:
    file = _file(_move(_UNHEARD, NOW + 2, ProviderStatus(State.WORKING, "It is about to be off.")))
    assert file.attempts == (Attempt("redfish", NOW),)


def test_a_gap_between_two_answers_asks_nobody_else() -> None:
    gap = _file(_move(_ASKED, NOW + 100))
    back = _file(_move(gap, NOW + 103, ProviderStatus(State.WORKING, "It is about to be off.")))
    again = _move(back, NOW + 106)
    assert (again.deed, _file(again).attempts[0].unanswered_since) == (None, NOW + 106)


_BOTH = replace(_UNHEARD, attempts=(*_UNHEARD.attempts, Attempt("network-fence", NOW + 5)))


@pytest.mark.parametrize("redfish", [MUTE, ON])
def test_while_the_next_one_is_at_work_the_first_is_not_asked_again(redfish: ProviderStatus) -> None:
    move = _move(_BOTH, NOW + 8, redfish, AT_WORK)
    assert (move.deed, _file(move).sentence) == (None, "network-fence: NetworkFence n is under way.")


def test_one_that_did_not_answer_and_is_off_after_all_is_proof() -> None:
    file = _file(_move(_BOTH, NOW + 8, OFF, AT_WORK))
    assert file.proof
    assert file.proof.provider == "redfish"


def test_once_the_next_one_has_failed_the_first_is_asked_again_as_soon_as_it_answers() -> None:
    failed = replace(_BOTH, attempts=(_BOTH.attempts[0], Attempt("network-fence", NOW + 5, "No.", NOW + 9)))
    assert _move(failed, NOW + 10).deed is None
    assert _move(failed, NOW + 10).again_at == NOW + 13
    assert _move(failed, NOW + 13, ON).deed == AskProvider("redfish")


def test_of_several_that_do_not_answer_the_one_that_does_again_is_ordered_again() -> None:
    gone = ProviderStatus(State.MUTE, "The API server is away.")
    both = ordered(_BOTH, "network-fence", "The API server is away.", NOW + 5)
    assert _move(both, NOW + 20, ON, gone).deed == AskProvider("redfish")
    assert _move(both, NOW + 20, MUTE, NOBODY).deed == AskProvider("network-fence")
    assert _move(both, NOW + 20, MUTE, gone).deed is None


def test_each_has_its_own_deadline_and_then_all_are_asked_once_more() -> None:
    hung = ProviderStatus(State.WORKING, "It hangs.")
    file = _file(_move(_BOTH, NOW + 300, MUTE, hung))
    assert (file.reason, file.attempts[0].over) == ("fence-failed", f"not done within 300 s: {MUTE.sentence}")
    file = _file(_move(file, NOW + 305, MUTE, hung))
    assert [bool(attempt.over) for attempt in file.attempts] == [True, True]
    assert _file(_move(file, NOW + 604, MUTE, hung)).sentence.startswith("Nobody could fence it")
    assert _file(_move(file, NOW + 605, MUTE, hung)).attempts == ()


def test_with_one_provider_only_a_dark_one_is_read_until_it_answers_and_is_ordered_once() -> None:
    file, asked = _UNHEARD, list[float]()
    for now in range(int(NOW), int(NOW) + 60, 3):
        move = next_move(seen(standings={"redfish": MUTE if now < NOW + 30 else ON}), file, POLICY, float(now))
        file = ordered(_file(move), "redfish", "", now) if move.deed else _file(move)
        asked += [now - NOW] * (move.deed is not None)
    assert asked[0] == 30


def test_a_refused_order_moves_on_at_once() -> None:
    refused = ProviderStatus(State.FAILED, "It is of another machine.")
    file = _file(_move(_ASKED, NOW + 1, refused))
    assert _move(file, NOW + 1, refused).deed == AskProvider("network-fence")
