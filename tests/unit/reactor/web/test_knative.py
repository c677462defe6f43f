"""A Node as Knative's ApiServerSource tells it is a hint about that node, and nothing else is."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.model.event import NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.web.events.knative import ignored, known, translated
from reactor.web.problem import Problem
from tests.unit.reactor.web.bad_events import outcome

RESOURCE, REFERENCE = "dev.knative.apiserver.resource.", "dev.knative.apiserver.ref."


def node(ready: Any) -> dict[str, Any]:
    conditions = [
        {"type": "MemoryPressure", "status": "Unknown"},
        {"type": "Ready", "status": ready, "lastTransitionTime": "2026-11-24T03:00:00Z"},
    ]
    meta = {"name": "node-a", "uid": "uid-a", "labels": {}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": {"conditions": conditions}}


def event(kind: str, data: Any) -> Event:
    return Event(kind, "https://10.96.0.1:443", "e0447eb7", "/apis/v1/nodes/node-a", 1.0, data)


@pytest.mark.parametrize("verb", ["add", "update"])
@pytest.mark.parametrize(("ready", "kind"), [("Unknown", NODE_UNREACHABLE), ("True", NODE_RECOVERED)])
def test_a_node_is_a_hint_with_the_identity_that_it_came_with(verb: str, ready: str, kind: str) -> None:
    said = translated(event(RESOURCE + verb, node(ready)))
    assert said == Event(kind, "https://10.96.0.1:443", "e0447eb7", "node-a", 1.0)


@pytest.mark.parametrize(
    "data", [node("False"), node(""), {"kind": "Node", "metadata": {"name": "a", "uid": "u"}, "status": {}}]
)
def test_a_node_whose_kubelet_is_alive_or_that_is_new_is_ignored(data: Any) -> None:
    told = event(f"{RESOURCE}update", data)
    assert translated(told) is None
    assert "kubelet is alive" in ignored(told)


def test_another_object_is_ignored() -> None:
    told = event(f"{RESOURCE}add", {"kind": "Pod"})
    assert translated(told) is None
    assert ignored(told) == f"{RESOURCE}add carries no Node."


def test_a_deleted_node_proves_nothing() -> None:
    told = event(f"{RESOURCE}delete", node("Unknown"))
    assert translated(told) is None
    assert "deleted while its VMs still run" in ignored(told)


@pytest.mark.parametrize("verb", ["add", "update", "delete"])
def test_of_mode_reference_nothing_can_be_read_and_it_says_which_mode_is_needed(verb: str) -> None:
    told = event(REFERENCE + verb, {})
    assert known(told.type)
    assert translated(told) is None
    assert "mode Resource" in ignored(told)


def test_other_types_go_on_as_they_are() -> None:
    told = event("dev.knative.sources.ping", {"kind": "Node"})
    assert not known(told.type)
    assert translated(told) is told
    assert "not an accepted type" in ignored(told)


BROKEN: list[Any] = [
    node(["Unknown"]),
    node({}),
    node(None),
    {**node("Unknown"), "metadata": None},
    {**node("Unknown"), "metadata": {"name": "node-a"}},
    {**node("Unknown"), "metadata": {"name": 1, "uid": "u"}},
    {**node("Unknown"), "status": None},
    {**node("Unknown"), "status": {"conditions": None}},
    {**node("Unknown"), "status": {"conditions": [{"type": "Ready", "status": "Unknown", "lastTransitionTime": "x"}]}},
    {**node("Unknown"), "spec": []},
    {"kind": "Node", "metadata": {"name": "node-a", "uid": "u"}},
]


@pytest.mark.parametrize("data", BROKEN)
def test_a_node_that_is_none_is_refused(data: Any) -> None:
    with pytest.raises(Problem) as caught:
        translated(event(f"{RESOURCE}update", data))
    assert (caught.value.status, caught.value.attribute) == (422, "data")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status", "kind"]), _JSON), _JSON)
@settings(deadline=None)
def test_whatever_a_node_holds_it_is_a_hint_nothing_or_a_problem(change: dict[str, Any], ready: Any) -> None:
    said = outcome(lambda: translated(event(f"{RESOURCE}update", {**node(ready), **change})))
    if isinstance(said, Problem):
        assert said.status == 422
    else:
        assert said is None or said.type in {NODE_UNREACHABLE, NODE_RECOVERED}
