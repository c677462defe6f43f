"""Whom the watcher suspects, by the Leases that it has seen and by its own clock."""

import random
from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from reactor.model.lease import duration
from reactor.model.node import OUT_OF_SERVICE, NodeView, Taint
from reactor.watch.leases import Leases, Seen
from reactor.watch.suspicion import MOST_LATE, TOO_MANY, judge

NOW = 1000.0
POLICY = Policy()


def seen(*ages: float, lasts: float = 40.0) -> dict[str, Seen]:
    """Leases of node-0, node-1... that changed so many seconds ago."""
    return {f"node-{number}": Seen(1.0, NOW - age, lasts) for number, age in enumerate(ages)}


def nodes(number: int, **ready: str) -> dict[str, NodeView]:
    names = [f"node-{i}" for i in range(number)]
    return {name: NodeView(name, f"uid-of-{name}", ready.get(name.replace("-", "_"), "True"), 0.0) for name in names}


def suspects(leases: dict[str, Seen], policy: Policy = POLICY, since: float = 0.0, **ready: str) -> tuple[str, ...]:
    return judge(leases, nodes(len(leases), **ready), policy, since, NOW).suspects


@pytest.mark.parametrize(("age", "expected"), [(14.9, ()), (15.0, ("node-0",)), (500.0, ("node-0",))])
def test_a_lease_that_has_not_changed_for_15_s_is_suspect(age: float, expected: tuple[str, ...]) -> None:
    assert suspects(seen(age, 1.0, 3.0, 2.0)) == expected


def test_the_setting_says_how_long() -> None:
    assert suspects(seen(19.0, 1.0, 3.0, 2.0), Policy(suspect_after=20.0)) == ()
    assert suspects(seen(20.0, 1.0, 3.0, 2.0), Policy(suspect_after=20.0)) == ("node-0",)


@pytest.mark.parametrize(("age", "expected"), [(74.0, ()), (75.0, ("node-0",))])
def test_a_lease_that_is_renewed_less_often_is_waited_for_longer(age: float, expected: tuple[str, ...]) -> None:
    leases = seen(age, 1.0, 3.0, 2.0) | {"node-0": Seen(1.0, NOW - age, 200.0)}
    assert suspects(leases) == expected


def test_that_others_were_renewed_before_this_one_should_have_been_says_nothing() -> None:
    assert suspects(seen(15.0, 7.0, 8.0, 10.0)) == ()
    assert suspects(seen(15.0, 5.0, 8.0, 10.0)) == ("node-0",)


def test_most_leases_late_is_nobody_s_silence() -> None:
    verdict = judge(seen(15.0, 12.0, 20.0, 1.0), nodes(4), POLICY, 0.0, NOW)
    assert (verdict.suspects, verdict.reason) == ((), MOST_LATE)
    assert verdict.sentence.startswith("3 of 4 Leases were not renewed in time")


def test_more_than_may_be_unreachable_is_nobody() -> None:
    verdict = judge(seen(15.0, 16.0, 17.0, *[1.0] * 4), nodes(7), POLICY, 0.0, NOW)
    assert (verdict.suspects, verdict.reason) == ((), TOO_MANY)
    assert "(node-0, node-1, node-2): more than 40%" in verdict.sentence
    assert len(suspects(seen(15.0, 16.0, 17.0, *[1.0] * 4), Policy(max_unreachable="3"))) == 3


def test_nodes_that_kubernetes_calls_unknown_count_with_the_suspects_unless_they_are_proven_dead() -> None:
    """Else the last ones of a large loss would be asked when the first ones are Unknown."""
    leases, all_nodes = seen(15.0, 50.0, 50.0, *[1.0] * 4), nodes(7, node_1="Unknown", node_2="Unknown")
    verdict = judge(leases, all_nodes, POLICY, 0.0, NOW)
    assert (verdict.suspects, verdict.reason) == ((), TOO_MANY)
    assert "(node-0) and 2 are Unknown: more than 40%" in verdict.sentence
    proven = replace(all_nodes["node-1"], taints=(Taint(OUT_OF_SERVICE, "nodeshutdown", "NoSchedule"),))
    assert judge(leases, {**all_nodes, "node-1": proven}, POLICY, 0.0, NOW).suspects == ("node-0",)


def test_while_few_of_the_others_have_been_heard_since_it_counts_how_many_of_those_are_late() -> None:
    """Of ten nodes seven are dead or not heard of yet: of those that were due just as long ago, half are late."""
    known, unknown = [2.0, 3.0, 4.0], [9.0] * 4
    assert suspects(seen(15.0, 14.0, 13.0, *known, *unknown)) == ()
    assert suspects(seen(15.0, 11.0, 11.0, *known, *unknown)) == ("node-0",)


def test_silence_counts_only_from_when_somebody_could_be_heard() -> None:
    leases = seen(100.0, 1.0, 3.0, 2.0)
    assert suspects(leases, since=NOW - 14.0) == ()
    assert suspects(leases, since=NOW - 15.0) == ("node-0",)


def test_a_node_that_kubernetes_calls_unknown_is_no_suspect_and_no_witness() -> None:
    assert suspects(seen(50.0, 1.0, 3.0, 2.0), node_0="Unknown") == ()
    leases = seen(15.0, 50.0, 60.0, *[1.0] * 6)
    assert suspects(leases, node_1="Unknown", node_2="Unknown") == ("node-0",)


def test_a_lease_without_a_node_or_a_time_is_no_suspect_and_no_witness() -> None:
    leases = seen(50.0, 1.0, 3.0, 2.0)
    assert judge(leases, {}, POLICY, 0.0, NOW).suspects == ()
    assert suspects(leases | {"node-0": Seen(0.0, NOW - 50.0, 40.0)}) == ()


def test_an_api_server_that_answers_nobody_for_a_while_never_makes_a_suspect() -> None:
    """However long, and whatever the kubelets' phases: what they asked is answered in the end."""
    drawn = random.Random(7)  # noqa: S311 - it must repeat
    for _ in range(40):
        length, phases = drawn.uniform(1.0, 40.0), [drawn.uniform(0.0, 10.0) for _ in range(drawn.randint(2, 20))]
        all_nodes, since, found = nodes(len(phases)), 0.0, set[str]()
        for second in range(20, 90):
            leases = {f"node-{i}": _as_heard(phase, second, 30.0 + length) for i, phase in enumerate(phases)}
            verdict = judge(leases, all_nodes, POLICY, since, float(second))
            since = float(second) if verdict.reason == MOST_LATE else since
            if not 30.0 <= second < 30.0 + length:  # else the read before it counts is not answered either
                found |= {*verdict.suspects, verdict.reason} - {"", MOST_LATE}
        assert found == set(), (length, phases)


def _as_heard(phase: float, now: float, answers_at: float) -> Seen:
    """Renewed every ten seconds; what is asked after the thirtieth is answered then."""
    before = [phase + 10.0 * turn for turn in range(4) if phase + 10.0 * turn < 30.0]
    after = [max(answers_at, before[-1] + 10.0) + 10.0 * turn for turn in range(8)]
    return Seen(1.0, max(turn for turn in before + after if turn <= now), 40.0)


def test_a_gap_begins_all_silence_again_and_a_renewal_ends_it() -> None:
    leases = Leases()
    leases.take("LISTED", [("a", 1.0, 40.0), ("b", 1.0, 40.0)], 10.0)
    leases.take("MODIFIED", [("a", 2.0, 40.0)], 20.0)
    leases.take("MODIFIED", [("b", 1.0, 40.0)], 20.0)  # somebody else wrote to it
    assert [one.changed for one in leases.seen().values()] == [20.0, 10.0]
    leases.missed(30.0)
    assert [one.changed for one in leases.seen().values()] == [30.0, 30.0]
    leases.take("LISTED", [("a", 2.0, 40.0)], 40.0)
    assert leases.seen() == {"a": Seen(2.0, 40.0, 40.0)}


@pytest.mark.parametrize("value", [None, 0, -1, "40", True, [], float("nan")])
def test_a_duration_that_makes_no_sense_is_the_usual_one(value: object) -> None:
    assert duration({"spec": {"leaseDurationSeconds": value}}) == 40.0
    assert duration({"spec": value}) == 40.0


@pytest.mark.parametrize("value", [10**400, 2**63, float("inf")])
def test_a_huge_duration_is_a_day(value: float) -> None:
    assert duration({"spec": {"leaseDurationSeconds": value}}) == 86400.0
