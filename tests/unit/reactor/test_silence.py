"""Is a node in this outage? By what it said when it fell silent, before and after Kubernetes notices."""

from dataclasses import replace

import pytest

from reactor.model.identity import NodeRef, Outage
from reactor.model.node import NodeView, goes_on

NOTICED = 1000.0  # when Ready turned Unknown
RENEWED, LATER = "2026-11-28T10:00:00.123456Z", "2026-11-28T10:00:10.123456Z"
READY = NodeView("node-a", "uid-a", "True", 500.0, boot="boot-1", reported="2026-11-28T09:58:00Z").with_lease(RENEWED)
UNKNOWN = replace(READY, ready="Unknown", ready_since=NOTICED)
SUSPECTED = 970.0  # when its silence was first seen


def _early() -> Outage:
    outage = READY.early_outage(SUSPECTED)
    assert outage
    return outage


def _noticed() -> Outage:
    return UNKNOWN.noticed(_early())


def _unknown() -> Outage:
    assert UNKNOWN.outage
    return UNKNOWN.outage


def test_before_and_after_kubernetes_notices_it_is_the_same_outage() -> None:
    assert _early() == _unknown()
    assert (_early().since, _unknown().since, _noticed().noticed) == (SUSPECTED, NOTICED, NOTICED)


@pytest.mark.parametrize(
    ("node", "early", "noticed", "unknown"),
    [
        (READY, True, True, True),
        (UNKNOWN, True, True, True),
        # the kubelet's Lease
        (READY.with_lease(LATER), False, False, False),
        (READY.with_lease(""), False, False, False),
        (UNKNOWN.with_lease(LATER), False, True, True),
        (UNKNOWN.with_lease(""), False, True, True),
        # its report, by the same boot or another one
        (replace(READY, reported="2026-11-28T10:03:00Z"), False, False, False),
        (replace(READY, ready_since=1100.0, reported="2026-11-28T10:03:00Z"), False, False, False),
        (replace(READY, boot="boot-2"), False, False, False),
        (replace(READY, boot=""), False, False, False),
        (replace(UNKNOWN, ready_since=1200.0, reported="2026-11-28T10:03:00Z"), False, False, False),
        (replace(UNKNOWN, ready_since=1200.0, boot="boot-2"), False, False, False),
        # somebody else has written to the condition while the node was silent
        (replace(UNKNOWN, ready_since=1200.0), True, True, True),
        (replace(READY, ready_since=1100.0), False, False, False),
        (replace(READY, ready_since=0.0), False, False, False),
        (replace(UNKNOWN, ready_since=0.0), False, False, False),
        (replace(READY, ready="False"), False, False, False),
        (replace(READY, ready=""), False, False, False),
        # another node
        (replace(READY, uid="uid-b"), False, False, False),
        (replace(UNKNOWN, uid="uid-b"), False, False, False),
        (replace(UNKNOWN, name="node-b"), False, False, False),
    ],
)
def test_a_node_is_in_an_outage_while_it_says_what_it_said_when_that_began(
    node: NodeView, *, early: bool, noticed: bool, unknown: bool
) -> None:
    assert [node.is_in(outage) for outage in (_early(), _noticed(), _unknown())] == [early, noticed, unknown]


@pytest.mark.parametrize("node", [replace(READY, ready="False"), replace(UNKNOWN, ready_since=0.0), None])
def test_who_says_nothing_of_its_end_ends_no_outage(node: NodeView | None) -> None:
    assert goes_on(node, _early())


@pytest.mark.parametrize("node", [READY.with_lease(LATER), replace(READY, boot="boot-2"), replace(READY, uid="uid-b")])
def test_a_sign_of_life_ends_an_outage_that_kubernetes_has_not_noticed(node: NodeView) -> None:
    assert not goes_on(node, _early())


def test_an_outage_of_an_earlier_version_is_the_one_of_that_moment_whatever_the_lease() -> None:
    old = Outage(NodeRef("node-a", "uid-a"), int(NOTICED))
    assert UNKNOWN.is_in(old)
    assert UNKNOWN.with_lease(LATER).is_in(old)
    assert not READY.is_in(old)
    assert not replace(UNKNOWN, ready_since=1200.0).is_in(old)


def test_the_lease_need_be_read_only_where_the_node_does_not_show_it() -> None:
    assert READY.with_lease("").may_be_in(_early())
    assert not replace(READY, boot="boot-2").may_be_in(_early())
    assert not READY.may_be_in(Outage(NodeRef("node-a", "uid-a"), int(NOTICED)))


@pytest.mark.parametrize(
    "node",
    [
        replace(READY, boot=""),
        replace(READY, reported=""),
        UNKNOWN,
        replace(READY, ready="False"),
        replace(READY, ready_since=SUSPECTED),
        replace(READY, ready_since=0.0),
    ],
)
def test_no_outage_begins_early_of_a_node_that_says_too_little_or_was_noticed(node: NodeView) -> None:
    assert node.early_outage(SUSPECTED) is None


@pytest.mark.parametrize(
    "renewed",
    ["", "never", "2026-11-28T10:00:00", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9" * 5000, "\x00", "1e999"],
)
def test_a_lease_that_says_no_time_is_as_none(renewed: str) -> None:
    node = READY.with_lease(renewed)
    assert not node.renewed
    assert node.early_outage(SUSPECTED) is None
    lost = UNKNOWN.with_lease(renewed).outage
    assert lost
    assert lost.id == "uid-a_1000"


@pytest.mark.parametrize("hostile", ["\ud800", "\n", "x" * 100_000, "🙂"])
def test_whatever_a_kubelet_writes_of_itself_makes_a_valid_identity(hostile: str) -> None:
    lost = replace(UNKNOWN, boot=hostile, reported=hostile).outage
    assert lost
    assert Outage.of(lost.as_json()) == lost
    assert lost.id != _unknown().id
