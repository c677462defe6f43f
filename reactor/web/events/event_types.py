"""The types of events that are accepted here, and what each must contain.

Only the type and the subject of an event count: what to look at. `data` is read only of a Node that Knative sends,
where the API server's answer takes precedence, and of a proof that a node is dead: which boot, and how it is known.
"""

from dataclasses import replace
from typing import Any

import orjson

from reactor.model.event import DRIFT_REQUESTED, DRIFT_RETRY, NODE_FENCED, NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.model.names import is_name, is_vm
from reactor.web.events.attributes import refuse

_OF_NODES = frozenset({NODE_UNREACHABLE, NODE_RECOVERED, NODE_FENCED})
_OF_VMS = frozenset({DRIFT_REQUESTED, DRIFT_RETRY})
TYPES = _OF_NODES | _OF_VMS
KNATIVE = "dev.knative.apiserver.resource."

_LONGEST = 500  # characters
_PROOF = {
    "uid": "kubectl get node NODE -o jsonpath={.metadata.uid}",
    "bootID": "kubectl get node NODE -o jsonpath={.status.nodeInfo.bootID}",
    "how": "how it is known that this boot is off",
}


def checked(event: Event) -> Event | None:
    """What counts of the event if its type is ours, None if it is not; Problem 422 where it lacks a usable subject."""
    if event.type in _OF_NODES and not is_name(event.subject):
        refuse("subject", event.subject, "a node name", 422)
    if event.type in _OF_VMS and not is_vm(event.subject):
        refuse("subject", event.subject, "a VM as namespace/name", 422)
    if event.type not in TYPES:
        return None
    if event.type == NODE_FENCED:
        _check_proof(event)
    names = _PROOF if event.type == NODE_FENCED else ()
    return replace(event, data={name: event.data[name] for name in names})


def _check_proof(event: Event) -> None:
    """A confirmation that is late, or of another machine, must not count for the boot that runs now."""
    for name, fix in _PROOF.items():
        value = event.data.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
            expected = f"a string of 1 to {_LONGEST} characters: {fix.replace('NODE', event.subject)}"
            refuse(f"data.{name}", str(value)[:_LONGEST] if value is not None else None, expected, 422)


def with_data(event: Event, data: Any) -> Event:
    """The event with its data, where its type has any for us; Problem 422 if that is no object, 400 if no JSON."""
    if event.type not in TYPES and not event.type.startswith(KNATIVE):
        return event
    if data is not None and not isinstance(data, dict):
        refuse("data", None, "a JSON object, or nothing", 422)
    try:
        orjson.dumps(data)
    except orjson.JSONEncodeError:  # what could be read but not written again would be accepted and then lost
        refuse("data", None, "JSON with integers of at most 64 bits and no lone surrogates")
    return replace(event, data=data or {})
