"""Is the outage still going on, and is its window over? Told by the recorded Node and single changes of it."""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from reactor.model.identity import NodeRef, Outage
from reactor.model.node import NodeView, goes_on
from tests.unit.decide.recorded import DUE, READY, SINCE, UNKNOWN, node, outage
from workers.decide.decision import Held, Judgement
from workers.decide.node import still_lost, window

_POLICY = Policy()


def _reason(found: NodeView | None) -> str:
    verdict = still_lost(found, outage())
    return verdict.reason if isinstance(verdict, Judgement) else ""


def test_the_recorded_outage_is_named_by_the_nodes_uid_and_its_transition_time() -> None:
    assert outage() == Outage(NodeRef("node-a", "3e686d18-eb7c-4c71-84d2-262043dec20f"), SINCE)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (node(UNKNOWN), ""),
        (node(READY), "node-returned"),
        (None, "node-deleted"),
        (replace(node(), ready="False"), "kubelet-reports-not-ready"),
        (replace(node(), ready="True"), "node-returned"),
        (replace(node(), ready=""), "node-returned"),
        (replace(node(), ready_since=SINCE + 1.0), "newer-outage"),
        (replace(node(), ready_since=SINCE - 1.0), "newer-outage"),
        (replace(node(), uid="another"), "node-replaced"),
        (replace(node(), uid="another", ready="True"), "node-replaced"),
        (replace(node(), uid="another", ready="False"), "node-replaced"),
    ],
)
def test_only_unknown_of_this_very_node_since_this_very_moment_is_this_outage(
    found: NodeView | None, reason: str
) -> None:
    assert _reason(found) == reason


@pytest.mark.parametrize(
    ("found", "on"),
    [
        (node(UNKNOWN), True),
        (None, True),
        (replace(node(), ready="False"), True),
        (replace(node(), ready="False", ready_since=SINCE + 99.0), True),
        (node(READY), False),
        (replace(node(), ready_since=SINCE + 1.0), False),
        (replace(node(), uid="another"), False),
        (replace(node(), uid="another", ready="False"), False),
    ],
)
def test_an_outage_is_over_only_when_its_node_is_ready_again_lost_anew_or_another(
    found: NodeView | None, on: bool
) -> None:
    assert goes_on(found, outage()) is on


@pytest.mark.parametrize("labels", [{}, {"kubevirt.io/schedulable": "true"}])
def test_labels_taints_and_cordons_say_nothing_about_an_outage(labels: dict[str, str]) -> None:
    assert _reason(replace(node(), labels=labels, taints=(), unschedulable=True)) == ""


@pytest.mark.parametrize("now", [0.0, SINCE - 1.0, float(SINCE), SINCE + 1.0, DUE - 1.0, DUE - 0.001])
def test_whoever_calls_before_the_windows_end_is_told_to_come_at_its_end(now: float) -> None:
    verdict = window(outage(), _POLICY, now)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.again_at) == ("unreachable-window", DUE)
    assert "06:13:45Z" in verdict.sentence
    assert "06:18:45Z" in verdict.sentence


@pytest.mark.parametrize("now", [DUE, DUE + 0.001, DUE + 86400.0])
def test_from_its_end_on_the_window_is_over(now: float) -> None:
    assert isinstance(window(outage(), _POLICY, now), Held)


def test_the_window_is_as_long_as_the_installation_wants() -> None:
    policy = replace(_POLICY, unreachable_window=10.0)
    assert isinstance(window(outage(), policy, SINCE + 9.9), Judgement)
    assert isinstance(window(outage(), policy, SINCE + 10.0), Held)


def test_the_window_starts_when_the_node_turned_unknown_not_when_its_newer_taint_was_added() -> None:
    newer = tuple(replace(taint, added=SINCE + 1259.0) for taint in node().taints)
    lost = replace(node(), taints=newer).outage
    assert lost is not None
    assert isinstance(window(lost, _POLICY, DUE), Held)
