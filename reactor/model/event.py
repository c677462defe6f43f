"""CloudEvents as this project speaks them; their wire format is `reactor.adapters.cloudevents`.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md: `source` + `id` is the identity of an event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reactor.model.identity import Outage
from reactor.model.suspicion import Suspicion

NODE_UNREACHABLE = "io.vmdrift.node.unreachable"
NODE_RECOVERED = "io.vmdrift.node.recovered"
NODE_FENCED = "io.vmdrift.node.fenced"
NODE_SUSPECTED = "io.vmdrift.node.suspected"
NODE_CLEARED = "io.vmdrift.node.cleared"
NODES_SUSPECTED = "io.vmdrift.nodes.suspected"
DRIFT_REQUESTED = "io.vmdrift.vm.drift.requested"
DRIFT_RETRY = "io.vmdrift.vm.drift.retry"
DRIFT_PREFIX = "io.vmdrift.vm.drift."
NODE_FENCING = "io.vmdrift.node.fencing"
DEED_PREFIX = "io.vmdrift.intervention."
DEED_SCHEMA = "tag:vmdrift.io,2026:events/intervention/1"
SUSPICION_SCHEMA = "tag:vmdrift.io,2026:events/suspicion/1"
SUSPECTS_SCHEMA = "tag:vmdrift.io,2026:events/suspects/1"
FENCE_SCHEMA = "tag:vmdrift.io,2026:events/fence/1"
# What the data of outgoing events looks like: docs/events/drift.json has it as its $id. A tag (RFC 4151) is a name and
# promises no place on the web.
DRIFT_SCHEMA = "tag:vmdrift.io,2026:events/drift/1"


@dataclass(frozen=True, slots=True)
class Event:
    """`time` in seconds since the epoch; `subject` a node's name, `namespace/vm`, or `nodes` for many.

    `data` is a JSON object, `schema` the URI of its JSON Schema ("": none).
    """

    type: str
    source: str
    id: str
    subject: str
    time: float
    data: Mapping[str, Any] = field(default_factory=dict)
    schema: str = ""


def watcher_source(cluster_uid: str) -> str:
    """The source of every watcher of a cluster: all of them report the same event only once."""
    return f"/clusters/{cluster_uid}/watcher"


def worker_source(cluster_uid: str) -> str:
    """The source of the workers' events."""
    return f"/clusters/{cluster_uid}/workers"


def unreachable(outage: Outage, source: str) -> Event:
    """The node of this outage is lost."""
    return Event(NODE_UNREACHABLE, source, outage.id, outage.node.name, outage.since, {"outage": outage.as_json()})


def recovered(outage: Outage, source: str, now: float) -> Event:
    """This outage is over: the node is back, or is another node now."""
    event_id = f"{outage.id}_recovered"
    return Event(NODE_RECOVERED, source, event_id, outage.node.name, now, {"outage": outage.as_json()})


def suspected(suspicion: Suspicion, source: str, now: float) -> Event:
    """Something about this suspicion is to be looked at: that it began, goes on, or may be over."""
    data = {"suspicion": suspicion.as_json()}
    return Event(NODE_SUSPECTED, source, suspicion.id, suspicion.node.name, now, data)


def too_many_suspected(sentence: str, source: str, now: float) -> Event:
    """More nodes are suspected than may be at once."""
    return Event(NODES_SUSPECTED, source, "too-many-suspected", "nodes", now, {"sentence": sentence})
