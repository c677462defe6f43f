"""CloudEvents 1.0, structured JSON: the form in which an event travels in a queue or over HTTP."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from reactor.model.errors import BadInput
from reactor.model.event import Event
from reactor.model.identity import take

_REQUIRED = ("type", "source", "id", "subject")


def encode(event: Event) -> dict[str, Any]:
    """The event as the JSON object of the structured mode."""
    attributes: dict[str, Any] = {
        "type": event.type,
        "source": event.source,
        "id": event.id,
        "subject": event.subject,
        "time": datetime.fromtimestamp(event.time, UTC),
        "datacontenttype": "application/json",
    }
    if event.schema:
        attributes["dataschema"] = event.schema
    body: dict[str, Any] = orjson.loads(JSONFormat().write(CloudEvent(attributes, dict(event.data))))
    return body


def decode(body: Mapping[str, Any]) -> Event:
    """From the JSON object of the structured mode; BadInput. The library fills in what is missing: we check first."""
    for name in _REQUIRED:
        if not take(body, name, str, "event"):
            raise BadInput(f"event.{name}: must not be empty")
    if body.get("specversion") != "1.0":
        raise BadInput(f"event.specversion: expected '1.0', found {str(body.get('specversion'))[:20]!r}")
    take(body, "time", str, "event")
    data = take(body, "data", dict, "event")
    try:
        event = JSONFormat().read(None, orjson.dumps(dict(body)))
    except Exception as error:  # the library raises nearly anything on malformed input (ValueError, AttributeError...)
        raise BadInput(f"event: {str(error)[:200]}") from error
    moment = event.get_time()
    if moment is None or moment.tzinfo is None:
        raise BadInput(f"event.time: expected an RFC 3339 time with a time zone, found {body['time'][:60]!r}")
    kind, source, event_id, subject = (body[name] for name in _REQUIRED)
    return Event(kind, source, event_id, subject, moment.timestamp(), data, str(event.get_dataschema() or ""))
