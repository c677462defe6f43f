"""Our types need a subject that can be looked up; other types are not ours to judge."""

from dataclasses import replace

import pytest

from reactor.model.event import DRIFT_REQUESTED, NODE_FENCED, NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.web.events.event_types import checked, with_data
from reactor.web.problem import Problem

PROOF = {"uid": "u-1", "bootID": "b-1", "how": "its power was cut"}
OF_NODES = [NODE_UNREACHABLE, NODE_RECOVERED, NODE_FENCED]
NAMES = ["a", "node-a", "ip-10-0-0-1.eu.compute.internal", "0", "x" * 253, "x" * 70 + ".y"]
NO_NAMES = ["", "A", "-a", "a-", ".a", "a.", "a..b", "a.-b", "a_b", "a b", "a\n", "ä", "x" * 254, "a/b"]


def event(kind: str, subject: str) -> Event:
    return Event(kind, "/s", "1", subject, 0.0, PROOF if kind == NODE_FENCED else {})


@pytest.mark.parametrize("kind", OF_NODES)
@pytest.mark.parametrize("name", NAMES)
def test_an_event_of_a_node_names_it(kind: str, name: str) -> None:
    assert checked(event(kind, name)) == event(kind, name)


@pytest.mark.parametrize("kind", OF_NODES)
@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_no_node_can_have_is_refused(kind: str, name: str) -> None:
    with pytest.raises(Problem) as caught:
        checked(event(kind, name))
    assert (caught.value.status, caught.value.attribute) == (422, "subject")


@pytest.mark.parametrize("name", NAMES)
def test_a_drift_is_requested_for_a_vm_by_namespace_and_name(name: str) -> None:
    assert checked(event(DRIFT_REQUESTED, f"{'n' * 63}/{name}"))


@pytest.mark.parametrize("subject", [*(f"shop/{name}" for name in NO_NAMES), "a.b/c", f"{'n' * 64}/c", "/c", "c"])
def test_a_name_that_no_vm_can_have_is_refused(subject: str) -> None:
    with pytest.raises(Problem) as caught:
        checked(event(DRIFT_REQUESTED, subject))
    assert (caught.value.status, caught.value.attribute) == (422, "subject")


@pytest.mark.parametrize("kind", ["io.vmdrift.vm.drift.completed", "IO.VMDRIFT.NODE.UNREACHABLE", "other"])
def test_other_types_are_none_of_ours(kind: str) -> None:
    assert checked(event(kind, "whatever it is")) is None


@pytest.mark.parametrize("name", PROOF)
@pytest.mark.parametrize("value", [None, "", 1, ["a"], "x" * 501])
def test_a_proof_says_of_which_boot_of_which_node_and_how_it_is_known(name: str, value: object) -> None:
    said = replace(event(NODE_FENCED, "node-a"), data={**PROOF, name: value})
    with pytest.raises(Problem) as caught:
        checked(said)
    assert (caught.value.status, caught.value.attribute) == (422, f"data.{name}")
    if name != "how":
        assert "kubectl get node node-a -o jsonpath=" in caught.value.detail


def test_what_an_event_carries_cannot_change_whom_it_is_about() -> None:
    said = with_data(event(NODE_UNREACHABLE, "node-a"), {"subject": "node-b", "window": 0, "pods": ["p"]})
    assert (checked(said) or said).subject == "node-a"


def test_data_of_other_types_is_dropped_unread() -> None:
    assert with_data(event("other", ""), b"\xff") == event("other", "")
