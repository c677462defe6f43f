"""A Node that Knative's ApiServerSource saw -> our own event, so that it can stand in for our watcher.

https://knative.dev/docs/eventing/sources/apiserversource/: mode Resource carries the object, mode Reference does not.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reactor.model.event import NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.model.names import is_name
from reactor.model.node import node_view
from reactor.model.objects import moment, part, parts, text
from reactor.web.events.attributes import refuse
from reactor.web.events.event_types import KNATIVE
from reactor.web.problem import shortened

_REFERENCE = "dev.knative.apiserver.ref."  # what mode Reference sends
_TYPES = frozenset({f"{prefix}{verb}" for prefix in (KNATIVE, _REFERENCE) for verb in ("add", "update", "delete")})
_KINDS = {"Unknown": NODE_UNREACHABLE, "True": NODE_RECOVERED}
_READ = frozenset({f"{KNATIVE}{verb}" for verb in ("add", "update")})


def known(event_type: str) -> bool:
    """Is it one of ApiServerSource's types?"""
    return event_type in _TYPES


def translated(event: Event) -> Event | None:
    """Another type's event as it is; a Node's as a hint about that node; None where it says nothing of a lost node."""
    if not known(event.type):
        return event
    if event.type not in _READ or event.data.get("kind") != "Node":
        return None
    if "status" not in event.data:
        refuse("data", None, "a whole Node: ApiServerSource must have mode Resource", 422)
    if not _is_node(event.data):
        refuse("data", None, "a v1 Node", 422)
    node = node_view(event.data)
    kind = _KINDS.get(node.ready)
    return replace(event, type=kind, subject=node.name, data={}) if kind else None


def _is_node(data: Mapping[str, Any]) -> bool:
    """Has what we read of it the shape that the API server writes?"""
    conditions = part(data, "status").get("conditions", []) if isinstance(data["status"], Mapping) else None
    ready = next((c for c in parts(data, "status", "conditions") if text(c, "type") == "Ready"), {})
    timed = "lastTransitionTime" not in ready or moment(ready, "lastTransitionTime") is not None
    shaped = isinstance(data.get("spec", {}), Mapping) and isinstance(conditions, list) and timed
    named = is_name(text(data, "metadata", "name")) and text(data, "metadata", "uid") != ""
    return shaped and named and isinstance(ready.get("status", ""), str)


def ignored(event: Event) -> str:
    """Why nothing is done about an event that `translated` has no use for."""
    if event.type.startswith(_REFERENCE):
        return f"{event.type} does not carry the node's state: ApiServerSource must have mode Resource."
    if event.type == f"{KNATIVE}delete":
        return f"{event.type} is ignored: a Node object can be deleted while its VMs still run."
    if not known(event.type):
        return f"{shortened(event.type)} is not an accepted type of event."
    if event.data.get("kind") != "Node":
        return f"{event.type} carries no Node."
    return "The Node's Ready condition is neither Unknown nor True; with False its kubelet is alive."
