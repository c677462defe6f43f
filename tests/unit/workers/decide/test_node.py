"""Is the outage still going on? Told by the recorded Node and single changes of it."""

from dataclasses import replace

import pytest

from reactor.model.identity import NodeRef, Outage
from reactor.model.node import NodeView, goes_on
from tests.unit.workers.decide.recorded import READY, SINCE, UNKNOWN, node, outage
from workers.decide.decision import Judgement
from workers.decide.node import still_lost


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
        (replace(node(), ready_since=0.0), "lost-since-unknown"),
        (replace(node(), ready_since=-62135596800.0), "lost-since-unknown"),  # 0001-01-01T00:00:00Z
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
        (replace(node(), ready_since=0.0), True),
        (replace(node(), ready_since=0.0, uid="another"), False),
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


def test_what_was_on_another_day_is_said_with_its_date() -> None:
    same = still_lost(node(UNKNOWN), outage(), SINCE + 60.0)
    later = still_lost(node(UNKNOWN), outage(), SINCE + 90000.0)
    assert "since 20" not in same.sentence
    assert "since 20" in later.sentence
