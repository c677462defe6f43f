"""Alertmanager's webhook, version 4 -> hints about nodes.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config: plain JSON, no CloudEvent. An alert comes
again and again while it lasts; `fingerprint` and `startsAt` say that it is the same.
"""

import re
from collections.abc import Mapping
from typing import Any

from reactor.model.event import NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.web.events.attributes import checked as checked_attributes
from reactor.web.events.attributes import json_of, moment, refuse
from reactor.web.events.event_types import checked
from reactor.web.problem import Problem, all_of

SOURCE = "/alertmanager"
_PORT = re.compile(r":[0-9]{1,5}\Z")
_KINDS = {"firing": NODE_UNREACHABLE, "resolved": NODE_RECOVERED}


def alerts(body: bytes, label: str, limit: int, now: float) -> list[Event]:
    """One event for each alert, all or none. `label` names the node; Problem, or Problems by the alert's index."""
    if len(body) > limit:
        raise Problem(413, f"The request has {len(body)} bytes; at most {limit} are allowed.")
    payload = json_of(body, "body")
    if not isinstance(payload, dict) or payload.get("version") != "4":
        version = payload.get("version") if isinstance(payload, dict) else payload
        refuse("version", version, "Alertmanager's webhook, version 4")
    entries = payload.get("alerts")
    if not isinstance(entries, list):
        refuse("alerts", entries, "a list")
    return all_of(entries, lambda alert: _event(alert, label, now))


def _event(alert: Any, label: str, now: float) -> Event:
    if not isinstance(alert, dict):
        refuse("alert", alert, "an object")
    status, fingerprint, starts = (_text(alert, name) for name in ("status", "fingerprint", "startsAt"))
    if status not in _KINDS:
        refuse("status", status, "firing or resolved")
    identity = f"{fingerprint}_{starts}_{status}"
    checked_attributes({"specversion": "1.0", "id": identity, "source": SOURCE, "type": status, "time": starts})
    node = _node(alert.get("labels"), label)
    event = Event(_KINDS[status], SOURCE, identity, node, min(moment(starts), now))
    return checked(event) or event


def _node(labels: Any, label: str) -> str:
    if not isinstance(labels, dict):
        refuse("labels", labels, "an object")
    node = labels.get(label)
    if not isinstance(node, str) or not node:
        present = node if label in labels else "only " + ", ".join(sorted(labels)) if labels else "no labels"
        refuse(f"labels.{label}", present, f"the node's name (VMDRIFT_ALERT_NODE_LABEL is {label})", 422)
    # Prometheus' own label has the port of what was scraped; a URL in it is no node.
    return _PORT.sub("", node) if label == "instance" else node


def _text(alert: Mapping[str, Any], name: str) -> str:
    value = alert.get(name)
    if not isinstance(value, str) or not value:
        refuse(name, value, "a non-empty string")
    return value
