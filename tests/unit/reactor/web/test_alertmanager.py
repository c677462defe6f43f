"""Alertmanager's webhook, version 4, as its documentation shows it: an alert is a hint about one node."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.model.event import NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.model.times import parse_time
from reactor.web.events.alertmanager import SOURCE, alerts
from reactor.web.problem import Problem, Problems
from tests.support.alerts import ALERT, posted
from tests.unit.reactor.web.bad_events import outcome
from tests.unit.reactor.web.requests_of import NOW

PAYLOAD = posted(ALERT)


def read(payload: Any, label: str = "node") -> list[Event]:
    return alerts(payload if isinstance(payload, bytes) else orjson.dumps(payload), label, 65536, NOW)


def one(label: str = "node", **changes: Any) -> Event:
    (event,) = read({**PAYLOAD, "alerts": [{**ALERT, **changes}]}, label)
    return event


def test_a_firing_alert_says_that_its_node_is_unreachable_since_it_started() -> None:
    identity = "c6d0a1b2e3f40516_2026-11-24T02:00:00.123456789+01:00_firing"
    started = parse_time("2026-11-24T01:00:00.123456Z")
    assert read(PAYLOAD) == [Event(NODE_UNREACHABLE, SOURCE, identity, "node-a", started)]


def test_a_resolved_alert_says_that_its_node_is_back_and_is_another_event() -> None:
    assert one(status="resolved").type == NODE_RECOVERED
    assert one(status="resolved").id != one().id


def test_an_alert_told_again_is_the_same_event_whoever_of_a_pair_of_alertmanagers_tells_it() -> None:
    assert read({**PAYLOAD, "externalURL": "http://other:9093", "receiver": "x", "groupKey": "{}"}) == read(PAYLOAD)
    assert one(endsAt="2027-01-01T00:00:00Z", annotations={}, newfield=1) == one()


def test_no_alert_starts_in_the_future() -> None:
    assert one(startsAt="2999-01-01T00:00:00Z").time == NOW


@pytest.mark.parametrize(
    ("instance", "node"), [("node-a:9100", "node-a"), ("node-a", "node-a"), ("node-a.example:65535", "node-a.example")]
)
def test_the_port_is_cut_off_the_label_instance(instance: str, node: str) -> None:
    assert one("instance", labels={"instance": instance}).subject == node


@pytest.mark.parametrize(
    "instance", ["http://node-a:9100", "https://node-a", "node-a:", ":9100", "node-a:123456", "[::1]:9"]
)
def test_an_instance_that_is_no_host_with_a_port_is_no_node(instance: str) -> None:
    with pytest.raises(Problems) as caught:
        one("instance", labels={"instance": instance})
    assert caught.value.several[0].attribute == "subject"


def test_another_label_keeps_its_port_and_is_refused() -> None:
    with pytest.raises(Problems):
        one("host", labels={"host": "node-a:9100"})


@pytest.mark.parametrize(
    ("labels", "attribute", "found"),
    [
        ({}, "labels.node", "no labels"),
        ({"pod": "p", "alertname": "a"}, "labels.node", "only alertname, pod"),
        ({"node": ""}, "labels.node", ""),
        ({"node": 1}, "labels.node", "1"),
        (None, "labels", None),
        ([], "labels", "[]"),
    ],
)
def test_an_alert_without_its_node_names_the_setting_and_what_is_there(labels: Any, attribute: str, found: Any) -> None:
    with pytest.raises(Problems) as caught:
        one(labels=labels)
    (problem,) = caught.value.several
    assert (problem.attribute, problem.found, problem.index) == (attribute, found, 0)
    assert ("VMDRIFT_ALERT_NODE_LABEL" in problem.detail) == (attribute == "labels.node")


@pytest.mark.parametrize(
    ("payload", "attribute"),
    [
        ({**PAYLOAD, "version": "3"}, "version"),
        ({**PAYLOAD, "version": 4}, "version"),
        ({key: value for key, value in PAYLOAD.items() if key != "version"}, "version"),
        ({**PAYLOAD, "alerts": {}}, "alerts"),
        ([PAYLOAD], "version"),
        (b"{", "body"),
        (b'{"version": "4", "version": "4"}', "version"),
    ],
)
def test_another_payload_is_refused(payload: Any, attribute: str) -> None:
    with pytest.raises(Problem) as caught:
        read(payload)
    assert (caught.value.status, caught.value.attribute) == (400, attribute)


def test_a_payload_that_is_too_long_is_not_parsed() -> None:
    with pytest.raises(Problem) as caught:
        read(b"{" * 70000)
    assert caught.value.status == 413


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*ALERT]), _JSON), st.sampled_from(["node", "instance"]))
@settings(deadline=None)
def test_whatever_an_alert_says_it_is_an_event_or_a_problem(change: dict[str, Any], label: str) -> None:
    payload = json.dumps({**PAYLOAD, "alerts": [{**ALERT, **change}]}).encode()
    found = outcome(lambda: read(payload, label))
    if isinstance(found, Problem):
        assert found.status in {400, 422}
        assert orjson.dumps(found.as_json())
    else:
        assert [event.subject for event in found] != [""]
