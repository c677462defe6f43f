"""Are the nodes lost, or is it the control plane that does not hear them? On the recorded cluster of eight nodes."""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from tests.unit.workers.decide.recorded import READY, SINCE, node, node_of, record, seen
from workers.decide.decision import Judgement, Passed
from workers.decide.observation import Manager, Observation
from workers.decide.quorum import COOL_DOWN, allowed, quorum, returning, unsteady

_SEEN, _NOW = seen("vm-rbd"), SINCE + 500.0


def _lost(count: int) -> Observation:
    """So many nodes are unreachable, node-a among them."""
    nodes = tuple(
        replace(node, ready="Unknown" if number < count else "True") for number, node in enumerate(_SEEN.nodes)
    )
    return replace(_SEEN, nodes=nodes)


def _silent(count: int) -> Observation:
    """So many other nodes have not renewed their Leases since the outage began; node-a never has."""
    others = [name for name in sorted(_SEEN.renewals) if name != "node-a"]
    return replace(_SEEN, renewals=dict(_SEEN.renewals) | dict.fromkeys(others[:count], float(SINCE)))


def _managed(renewed: float) -> Observation:
    return replace(_SEEN, manager=Manager(renewed, 0.0, 0.0))


def _reason(observation: Observation, policy: Policy | None = None) -> str:
    verdict = unsteady(observation, record(), policy or Policy(), _NOW)
    return verdict.reason if verdict else ""


def test_the_recorded_cluster_is_in_order_and_says_so() -> None:
    verdict = quorum(_SEEN, record(), Policy(), _NOW)
    assert verdict == Passed("1 of 8 nodes are unreachable, and the control plane hears the others.")


@pytest.mark.parametrize(
    ("limit", "nodes", "most"),
    [
        ("40%", 1, 1),
        ("40%", 2, 1),
        ("40%", 3, 1),
        ("40%", 4, 1),
        ("40%", 5, 2),
        ("40%", 8, 3),
        ("40%", 250, 100),
        ("0%", 8, 1),
        ("100%", 8, 8),
        ("0", 8, 1),
        ("1", 8, 1),
        ("3", 8, 3),
        ("9", 8, 9),
    ],
)
def test_a_share_is_rounded_down_and_one_lost_node_is_never_too_many(limit: str, nodes: int, most: int) -> None:
    assert allowed(Policy(max_unreachable=limit), nodes) == most


@pytest.mark.parametrize(
    ("limit", "lost", "reason"),
    [
        ("40%", 3, ""),
        ("40%", 4, "too-many-nodes-lost"),
        ("40%", 8, "too-many-nodes-lost"),
        ("2", 2, ""),
        ("2", 3, "too-many-nodes-lost"),
        ("0%", 1, ""),
        ("0%", 2, "too-many-nodes-lost"),
    ],
)
def test_more_unreachable_nodes_than_are_allowed_look_like_the_control_plane(
    limit: str, lost: int, reason: str
) -> None:
    assert _reason(_lost(lost), Policy(max_unreachable=limit)) == reason


@pytest.mark.parametrize("ready", ["False", "True", ""])
def test_only_unknown_counts_as_unreachable(ready: str) -> None:
    sick = tuple(node if node.name == "node-a" else replace(node, ready=ready) for node in _SEEN.nodes)
    assert _reason(replace(_SEEN, nodes=sick)) == ""


def test_a_node_that_is_lost_since_nobody_knows_when_counts_as_unreachable() -> None:
    undated = tuple(replace(node, ready_since=0.0) for node in _lost(len(_SEEN.nodes)).nodes)
    assert _reason(replace(_SEEN, nodes=undated)) == "too-many-nodes-lost"


def test_the_sentence_names_how_many_and_which() -> None:
    verdict = unsteady(_lost(4), record(), Policy(), _NOW)
    assert verdict
    assert "4 of 8 nodes are unreachable (node-a, node-b, node-c, node-d), more than 40%" in verdict.sentence
    many = unsteady(_lost(7), record(), Policy(), _NOW)
    assert many
    assert "node-e, ...)" in many.sentence


@pytest.mark.parametrize(
    ("renewed", "reason"),
    [(SINCE - 60.0, "control-plane-unsteady"), (float(SINCE), "control-plane-unsteady"), (SINCE + 0.1, "")],
)
def test_the_controller_manager_must_have_renewed_its_lease_since_the_outage_began(renewed: float, reason: str) -> None:
    assert _reason(_managed(renewed)) == reason


def test_a_lease_that_ended_long_before_the_outage_began_was_abandoned_and_the_nodes_are_judged_alone() -> None:
    """Leader election was switched off since: somebody wrote that the node is Unknown, and it was not this Lease's."""
    assert _reason(_managed(SINCE - 3601.0)) == ""
    assert _reason(_managed(SINCE - 3599.0)) == "control-plane-unsteady"
    assert _reason(replace(_silent(7), manager=Manager(SINCE - 90_000.0, 0.0, 0.0))) == "control-plane-unsteady"


def test_a_time_of_another_day_bears_its_date() -> None:
    midnight = SINCE - SINCE % 86_400
    late = replace(record(), drift=replace(record().drift, outage=replace(record().drift.outage, since=midnight + 60)))
    verdict = unsteady(_managed(midnight - 60.0), late, Policy(), _NOW)
    assert verdict
    assert "its Lease since 20" in verdict.sentence
    assert "its Lease since 20" not in (unsteady(_managed(SINCE - 60.0), record(), Policy(), _NOW) or verdict).sentence


def test_a_cluster_that_shows_no_controller_manager_is_judged_by_its_nodes_alone() -> None:
    assert _reason(replace(_SEEN, manager=None)) == ""
    assert _reason(replace(_silent(7), manager=None)) == "control-plane-unsteady"


@pytest.mark.parametrize(
    ("silent", "reason"), [(0, ""), (3, ""), (4, "control-plane-unsteady"), (7, "control-plane-unsteady")]
)
def test_most_other_nodes_must_have_renewed_their_leases_since_the_outage_began(silent: int, reason: str) -> None:
    assert _reason(_silent(silent)) == reason


def test_half_of_the_others_is_not_most_of_them() -> None:
    three = replace(_silent(1), nodes=_SEEN.nodes[:3])
    assert _reason(three) == "control-plane-unsteady"


def test_a_node_without_a_lease_was_not_heard_of() -> None:
    assert _reason(replace(_SEEN, renewals={})) == "control-plane-unsteady"


def test_nodes_that_are_lost_too_are_not_asked_whether_they_were_heard() -> None:
    half = replace(_silent(7), nodes=_lost(5).nodes)
    others = [node.name for node in half.nodes[5:]]
    heard = replace(half, renewals=dict(half.renewals) | dict.fromkeys(others, SINCE + 1.0))
    assert _reason(heard) == "too-many-nodes-lost"
    assert _reason(heard, Policy(max_unreachable="70%")) == ""
    assert _reason(half, Policy(max_unreachable="70%")) == "control-plane-unsteady"


def test_the_lost_node_is_not_one_of_the_others() -> None:
    alone = replace(_SEEN, nodes=_SEEN.nodes[:1], renewals={})
    assert _reason(alone) == ""


@pytest.mark.parametrize("after", [0.0, COOL_DOWN - 0.1])
def test_once_in_order_again_the_cluster_must_stay_so_for_a_minute(after: float) -> None:
    verdict = quorum(_SEEN, record(unsteady_at=_NOW), Policy(), _NOW + after)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.again_at) == ("cool-down", _NOW + COOL_DOWN)


def test_after_the_cool_down_the_drift_goes_on() -> None:
    assert isinstance(quorum(_SEEN, record(unsteady_at=_NOW), Policy(), _NOW + COOL_DOWN), Passed)


@pytest.mark.parametrize(
    ("observation", "reason"), [(_lost(4), "too-many-nodes-lost"), (_managed(0.0), "control-plane-unsteady")]
)
def test_a_cluster_that_is_out_of_order_is_told_before_any_cool_down(observation: Observation, reason: str) -> None:
    verdict = quorum(observation, record(unsteady_at=_NOW), Policy(), _NOW + 1.0)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.again_at) == (reason, None)


def test_by_a_clock_that_is_an_hour_ahead_the_other_nodes_are_judged_by_our_first_sight() -> None:
    ahead = replace(_silent(7), manager=Manager(SINCE + 3600.0, 0.0, None))
    assert unsteady(ahead, record(created_at=SINCE - 3600.0), Policy(), _NOW) is None
    assert unsteady(ahead, record(created_at=SINCE + 1.0), Policy(), _NOW) is not None


_ONE_WRONG = [(1e5, 0.0), (-1e5, 0.0), (0.0, 1e5), (0.0, -1e5), (150.0, 0.0), (0.0, -150.0), (6.0, 0.0), (0.0, -6.0)]


@pytest.mark.parametrize(("redis", "api"), _ONE_WRONG)
@pytest.mark.parametrize("asleep", [0.0, 320.0, 3600.0])
def test_one_wrong_clock_hides_no_control_plane_that_sleeps_and_none_that_is_awake(
    redis: float, api: float, asleep: float
) -> None:
    """How far Redis' clock and the API server's are ahead; `asleep`: for how many seconds no Lease has come through."""
    names = [node.name for node in _SEEN.nodes]
    observation = replace(_SEEN, server_ahead=api - redis, renewals=dict.fromkeys(names, _NOW - asleep - 3.0))
    verdict = unsteady(observation, record(created_at=SINCE + redis), Policy(), _NOW + redis)
    assert (verdict.reason if verdict else "") == ("control-plane-unsteady" if asleep else "")
    assert (
        verdict is None or verdict.sentence == "Of the 7 nodes not lost only 0 have renewed their Leases within 60 s."
    )


def _back(ago: float, count: int = 4, created: float = 0.0) -> Observation:
    """So many nodes became Ready so long ago, and node-a is lost; their Leases and `date` are of this moment."""
    there = [
        replace(node, ready_since=_NOW - ago if 0 < number <= count else 0.0, created=created)
        for number, node in enumerate(_SEEN.nodes)
    ]
    lost = replace(_SEEN.nodes[0], ready="Unknown", ready_since=float(SINCE))
    return replace(_SEEN, nodes=(lost, *there[1:]), renewals=dict.fromkeys(_SEEN.renewals, _NOW), date=_NOW)


@pytest.mark.parametrize(
    ("ago", "count", "reason"), [(10.0, 3, "cool-down"), (10.0, 2, ""), (89.0, 3, "cool-down"), (90.0, 7, "")]
)
def test_nodes_that_came_back_a_moment_ago_count_as_lost(ago: float, count: int, reason: str) -> None:
    verdict = returning(_back(ago, count), record(), Policy(), _NOW)
    assert (verdict.reason if verdict else "") == reason
    if verdict:
        assert verdict.again_at == _NOW + COOL_DOWN - ago
        assert isinstance(quorum(_back(ago, count), record(), Policy(), _NOW), Judgement)


def test_new_ones_do_not_and_where_the_api_server_tells_no_date_none_does() -> None:
    assert returning(_back(10.0, created=_NOW - 299.0), record(), Policy(), _NOW) is None
    assert returning(_back(10.0, created=_NOW - 300.0), record(), Policy(), _NOW)
    assert returning(replace(_back(10.0), date=None), record(), Policy(), _NOW) is None


def test_it_is_their_own_clock_that_counts_and_without_a_lease_the_api_servers() -> None:
    behind = _back(3610.0)
    assert returning(behind, record(), Policy(), _NOW) is None
    there = replace(behind, renewals=dict.fromkeys(_SEEN.renewals, _NOW - 3600.0))
    assert returning(there, record(), Policy(), _NOW)
    assert returning(replace(_back(10.0), renewals={}), record(), Policy(), _NOW)


def _lost_at(*ago: float) -> Observation:
    """node-a's outage, and other nodes that were lost so many seconds before it; ten nodes in all."""
    others = [
        replace(node_of(_SEEN), name=f"old-{n}", uid=f"old-{n}", ready_since=SINCE - s) for n, s in enumerate(ago)
    ]
    alive = [replace(node(READY, "node-b"), name=f"b-{n}", uid=f"b-{n}") for n in range(9 - len(ago))]
    renewals = {each.name: _NOW for each in alive}
    return replace(_SEEN, nodes=(node_of(_SEEN), *others, *alive), renewals=renewals)


@pytest.mark.parametrize(
    ("ago", "reason"),
    [
        ((7200.0,) * 4, ""),
        ((3600.0,) * 4, ""),
        ((3599.0,) * 4, "too-many-nodes-lost"),
        ((10.0, 3000.0, 6000.0, 9000.0), "too-many-nodes-lost"),  # a slow cascade
        ((10.0, 3000.0, 9000.0, 9000.0), ""),
        ((-600.0,) * 4, "too-many-nodes-lost"),  # lost after it
    ],
)
def test_what_was_lost_in_another_trouble_does_not_count(ago: tuple[float, ...], reason: str) -> None:
    verdict = unsteady(_lost_at(*ago), record(), Policy(), _NOW)
    assert (verdict.reason if verdict else "") == reason


def test_who_is_scrapped_does_not_make_the_cluster_larger_either() -> None:
    assert unsteady(_lost_at(7200.0, 7200.0, 7200.0, 7200.0, 10.0, 10.0), record(), Policy(), _NOW) is not None
