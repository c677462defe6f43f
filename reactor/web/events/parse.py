"""A request -> events of the types that we take in, and those that we do not."""

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
    found = read(lowered, body, LONGEST, now)
    told = all_of(found, _sorted) if isinstance(found, list) else [_sorted(found)]
    taken = tuple(event for event in told if isinstance(event, Event))
    return ParsedRequest(taken, tuple(why for why in told if isinstance(why, str)))


def alertmanager(kind: str, body: bytes, settings: Settings, now: float) -> ParsedRequest:
    """Alertmanager's webhook, version 4; Problem. `kind`: a media type that no browser sends unasked to other sites."""
    if not kind.endswith("json"):
        detail = "Alertmanager sends JSON, and says so."
        raise Problem(415, detail, attribute="content-type", found=kind, expected="application/json")
    return ParsedRequest(tuple(alerts.alerts(body, settings.alert_node_label, LONGEST, now)))


def _sorted(event: Event | Problem) -> Event | str:
    """An event for us, or why nothing is done about it."""
    if isinstance(event, Problem):
        raise event
    translated = knative.translated(event)
    ours = checked(translated) if translated else None
    return knative.ignored(event) if ours is None else ours
