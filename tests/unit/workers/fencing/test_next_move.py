"""When a node is fenced, what proves that it is dead, and what takes the proof away."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy, Proof, Record
from reactor.model.fencing import Attempt, Fencing, ProviderStatus, State
from tests.unit.workers.fencing.views import FILE, NOBODY, NODE, NOW, OFF, ON, OURS, POLICY, PROOF, PROVEN, drift, seen
from workers.decide.decision import Judgement
from workers.fencing.decide import next_move
from workers.fencing.decide.view import AskProvider, Unfence
from workers.fencing.decide.witnesses import Heard

_ASKED = replace(FILE, attempts=(Attempt("redfish", NOW - 10),))
_BOTH = {"remediation": NOBODY, "redfish": ON}


def test_what_one_provider_verified_is_a_proof_with_the_signs_of_life_as_they_stand() -> None:
    move = next_move(seen(standings={"redfish": OFF}), FILE, POLICY, NOW)
    assert move.file
    assert move.file.confirmation
    assert move.file.confirmation == replace(PROOF, at=NOW)
    assert (move.file.reason, move.deed, move.again_at) == ("fenced", None, NOW)
    assert move.file.sentence == "Proven dead (redfish). It reads Off."


def test_where_another_provider_says_that_it_lives_nothing_is_proven_and_that_one_is_asked_to_fence_it() -> None:
    odds = {"event": ProviderStatus(State.FENCED, "ann said so.", "ann"), "redfish": ON}
    move = next_move(seen(standings=odds), FILE, POLICY, NOW)
    assert move.file
    assert (move.file.confirmation, move.deed) == (None, AskProvider("redfish"))
    failed = replace(FILE, attempts=(Attempt("redfish", NOW - 5, "It refuses.", NOW - 5),))
    told = next_move(seen(standings=odds), failed, POLICY, NOW).file
    assert told
    assert told.reason == "at-odds"
    assert told.sentence.startswith("Nothing is proven. event: ann said so. But redfish: It reads On. ")


BLOCKED = ProviderStatus(State.FENCED, "It has succeeded.", "fence-a", (("rbd", "a"),), ours=True)


@pytest.mark.parametrize("order", [("network-fence", "redfish"), ("redfish", "network-fence")])
def test_a_bmc_that_says_on_does_not_contradict_that_storage_is_blocked(order: tuple[str, str]) -> None:
    said = {"network-fence": BLOCKED, "redfish": ON}
    asked = replace(FILE, attempts=tuple(Attempt(name, NOW - 5) for name in order))
    move = next_move(seen(standings={name: said[name] for name in order}), asked, POLICY, NOW)
    assert move.file
    assert move.file.confirmation
    assert (move.file.confirmation.provider, move.file.confirmation.storage) == ("network-fence", (("rbd", "a"),))


def test_and_it_still_contradicts_whoever_says_that_the_machine_is_off() -> None:
    said = {"event": ProviderStatus(State.FENCED, "ann said so.", "ann"), "network-fence": BLOCKED, "redfish": ON}
    move = next_move(seen(standings=said), FILE, POLICY, NOW)
    assert move.file
    assert move.file.confirmation
    assert move.file.confirmation.storage == (("rbd", "a"),)
    heard = replace(FILE, void="the node gave a sign of life", silent_since=NOW - 1)
    only_storage = next_move(seen(standings={"network-fence": BLOCKED, "redfish": ON}), heard, POLICY, NOW).file
    assert only_storage
    assert (only_storage.confirmation, only_storage.reason == "at-odds") == (None, False)


def test_the_provider_is_asked_once_the_node_was_unreachable_and_silent_for_long_enough() -> None:
    early = next_move(seen(), FILE, POLICY, 1059.0)
    assert early.file
    assert (early.deed, early.file.reason, early.again_at) == (None, "fence-waits", 1060.0)
    move = next_move(seen(), FILE, POLICY, 1060.0)
    assert move.file
    assert (move.deed, move.file.attempts) == (AskProvider("redfish"), (Attempt("redfish", 1060.0),))


_FIRST = replace(FILE, lease="", heartbeat="", silent_since=0.0)


@pytest.mark.parametrize(
    ("watched", "begin"), [(970.0, 1030.0), (945.0, 1015.0), (0.0, 1060.0), (1001.0, 1060.0), (900.0, 1060.0)]
)
def test_the_heartbeat_is_silent_since_a_watcher_saw_it_change_and_the_lease_before_our_own_eyes(
    watched: float, begin: float
) -> None:
    move = next_move(seen(beat_since=watched, lease_lasts=15.0), _FIRST, POLICY, 1000.0)
    assert move.file
    assert (move.deed, move.again_at) == (None, min(begin, 1030.0))
    for now, asked in ((begin - 1, None), (begin, AskProvider("redfish"))):
        assert next_move(seen(lease_lasts=15.0), move.file, POLICY, now).deed == asked


@pytest.mark.parametrize(("lasts", "begin"), [(40.0, 40.0), (15.0, 15.0), (280.0, 280.0), (0.0, 60.0)])
def test_where_witnesses_hear_nothing_its_lease_s_own_time_is_waited_for(lasts: float, begin: float) -> None:
    """One that says no time is waited for as without witnesses; so is one that answers any of them."""
    at, silent = FILE.silent_since + begin, seen(lease_lasts=lasts, heard=Heard(True, "Nobody hears it."))
    for now, asked in ((at - 1, None), (at, AskProvider("redfish"))):
        assert next_move(silent, FILE, POLICY, now).deed == asked
    answers = seen(lease_lasts=lasts, heard=Heard(False, "It answers."))
    assert next_move(answers, FILE, POLICY, FILE.silent_since + max(lasts, 60.0) - 1).deed is None


def test_what_a_watcher_saw_before_a_step_of_the_clock_does_not_count() -> None:
    move = next_move(seen(beat_since=970.0, steady_since=980.0), _FIRST, POLICY, 1000.0)
    assert move.file
    assert move.file.beat_since == 0.0


def test_what_a_watcher_noted_by_a_clock_ahead_does_not_count_when_its_time_comes() -> None:
    first = next_move(seen(), _FIRST, POLICY, 1000.0).file
    assert first
    move = next_move(seen(beat_since=1010.0), first, POLICY, 1020.0)
    assert move.file
    assert move.file.beat_since == 0.0
    assert "fenced at 00:17:40Z" in move.file.sentence


def test_of_a_suspected_node_a_watcher_says_later_since_when_its_heartbeat_is_silent() -> None:
    first = next_move(seen(), _FIRST, POLICY, 1000.0).file
    assert first
    move = next_move(seen(beat_since=970.0), first, POLICY, 1020.0)
    assert move.file
    assert (move.file.beat_since, move.again_at) == (970.0, 1030.0)


def test_after_a_sign_of_life_it_does_not_count_any_more() -> None:
    first = next_move(seen(), _FIRST, POLICY, 1000.0).file
    assert first
    heard = next_move(seen(lease="another"), first, POLICY, 1010.0).file
    assert heard
    move = next_move(seen(lease="another", beat_since=970.0), heard, POLICY, 1020.0)
    assert move.file
    assert move.file.beat_since == 0.0


@pytest.mark.parametrize("change", [{"lease": "another"}, {"steady_since": 1004.0}])
def test_with_a_sign_of_life_what_a_watcher_saw_is_over(change: dict[str, Any]) -> None:
    first = next_move(seen(beat_since=970.0), _FIRST, POLICY, 1000.0).file
    assert first
    move = next_move(seen(**change), first, POLICY, 1005.0)
    assert move.file
    assert "fenced at 00:17:45Z" in move.file.sentence


@pytest.mark.parametrize("change", [{"lease": "another"}, {"node": replace(NODE, heartbeat="another")}])
def test_a_sign_of_life_puts_the_fence_off(change: dict[str, Any]) -> None:
    move = next_move(seen(**change), FILE, POLICY, 1075.0)
    assert move.file
    assert (move.deed, move.file.silent_since) == (None, 1075.0)
    assert "00:18:55Z" in move.file.sentence


@pytest.mark.parametrize("since", [1000.0, 4600.0], ids=["forward", "back"])
def test_a_step_of_the_one_clock_starts_its_silence_again(since: float) -> None:
    move = next_move(seen(steady_since=1070.0), replace(FILE, silent_since=since), POLICY, 1075.0)
    assert move.file
    assert (move.deed, move.file.silent_since) == (None, 1075.0)


@pytest.mark.parametrize(
    ("change", "policy", "part"),
    [
        ({"clock_off": "Its clock is off."}, POLICY, "Its clock is off."),
        ({"holds": ("Held by ann.",)}, POLICY, "Held by ann."),
        ({}, replace(POLICY, mode="observe"), "policy is observe"),
        ({"drifts": (drift("vm", "vm-stopped", Phase.CANCELLED),)}, POLICY, "no VM waits for it"),
        ({"drifts": ()}, POLICY, "no VM waits for it"),
        ({"disorder": Judgement("too-many-nodes-lost", "Too many.")}, POLICY, "Too many."),
    ],
)
def test_nobody_is_asked_to_fence_a_node_that(change: dict[str, Any], policy: Policy, part: str) -> None:
    move = next_move(seen(**change), FILE, policy, NOW)
    assert move.file
    assert (move.deed, move.file.reason, move.file.attempts) == (None, "fence-waits", ())
    assert part in move.file.sentence
    assert move.again_at == NOW + 10.0  # not each second, for as long as that lasts


def test_where_nobody_can_be_asked_one_waits_for_somebody_to_say_so() -> None:
    move = next_move(seen(standings={"event": NOBODY}), FILE, POLICY, NOW)
    assert move.file
    assert (move.deed, move.file.reason, move.file.sentence) == (None, "awaiting-proof", "Nobody has confirmed.")


def test_a_provider_at_work_is_not_asked_twice() -> None:
    working = {"redfish": ProviderStatus(State.WORKING, "It is powering off.")}
    move = next_move(seen(standings=working), _ASKED, POLICY, NOW)
    assert move.file
    assert (move.deed, move.file.attempts) == (None, _ASKED.attempts)
    assert move.file.sentence == "redfish: It is powering off."


def test_a_provider_of_which_nothing_is_to_be_seen_is_asked_again_because_who_asked_may_have_died() -> None:
    assert next_move(seen(), _ASKED, POLICY, NOW).deed == AskProvider("redfish")


@pytest.mark.parametrize(
    ("standing", "now", "over"),
    [
        (ProviderStatus(State.FAILED, "The BMC refuses."), NOW, "The BMC refuses."),
        (ProviderStatus(State.WORKING, "Still on."), NOW + 290, "not done within 300 s: Still on."),
    ],
)
def test_one_that_fails_or_hangs_is_over_and_the_next_is_asked(standing: ProviderStatus, now: float, over: str) -> None:
    view = seen(standings={"redfish": standing, "remediation": NOBODY})
    move = next_move(view, _ASKED, POLICY, now)
    assert move.file
    assert (move.file.attempts, move.deed) == ((Attempt("redfish", NOW - 10, over, now),), None)
    then = next_move(view, move.file, POLICY, now)
    assert then.deed == AskProvider("remediation")


def test_one_that_is_not_named_any_more_is_over() -> None:
    move = next_move(seen(standings={"remediation": NOBODY}), _ASKED, POLICY, NOW)
    assert move.file
    assert move.file.attempts[0].over == "it is not named for this node any more"


def test_when_all_have_failed_it_is_told_and_tried_once_more_after_the_deadline() -> None:
    failed = replace(FILE, attempts=(Attempt("redfish", NOW - 20, "The BMC refuses.", NOW - 10),))
    move = next_move(seen(), failed, POLICY, NOW)
    assert move.file
    assert (move.deed, move.file.reason) == (None, "fence-failed")
    assert move.file.sentence == "Nobody could fence it (redfish: The BMC refuses). They are asked again at 00:23:10Z."
    again = next_move(seen(), failed, POLICY, NOW + 290)
    assert again.file
    assert again.file.attempts == ()


@pytest.mark.parametrize("change", [{"lease": "another"}, {"node": replace(NODE, heartbeat="another")}])
def test_a_sign_of_life_takes_the_proof_away_until_it_was_silent_as_if_there_were_none(change: dict[str, Any]) -> None:
    view = seen(**change, standings={"redfish": OFF})
    move = next_move(view, PROVEN, POLICY, NOW)
    assert move.file
    assert (move.file.proof, move.file.reason, move.file.refuted) == (None, "in-doubt", ())
    soon = next_move(view, move.file, POLICY, NOW + 179)
    assert soon.file
    assert soon.file.proof is None
    late = next_move(view, move.file, POLICY, NOW + 180)
    assert late.file
    assert late.file.proof


def test_a_boot_that_was_off_stays_proven_when_its_machine_is_on_again() -> None:
    move = next_move(seen(standings={"redfish": ON}), PROVEN, POLICY, NOW)
    assert move.file == PROVEN


@pytest.mark.parametrize("standings", [{"network-fence": ProviderStatus(State.ABSENT, "Unfenced by somebody.")}, {}])
def test_a_fence_of_storage_proves_something_only_while_it_stands(standings: dict[str, ProviderStatus]) -> None:
    blocked = replace(FILE, confirmation=replace(PROOF, provider="network-fence", storage=(("rbd", "ceph"),)))
    move = next_move(seen(standings=standings), blocked, POLICY, NOW)
    assert move.file
    assert move.file.proof is None


def test_drifts_are_woken_until_each_was_judged_under_this_very_proof() -> None:
    before, judged = drift("before"), drift("judged", weighed=PROOF.at)
    ended = drift("ended", "vm-stopped", Phase.CANCELLED)
    move = next_move(seen(standings={"redfish": OFF}, drifts=(before, judged, ended)), PROVEN, POLICY, NOW)
    assert move.wake == (before,)
    assert move.again_at == NOW + 1


_HANGS = ProviderStatus(State.WORKING, "NetworkFence n is under way.", ours=True)
_OVER = drift("vm", "running-elsewhere", Phase.COMPLETED)


def test_what_was_asked_for_and_is_not_done_is_taken_back_once_no_vm_waits_for_it() -> None:
    move = next_move(seen(standings={"network-fence": _HANGS}, drifts=(_OVER,)), _ASKED, POLICY, NOW)
    assert move.file
    assert (move.deed, move.file.reason) == (Unfence(("network-fence",)), "unfencing")
    assert "No VM waits for it any more" in move.file.sentence


@pytest.mark.parametrize(
    ("standing", "drifts", "file"),
    [
        (_HANGS, (drift("vm"), _OVER), _ASKED),  # somebody waits
        (_HANGS, (), _ASKED),  # Redis was lost: nobody knows who waits
        (OURS, (_OVER,), PROVEN),  # it is a proof, and VMs may have been released by it
        (OURS, (_OVER,), replace(PROVEN, void="the node was heard again")),
        (_HANGS, (_OVER,), replace(PROVEN, void="the node was heard again")),
        (replace(_HANGS, ours=False), (_OVER,), _ASKED),  # somebody else's
        (_HANGS, (replace(_OVER, proof=Proof.FENCED),), _ASKED),  # it moved by a proof that was lost
    ],
)
def test_nothing_else_of_a_fence_is_taken_back_while_the_node_is_lost(
    standing: ProviderStatus, drifts: tuple[Record, ...], file: Fencing
) -> None:
    move = next_move(seen(standings={"network-fence": standing}, drifts=drifts), file, POLICY, NOW)
    assert not isinstance(move.deed, Unfence)


def test_what_is_being_taken_back_is_taken_back_to_its_end_though_a_vm_waits_again() -> None:
    lifted = ProviderStatus(State.FAILED, "NetworkFence n was set to Unfenced, or deleted.", ours=True)
    view = seen(standings={"network-fence": lifted}, drifts=(drift("vm"), _OVER))
    move = next_move(view, replace(_ASKED, reason="unfencing"), POLICY, NOW)
    assert move.deed == Unfence(("network-fence",))


def test_under_a_hold_nothing_is_taken_back() -> None:
    view = seen(standings={"network-fence": _HANGS}, drifts=(_OVER,), holds=("Held by ann.",))
    assert next_move(view, _ASKED, POLICY, NOW).deed is None
