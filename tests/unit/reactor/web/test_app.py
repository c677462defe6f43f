"""The receiver as its clients see it, on a still clock."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from reactor.adapters.redis.process_reports import Reports
from reactor.adapters.redis.queue_metrics import QueueFigures
from reactor.model.drift import Phase
from reactor.model.event import NODE_FENCED, Event
from reactor.model.receipt import Result
from reactor.web.events.parse import cloudevents
from tests.contracts.samples import LOST_AT, outage_record, record
from tests.support.alerts import ALERT, posted
from tests.unit.reactor.web.requests_of import BATCH, EVENT, NOW, STRUCTURED, Receiver, changed


def _told(answer: TestResponse) -> Any:
    return orjson.loads(answer.get_data())


def _results(answer: TestResponse) -> list[str]:
    return [event["result"] for event in _told(answer)["events"]]


@pytest.mark.parametrize("path", ["/", "/events"])
def test_a_good_event_is_accepted_with_the_place_where_its_fate_is_told(path: str) -> None:
    receiver = Receiver()
    answer = receiver.post(EVENT, path=path)
    assert answer.status_code == 202
    (event,) = _told(answer)["events"]
    assert (event["result"], event["id"], event["source"]) == ("accepted", "1", "/monitoring")
    status = _told(receiver.client.get(event["status"]))
    assert (status["state"], status["type"], status["subject"]) == ("queued", EVENT["type"], "node-a")


def test_what_a_worker_found_is_told_with_outage_and_drifts() -> None:
    receiver = Receiver()
    (event,) = _told(receiver.post(EVENT))["events"]
    receiver.inbox.settle(event["receipt"], Result("taken", "outage", "Node node-a is lost.", "o_1", ("d_1",)))
    status = _told(receiver.client.get(event["status"]))
    assert status["state"] == "done"
    assert status["result"]["outage"] == "o_1"
    assert status["result"]["drifts"] == ["d_1"]


def test_the_same_event_again_is_a_duplicate_and_makes_no_job() -> None:
    receiver = Receiver()
    assert _results(receiver.post(EVENT)) == ["accepted"]
    assert _results(receiver.post(changed(subject="node-b"))) == ["duplicate"]
    assert _results(receiver.post(changed(source="/another"))) == ["accepted"]
    assert receiver.inbox.backlog() == 2


def test_a_batch_is_one_job_and_an_event_twice_in_it_is_taken_once() -> None:
    receiver = Receiver()
    answer = receiver.post([EVENT, changed(id="2"), EVENT], BATCH)
    assert answer.status_code == 202
    assert _results(answer) == ["accepted", "accepted"]
    assert len(receiver.queue.jobs) == 1


def test_an_empty_batch_is_accepted() -> None:
    answer = Receiver().post([], BATCH)
    assert (answer.status_code, _told(answer)["events"]) == (202, [])


def test_types_of_others_are_ignored_and_counted() -> None:
    receiver = Receiver()
    answer = receiver.post(changed(type="com.example.else", subject="Anything At All", data=[1]))
    assert (answer.status_code, _told(answer)["events"]) == (202, [])
    assert _told(answer)["ignored"] == ["com.example.else is not an accepted type of event."]
    assert receiver.inbox.counts() == {("other", "ignored"): 1}
    assert receiver.inbox.backlog() == 0


def test_of_a_full_backlog_the_sender_is_told_when_to_come_again() -> None:
    receiver = Receiver(max_backlog=1)
    assert receiver.post(EVENT).status_code == 202
    answer = receiver.post(changed(id="2"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
    assert receiver.client.get("/readyz").status_code == 503


def test_a_sender_has_a_rate() -> None:
    receiver = Receiver(sender_rate=2)
    assert [receiver.post(changed(id=str(n))).status_code for n in range(3)] == [202, 202, 429]
    assert int(receiver.post(changed(id="9")).headers["Retry-After"]) <= 60


def test_what_cannot_be_read_counts_too() -> None:
    receiver = Receiver(sender_rate=2)
    assert [receiver.post(b"{").status_code for _ in range(3)] == [400, 400, 429]


def test_what_a_sender_has_kept_has_its_limit() -> None:
    receiver = Receiver(sender_bytes=2000)
    codes = [receiver.post(changed(id=f"{n}{'x' * 250}")).status_code for n in range(3)]
    assert codes == [202, 202, 429]
    refused = receiver.post(changed(id="9" * 250))
    assert "VMDRIFT_SENDER_BYTES" in _told(refused)["detail"]
    assert 0 < int(refused.headers["Retry-After"]) <= 3600


def test_while_only_drifts_have_room_in_redis_events_are_to_come_later_and_the_rest_goes_on() -> None:
    receiver = Receiver()
    receiver.inbox.full = True
    answer = receiver.post(EVENT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert receiver.inbox.backlog() == 0
    assert receiver.client.get("/readyz").status_code == 200


def test_an_id_and_a_source_of_256_bytes_are_kept_as_they_came() -> None:
    receiver = Receiver()
    (event,) = _told(receiver.post(changed(id="ü" * 128, source="/" + "s" * 255)))["events"]
    assert (event["id"], event["source"]) == ("ü" * 128, "/" + "s" * 255)
    assert event["receipt"].isalnum()
    assert len(event["receipt"]) == 32


def test_of_what_an_event_carries_only_what_counts_is_kept() -> None:
    proof = {"uid": "u", "bootID": "b", "how": "seen"}
    batch = [changed(data={"a": "b"}), changed(id="2", type=NODE_FENCED, data={**proof, "more": 1})]
    read = cloudevents({"content-type": BATCH}, orjson.dumps(batch), NOW)
    assert [event.data for event in read.events] == [{}, proof]


def _sdk() -> CloudEvent:
    attributes = {"type": EVENT["type"], "source": "/sdk", "id": "é 1%", "subject": "node-a", "x": "ü"}
    return CloudEvent({**attributes, "datacontenttype": "application/json"}, {"any": "thing"})


@pytest.mark.parametrize("write", [to_structured_event, to_binary_event])
def test_what_the_cloudevents_library_sends_is_read_as_it_was_meant(write: Any) -> None:
    receiver = Receiver()
    message = write(_sdk())
    headers = {name: value for name, value in message.headers.items() if name.lower() != "content-type"}
    kind = next(value for name, value in message.headers.items() if name.lower() == "content-type")
    answer = receiver.post(message.body, kind, **headers)
    assert answer.status_code == 202, answer.get_data()
    (event,) = _told(answer)["events"]
    assert (event["id"], event["source"]) == ("é 1%", "/sdk")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 405), ("PUT", "/events", 405), ("DELETE", "/alertmanager", 405), ("GET", "/x", 404)],
)
def test_whatever_else_is_tried_is_explained(method: str, path: str, status: int) -> None:
    answer = Receiver().client.open(path, method=method)
    assert answer.status_code == status
    assert _told(answer)["detail"].endswith(".")
    assert (answer.headers.get("Allow") == "OPTIONS, POST") is (status == 405)


def test_an_origin_that_is_named_may_deliver_and_is_told_its_rate() -> None:
    receiver = Receiver(webhook_origins=("*.example.com",), sender_rate=120)
    answer = receiver.client.options("/events", headers={"WebHook-Request-Origin": "events.example.com"})
    assert answer.headers["WebHook-Allowed-Origin"] == "events.example.com"
    assert answer.headers["WebHook-Allowed-Rate"] == "120"
    assert "POST" in answer.headers["Allow"]


def test_another_origin_may_not() -> None:
    answer = Receiver().client.options("/events", headers={"WebHook-Request-Origin": "evil.example"})
    assert answer.status_code == 403
    assert "WebHook-Allowed-Origin" not in answer.headers


def test_what_says_that_it_is_too_long_is_not_read() -> None:
    environ = {"CONTENT_LENGTH": "1000000000", "CONTENT_TYPE": STRUCTURED}
    answer = Receiver().client.post("/", data=orjson.dumps(dict(EVENT)), environ_overrides=environ)
    assert (answer.status_code, _told(answer)["status"]) == (413, 413)


def test_who_names_no_origin_is_allowed_nothing_but_told_the_methods() -> None:
    answer = Receiver(webhook_origins=("*.example.com",)).client.options("/")
    assert (answer.status_code, answer.headers["Allow"]) == (204, "POST, OPTIONS")
    assert not [name for name, _ in answer.headers if name.lower().startswith("webhook")]


@pytest.mark.parametrize("path", ["/", "//", "/events", "/events/", "//events", "/alertmanager/", "/events/x/"])
def test_nobody_is_sent_elsewhere(path: str) -> None:
    answer = Receiver().post(EVENT, path=path)
    assert not 300 <= answer.status_code < 400
    assert "Location" not in answer.headers


def test_alertmanagers_alerts_are_hints_told_once_for_as_long_as_they_last() -> None:
    receiver = Receiver()
    first = receiver.post(posted(ALERT), "application/json", "/alertmanager")
    again = receiver.post(posted(ALERT), "application/json", "/alertmanager")
    over = receiver.post(posted({**ALERT, "status": "resolved"}), "application/json", "/alertmanager")
    assert [_results(answer) for answer in (first, again, over)] == [["accepted"], ["duplicate"], ["accepted"]]
    kinds = [receiver.inbox.receipt(_told(answer)["events"][0]["receipt"]).type for answer in (first, over)]  # type: ignore[union-attr]
    assert kinds == ["io.vmdrift.node.unreachable", "io.vmdrift.node.recovered"]


@pytest.mark.parametrize(
    ("alert", "status", "attribute"),
    [
        ({**ALERT, "labels": {}}, 422, "labels.node"),
        ({**ALERT, "labels": {"node": "Not A Node"}}, 422, "subject"),
        ({**ALERT, "status": "perhaps"}, 400, "status"),
        ({**ALERT, "startsAt": "now"}, 400, "time"),
        ({**ALERT, "fingerprint": ""}, 400, "fingerprint"),
        ("alert", 400, "alert"),
    ],
)
def test_a_bad_alert_spoils_its_group(alert: Any, status: int, attribute: str) -> None:
    receiver = Receiver()
    answer = receiver.post(posted(ALERT, alert), "application/json", "/alertmanager")
    (problem,) = _told(answer)["problems"]
    assert (answer.status_code, problem["attribute"], problem["index"]) == (status, attribute, 1)
    assert receiver.inbox.backlog() == 0


def _node(ready: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-11-24T03:00:00Z"}]
    return {"kind": "Node", "metadata": {"name": "node-a", "uid": "u"}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("verb", "data", "kind"),
    [
        ("update", _node("Unknown"), "io.vmdrift.node.unreachable"),
        ("add", _node("Unknown"), "io.vmdrift.node.unreachable"),
        ("update", _node("True"), "io.vmdrift.node.recovered"),
        ("update", _node("False"), ""),
        ("delete", _node("Unknown"), ""),
        ("update", {"kind": "Pod", "metadata": {"name": "p"}}, ""),
    ],
)
def test_a_node_that_knative_saw_is_a_hint_about_that_node(verb: str, data: Any, kind: str) -> None:
    receiver = Receiver()
    answer = receiver.post(
        changed(type=f"dev.knative.apiserver.resource.{verb}", subject="/api/v1/nodes/node-a", data=data)
    )
    events = _told(answer)["events"]
    found = [receiver.inbox.receipt(event["receipt"]) for event in events]
    assert [(receipt.type, receipt.subject) for receipt in found if receipt] == ([(kind, "node-a")] if kind else [])


def test_a_reference_to_a_node_says_which_mode_is_needed() -> None:
    data = {"kind": "Node", "metadata": {"name": "node-a"}}
    answer = Receiver().post(changed(type="dev.knative.apiserver.resource.update", data=data))
    assert answer.status_code == 422
    assert "mode Resource" in _told(answer)["detail"]


def test_metrics_tell_what_came_in() -> None:
    receiver = Receiver()
    receiver.post(EVENT)
    receiver.post(b"", STRUCTURED)
    text = receiver.client.get("/metrics").get_data(as_text=True)
    assert 'vmdrift_events_total{result="accepted",type="io.vmdrift.node.unreachable"} 1.0' in text
    assert 'vmdrift_events_total{result="refused",type="other"} 1.0' in text
    assert "vmdrift_events_backlog 1.0" in text


def test_metrics_tell_what_goes_on() -> None:
    receiver = Receiver()
    receiver.store.save_outage(outage_record(), done=False)
    receiver.store.save_outage(replace(outage_record("node-b"), recovered_at=NOW), done=False)
    receiver.store.create(replace(record(phase=Phase.BLOCKED), reason="held", changed_at=NOW - 90), [])
    receiver.store.create(record("web"), [])
    receiver.queues = [
        QueueFigures("drifts", 3, 5, 1, 2.5, scheduler=True, oldest=7.5, workers=2),
        QueueFigures("events", 0, 0, 0, 0.0, False),
    ]
    text = receiver.client.get("/metrics").get_data(as_text=True)
    for line in (
        "vmdrift_outages_open 1.0",
        'vmdrift_drifts{phase="blocked",reason="held"} 1.0',
        'vmdrift_drifts{phase="waiting",reason="unreachable-window"} 1.0',
        'vmdrift_drift_blocked_longest_seconds{node="node-a",reason="held"} 90.0',
        'vmdrift_queue_waiting{queue="drifts"} 3.0',
        'vmdrift_queue_scheduled{queue="drifts"} 5.0',
        'vmdrift_queue_failed{queue="drifts"} 1.0',
        'vmdrift_queue_late_seconds{queue="drifts"} 2.5',
        'vmdrift_queue_oldest_seconds{queue="drifts"} 7.5',
        'vmdrift_queue_workers{queue="drifts"} 2.0',
        'vmdrift_queue_scheduler_alive{queue="drifts"} 1.0',
        'vmdrift_queue_scheduler_alive{queue="events"} 0.0',
        "vmdrift_events_dead 0.0",
    ):
        assert f"{line}\n" in text
    assert "vmdrift_build_info{version=" in text


def test_metrics_tell_how_long_drifts_took_and_how_they_ended() -> None:
    receiver = Receiver()
    begun = replace(record(phase=Phase.COMPLETED), created_at=LOST_AT + 40.0, released_at=LOST_AT + 301.0)
    receiver.store.create(replace(begun, detached_at=LOST_AT + 302.0, ended_at=LOST_AT + 400.0), [])
    text = receiver.client.get("/metrics").get_data(as_text=True)
    for line in (
        'vmdrift_drifts_ended_total{phase="completed"} 1.0',
        'vmdrift_drifts_ended_total{phase="failed"} 0.0',
        'vmdrift_stage_duration_seconds_bucket{le="240.0",stage="waiting"} 0.0',
        'vmdrift_stage_duration_seconds_bucket{le="300.0",stage="waiting"} 1.0',
        'vmdrift_stage_duration_seconds_count{stage="waiting"} 1.0',
        'vmdrift_stage_duration_seconds_sum{stage="waiting"} 261.0',
        'vmdrift_recovery_duration_seconds_bucket{le="360.0"} 0.0',
        'vmdrift_recovery_duration_seconds_bucket{le="+Inf"} 1.0',
        "vmdrift_recovery_duration_seconds_sum 400.0",
    ):
        assert f"{line}\n" in text


def test_metrics_tell_what_processes_report_of_themselves() -> None:
    receiver = Receiver()
    heard = "vmdrift_watcher_last_seen_timestamp_seconds"
    assert heard not in {name for name, _ in _samples(receiver)}  # not 0, which would be 1970
    receiver.reports = Reports({("drifts", "delete", "200"): 3, ("watcher", "watch", "none"): 1}, NOW)
    samples = _samples(receiver)
    sent = {key[1]: value for key, value in samples.items() if key[0] == "vmdrift_api_requests_total"}
    assert sent == {
        (("code", "200"), ("role", "drifts"), ("verb", "delete")): 3,
        (("code", "none"), ("role", "watcher"), ("verb", "watch")): 1,
    }
    assert samples[heard, ()] == NOW


def _samples(receiver: Receiver) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """By name and labels."""
    text = receiver.client.get("/metrics").get_data(as_text=True)
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def test_a_receipt_reads_back_as_it_was() -> None:
    receiver = Receiver()
    accepted = receiver.inbox.accept([Event("t", "/s", "i", "n", 1.0)], "me")[0].receipt
    assert type(accepted).of(orjson.loads(orjson.dumps(accepted.as_json()))) == accepted
