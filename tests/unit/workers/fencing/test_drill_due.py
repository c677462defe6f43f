"""Which nodes are drilled when, and which of them cannot be fenced."""

from dataclasses import replace

import pytest

from reactor import timing
from reactor.model.errors import BadInput
from reactor.model.fence_drill import TAINT, FenceDrill, due, not_fenceable
from reactor.model.node import NodeView

NOW = 1_800_000_000.0
A, B, C = (NodeView(name, f"uid-{name}", "True", NOW - 9000) for name in ("node-a", "node-b", "node-c"))


def drill(node: NodeView, age: float = 0.0, *, passed: bool = True, provider: str = "redfish") -> FenceDrill:
    return FenceDrill(node.name, node.uid, provider, NOW - age, passed, "It is so.")


def test_a_node_that_never_was_comes_first_then_the_one_that_has_waited_longest() -> None:
    drills = [drill(A, timing.FENCE_DRILL_EVERY + 1), drill(B, timing.FENCE_DRILL_EVERY + 2)]
    assert due([A, B, C], drills, NOW) == [C, B, A]


def test_it_comes_again_an_hour_later_and_after_a_failure_earlier() -> None:
    passed, failed = drill(A, timing.FENCE_DRILL_AGAIN + 1), drill(B, timing.FENCE_DRILL_AGAIN + 1, passed=False)
    assert due([A, B], [passed, failed], NOW) == [B]
    assert due([A], [passed, drill(A, timing.FENCE_DRILL_AGAIN + 1, passed=False, provider="metal3")], NOW) == [A]


@pytest.mark.parametrize("ready", ["False", "Unknown", ""])
def test_a_node_that_is_not_healthy_is_not_drilled(ready: str) -> None:
    assert due([replace(A, ready=ready)], [], NOW) == []


def test_one_that_was_registered_again_is_another() -> None:
    assert due([replace(A, uid="another")], [drill(A)], NOW) == [replace(A, uid="another")]


def test_where_redis_clock_was_set_back_nobody_waits_for_it_to_come_around() -> None:
    assert due([A], [drill(A, -500_000.0)], NOW) == [A]


def test_a_node_is_fenceable_if_any_of_its_providers_is_and_the_taint_is_none() -> None:
    failed = drill(A, passed=False)
    assert not_fenceable([failed, drill(A, provider="network-fence")]) == {}
    assert not_fenceable([drill(B), failed, drill(A, provider=TAINT)]) == {"node-a": (failed,)}
    assert not_fenceable([drill(B, provider=TAINT, passed=False)]) == {}


def test_after_two_refusals_no_more_until_the_credentials_change() -> None:
    refused = replace(drill(A, passed=False), refused=2, credentials="1")
    assert refused.is_locked_out("1")
    assert not refused.is_locked_out("2")
    assert not replace(refused, refused=1).is_locked_out("1")


@pytest.mark.parametrize("change", [{"at": "now"}, {"passed": 1}, {"sentence": None}, {"refused": True}, {"more": 1}])
def test_what_is_no_drill_is_said(change: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="drill"):
        FenceDrill.of({**drill(A).as_json(), **change})
