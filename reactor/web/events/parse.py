"""A request -> events of the types that we accept, and why the others are ignored."""

from collections.abc import Mapping

from reactor.model.event import Event
from reactor.settings import Settings
from reactor.web.events import alertmanager as alerts
from reactor.web.events import knative
from reactor.web.events.accept import ParsedRequest
from reactor.web.events.event_types import checked
from reactor.web.events.http_binding import LONGEST, read
from reactor.web.problem import Problem, all_of


def cloudevents(headers: Mapping[str, str], body: bytes, now: float) -> ParsedRequest:
    """CloudEvents in any of their three modes; Problem, or Problems that name each bad one of a batch."""
    lowered = {name.lower(): value for name, value in headers.items()}
    parsed = read(lowered, body, LONGEST, now)
    results = all_of(parsed, _translated) if isinstance(parsed, list) else [_translated(parsed)]
    events = tuple(event for event in results if isinstance(event, Event))
    return ParsedRequest(events, tuple(sentence for sentence in results if isinstance(sentence, str)))


def alertmanager(kind: str, body: bytes, settings: Settings, now: float) -> ParsedRequest:
    """Alertmanager's webhook, version 4; Problem. `kind`: a media type that no browser sends unasked to other sites."""
    if not kind.endswith("json"):
        detail = "The request must have a JSON content type, as Alertmanager sends it."
        raise Problem(415, detail, attribute="content-type", found=kind, expected="application/json")
    return ParsedRequest(tuple(alerts.alerts(body, settings.alert_node_label, LONGEST, now)))


def _translated(event: Event | Problem) -> Event | str:
    """An event for us, or why nothing is done about it."""
    if isinstance(event, Problem):
        raise event
    translated = knative.translated(event)
    ours = checked(translated) if translated else None
    return knative.ignored(event) if ours is None else ours
