"""A receiver under a still clock, with nothing but a queue's twin behind it, and events to send to it."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from reactor.adapters.redis.process_reports import Reports
from reactor.adapters.redis.queue_metrics import QueueFigures
from reactor.model.drift import Ended
from reactor.settings import Settings
from reactor.web.app import application
from reactor.web.auth.senders import Senders
from reactor.web.events.accept import Reception
from reactor.web.metrics import Sources
from rehearsal.twins.inbox import MemoryInbox
from rehearsal.twins.outbox import MemoryOutbox
from rehearsal.twins.queue import MemoryQueue
from rehearsal.twins.store import MemoryStore

NOW = 1795500000.0
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
EVENT: Mapping[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/monitoring",
    "type": "io.vmdrift.node.unreachable",
    "subject": "node-a",
}
HEADERS: Mapping[str, str] = {f"ce-{name}": value for name, value in EVENT.items()}


class Receiver:
    """`handled`: the jobs that would have run."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.queue = MemoryQueue(self.clock, lambda _: Ended("a", "b", "c"))
        self.inbox = MemoryInbox(self.queue, self.clock, self.settings.dedup_ttl, self.settings.sender_bytes)
        senders = Senders.of(self.settings)
        self.store, self.queues = MemoryStore(self.clock), list[QueueFigures]()
        self.reports = Reports({}, None)
        outbox = MemoryOutbox(self.store, self.settings.history_ttl)
        self.reception = Reception(self.inbox, senders, self.settings, self.clock)
        sources = Sources(self.inbox, outbox, self.store, lambda: iter(self.queues), lambda: self.reports, self.clock)
        self.app = application(self.reception, sources, self.settings)
        self.client: FlaskClient = self.app.test_client()

    def clock(self) -> float:
        return NOW

    def post(self, body: Any, kind: str = STRUCTURED, path: str = "/events", **headers: str) -> TestResponse:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.client.post(path, data=raw, headers={"Content-Type": kind, **headers})


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in EVENT.items() if key != name}


def changed(**attributes: Any) -> dict[str, Any]:
    return {**EVENT, **attributes}
