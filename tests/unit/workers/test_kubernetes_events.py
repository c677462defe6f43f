"""Changes of drifts as Kubernetes Events."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from reactor.model import errors
from reactor.model.change import Change
from reactor.model.drift import Phase
from rehearsal.twins.changes import MemoryChanges
from rehearsal.twins.store import MemoryStore
from tests.contracts.samples import LOST_AT, drift, record
from workers.delivery.kubernetes_events import ChangeReporter, of_node, of_vm

CHANGE = Change(drift("web"), Phase.BLOCKED, "kubelet-alive", "The kubelet lives.", LOST_AT)


class Api:
    """What was announced; `trouble` is raised instead, if there is any."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, Any]] = []
        self.trouble: errors.ClusterError | None = None

    def announce(self, event: Mapping[str, Any]) -> None:
        if self.trouble:
            raise self.trouble
        self.told.append(event)


class Place:
    def __init__(self) -> None:
        self.now, self.api = LOST_AT + 1.0, Api()
        self.store = MemoryStore(self.clock)
        self.teller = ChangeReporter(MemoryChanges(self.store, self.clock), self.api, self.clock)

    def clock(self) -> float:
        return self.now

    def about(self, kind: str) -> list[str]:
        return [event["message"] for event in self.api.told if event["involvedObject"]["kind"] == kind]


@pytest.fixture
def place() -> Place:
    return Place()


def test_the_vms_event_has_what_kubectl_describe_looks_for() -> None:
    event = of_vm(CHANGE)
    assert event["involvedObject"] == {
        "kind": "VirtualMachine",
        "apiVersion": "kubevirt.io/v1",
        "namespace": "shop",
        "name": "web",
        "uid": "uid-of-web",
    }
    assert event["metadata"]["namespace"] == "shop"
    told = (event["type"], event["reason"], event["message"])
    assert told == ("Warning", "DriftBlocked", "The kubelet lives. (kubelet-alive)")


def test_the_nodes_event_names_the_vm_and_lies_in_default() -> None:
    event = of_node(CHANGE, combined=False)
    assert (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == ("Node", "node-a")
    assert event["metadata"]["namespace"] == "default"
    assert event["message"] == "shop/web: The kubelet lives. (kubelet-alive)"


@pytest.mark.parametrize("phase", list(Phase))
def test_what_needs_a_person_is_a_warning(phase: Phase) -> None:
    warns = of_vm(replace(CHANGE, phase=phase))["type"] == "Warning"
    assert warns is (phase in {Phase.BLOCKED, Phase.REFUSED, Phase.FAILED})


def test_the_same_thing_said_again_has_the_same_name_and_another_has_another() -> None:
    def name(change: Change) -> str:
        return str(of_vm(change)["metadata"]["name"])

    assert name(CHANGE) == name(replace(CHANGE, at=CHANGE.at + 5))
    assert name(CHANGE) != name(replace(CHANGE, sentence="It is back."))
    assert len(of_vm(replace(CHANGE, drift=drift("v" * 253)))["metadata"]["name"]) <= 253
    assert len(of_vm(replace(CHANGE, sentence="x" * 2000))["message"]) == 1024


def test_each_change_is_told_once_of_the_vm_and_once_of_its_node(place: Place) -> None:
    place.store.create(record("web"), [])
    assert (place.teller.tell(), place.teller.tell()) == (1, 0)
    assert place.about("VirtualMachine") == ["It waits. (unreachable-window)"]
    assert place.about("Node") == ["shop/web: It waits. (unreachable-window)"]


def test_more_than_ten_alike_are_one_event_of_the_node(place: Place) -> None:
    for number in range(30):
        place.store.create(record(f"vm-{number:02}"), [])
    place.teller.tell()
    names = {e["metadata"]["name"] for e in place.api.told if e["involvedObject"]["kind"] == "Node"}
    assert len(names) == 11
    assert len(place.about("VirtualMachine")) == 30
    assert place.about("Node")[-1] == "(combined from similar events): shop/vm-29: It waits. (unreachable-window)"


def test_while_many_drifts_wait_for_a_worker_a_change_waits_for_a_minute(place: Place) -> None:
    place.store.create(record("web"), [])
    place.teller.crowded = lambda: True
    assert place.teller.tell() == 0
    place.now += 60
    assert place.teller.tell() == 1


def test_once_few_drifts_wait_changes_are_reported(place: Place) -> None:
    place.store.create(record("web"), [])
    answers = iter((True, False))
    place.teller.crowded = lambda: next(answers)
    assert (place.teller.tell(), place.teller.tell()) == (0, 1)


def test_while_the_api_server_is_away_nothing_is_lost(place: Place) -> None:
    place.store.create(record("web"), [])
    place.api.trouble = errors.ClusterUnreachable("away")
    assert place.teller.tell() == 0
    place.api.trouble = None
    assert place.teller.tell() == 1


def test_without_the_right_it_says_so_once_and_goes_on(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("web", "db"):
        place.store.create(record(name), [])
    place.api.trouble = errors.Forbidden("events is forbidden")
    assert place.teller.tell() == 2
    said = capsys.readouterr()
    assert (said.out + said.err).count("Kubernetes Event cannot be written") == 1


def test_what_is_older_than_an_hour_is_not_told_any_more(place: Place) -> None:
    place.store.create(record("web"), [])
    place.now += 3600
    assert (place.teller.tell(), place.api.told) == (1, [])


def test_a_crash_before_it_is_noted_tells_it_twice_and_loses_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.store.create(record("web"), [])

    def crash(_: str) -> None:
        raise errors.StoreUnreachable("killed here")

    with monkeypatch.context() as patched:
        patched.setattr(place.teller.changes, "told", crash)
        with pytest.raises(errors.StoreUnreachable):
            place.teller.tell()
    place.teller.tell()
    assert place.about("VirtualMachine") == ["It waits. (unreachable-window)"] * 2


def test_a_round_ends_when_the_api_server_is_slow(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        place.store.create(record(name), [])

    def slow(event: Mapping[str, Any]) -> None:
        place.now += 1.5
        place.api.told.append(event)

    monkeypatch.setattr(place.api, "announce", slow)
    assert place.teller.tell() == 1
