"""A person intervenes, by the command line, against real processes."""

import pytest

from reactor.model.drift import Phase
from tests.acceptance.story import Stage

HELD = "--for 1h --why the backup runs"
WHY = ("--why", "a new one is there")
NOTHING = "Nothing is held or cancelled.\n"


def test_what_is_held_is_blocked_and_what_is_cancelled_is_given_up_and_neither_is_deleted(story: Stage) -> None:
    held, cancelled = (story.said[f"calm: hold shop/web {HELD}"], story.told("lost", "cancel", "shop/queue", *WHY))
    assert (held.code, held.err) == (0, "")
    assert held.out.startswith("shop/web is held until 2")
    assert cancelled["node"] == "worker-1"
    drifts = story.seen["drifts"]
    assert drifts["shop/web"]["reason"] == "held"
    assert drifts["shop/web"]["sentence"].endswith(": the backup runs.")
    assert drifts["shop/queue"]["reason"] == "cancelled-by-hand"
    assert not any("-web-" in name or "-queue-" in name for name in story.seen["deleted"])


def test_holds_shows_what_is_held_and_what_is_cancelled_and_why(story: Stage) -> None:
    assert story.said["calm: holds"].out == NOTHING
    assert {(one["kind"], one["target"], one["why"]) for one in story.told("judged", "holds")} == {
        ("hold", "vm/shop/web", "the backup runs"),
        ("cancel", "vm/shop/queue", "a new one is there"),
    }
    assert "the backup runs" in story.said["judged: holds"].out
    assert story.said["ended: holds"].out == NOTHING


def test_what_is_resumed_and_what_is_taken_up_again_completes(story: Stage) -> None:
    assert story.said["judged: resume shop/web"].code == 0
    assert story.said["judged: cancel shop/queue --why new"].code == 1
    retried = story.told("judged", "retry", "shop/queue")
    assert (retried["began_anew"], [one["why"] for one in retried["lifted"]]) == (True, ["a new one is there"])
    (past,) = story.told("ended", "history")["outages"]
    completed = {vm: phase for vm, phase in story.site.demo.expected.items() if phase is Phase.COMPLETED}
    assert {drift["vm"]: drift["phase"] for drift in past["drifts"]} == completed  # what is refused goes on


def test_history_has_who_did_what_when_nothing_of_it_is_in_force_any_more(story: Stage) -> None:
    (past,) = story.told("ended", "history")["outages"]
    done = [(deed["what"], deed["target"]) for deed in past["deeds"]]
    assert set(done) >= {
        ("hold", "vm/shop/web"),
        ("resume", "vm/shop/web"),
        ("cancel", "vm/shop/queue"),
        ("retry", "vm/shop/queue"),
    }
    assert not any("wroker" in target for _, target in done), "what was refused is no deed"
    assert {deed["channel"] for deed in past["deeds"]} <= {"cli", "event"}


def test_a_drift_that_is_asked_for_is_answered_with_what_was_found(story: Stage) -> None:
    done = story.said["calm: drift shop/web"]
    assert (done.code, done.err) == (1, "")
    assert "The API server reports node worker-1 as Ready" in done.out
    told = story.told("calm", "drift", "shop/web")
    assert (told["vm"], told["result"]["outcome"], told["result"]["reason"]) == ("shop/web", "nothing", "node-ready")
    assert told["sentence"] in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("resume worker-2", "vmdrift resume: worker-2 is not held; `vmdrift holds` shows what is"),
        ("cancel shop/web --why new", "vmdrift cancel: shop/web has no recovery in any open outage"),
        ("retry shop/web --json", "vmdrift retry: shop/web has no recovery in any open outage"),
    ],
)
def test_what_is_not_so_is_told_in_one_line(story: Stage, words: str, said: str) -> None:
    done = story.said[f"calm: {words}"]
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith(said)


def test_what_was_done_is_told_in_json(story: Stage) -> None:
    held = story.told("calm", "hold", "worker-1", "--for", "30m", "--why", "firmware")
    assert (held["command"], held["kind"], held["target"], held["why"]) == ("hold", "hold", "node/worker-1", "firmware")
    assert held["exists"] is True
    assert held["until"] > held["at"]
    lifted = story.told("calm", "resume", "worker-1")
    assert [one["target"] for one in lifted["lifted"]] == ["node/worker-1"]
    assert lifted["sentence"].startswith("worker-1 is no longer held.")


@pytest.mark.parametrize(("name", "meant"), [("wroker-1", "worker-1"), ("shop/wbe", "shop/web")])
def test_a_slip_of_the_pen_is_refused_with_what_may_be_meant(story: Stage, name: str, meant: str) -> None:
    refused = story.said[f"calm: hold {name}"]
    assert (refused.code, refused.out, f"{name} (did you mean {meant}?)" in refused.err) == (1, "", True)
    assert story.said[f"calm: resume {name}"].code == 1


def test_a_script_that_cancels_without_a_reason_is_never_asked_for_one(story: Stage) -> None:
    refused = story.said["calm: cancel shop/web"]
    assert (refused.code, refused.out, "--why is required" in refused.err) == (2, "", True)
