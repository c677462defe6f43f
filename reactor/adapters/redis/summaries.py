"""What the watchers know of all Nodes and Leases, for workers that only judge by it; while an outage is open.

    summary           what changes all the time, with its age; expires when no watcher has written it for a while
    summary:DIGEST    what seldom changes of the same Nodes (`summary_text`); expires a little later
    read:OUTAGE       a worker has read Nodes and Leases itself in this outage; expires after five minutes

All of it may be lost at any time: workers then read the API server, as they do without a watcher.
"""

from contextlib import suppress
from typing import Any, Protocol

from redis import Redis

from reactor import timing
from reactor.adapters.redis.contents import passed_over
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.adapters.redis.summary_text import fixed, fixed_nodes, fixed_part, moving, moving_part, summary
from reactor.model.errors import BadInput, StoreError
from reactor.model.node import NodeView
from reactor.model.summary import Summary

_SUMMARY, _READ = f"{PREFIX}summary", f"{PREFIX}read:"
_KEPT, _FIXED_KEPT = int(timing.SUMMARY_KEPT), int(2 * timing.SUMMARY_KEPT)  # seconds
_READ_KEPT = 300  # seconds


class Summaries(Protocol):
    """Both ends. `publish` raises StoreError; the others never do: what cannot be read is not there."""

    def publish(self, current: Summary) -> None:
        """In place of the one before, for `timing.SUMMARY_KEPT` seconds."""

    def latest(self) -> Summary | None:
        """The last one, None where there is none that this version can read. The same object while it is the same."""

    def was_read(self, outage_id: str) -> bool:
        """Has a worker read Nodes and Leases itself in this outage? No, where that is not known."""

    def note_read(self, outage_id: str) -> None:
        """A worker has."""


class RedisSummaries:
    """The Summaries in Redis. Of one process: what it wrote or read last is neither packed nor unpacked again."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._written: tuple[NodeView, ...] = ()
        self._fixed: tuple[str, bytes] = fixed_part(())
        self._text, self._digest = b"", ""
        self._read: Summary | None = None
        self._noted: set[str] = set()  # outages of which it is known here; none ceases to be

    def publish(self, current: Summary) -> None:
        if not _same(self._written, current.nodes):
            self._fixed = fixed_part(current.nodes)
        self._written = current.nodes
        digest, packed = self._fixed
        with translated():
            if not self._redis.expire(f"{_SUMMARY}:{digest}", _FIXED_KEPT):
                self._redis.set(f"{_SUMMARY}:{digest}", packed, ex=_FIXED_KEPT)
            self._redis.set(_SUMMARY, moving_part(current, digest), ex=_KEPT)

    def latest(self) -> Summary | None:
        try:
            with translated():
                text: Any = self._redis.get(_SUMMARY)
            if text != self._text:
                self._read = self._parsed(text) if text else None
                self._text = text
        except StoreError as error:
            passed_over("summary of the nodes", error)
            return None
        except BadInput as error:
            passed_over("summary of the nodes", error)
            self._text, self._read = text, None
        return self._read

    def was_read(self, outage_id: str) -> bool:
        with suppress(StoreError), translated():
            if outage_id not in self._noted and self._redis.exists(f"{_READ}{outage_id}"):
                self._noted.add(outage_id)
        return outage_id in self._noted

    def note_read(self, outage_id: str) -> None:
        with suppress(StoreError), translated():
            self._redis.set(f"{_READ}{outage_id}", "1", ex=_READ_KEPT)
            self._noted.add(outage_id)

    def _parsed(self, text: bytes) -> Summary:
        body = moving(text)
        if self._read and self._digest == body["nodes"]:
            return summary(body, self._read.nodes)
        with translated():
            packed: Any = self._redis.get(f"{_SUMMARY}:{body['nodes']}")
        nodes = fixed_nodes(packed or b"")
        self._digest = body["nodes"]
        return summary(body, nodes)


def _same(before: tuple[NodeView, ...], now: tuple[NodeView, ...]) -> bool:
    """Is their fixed part? Nearly all are the very same objects."""
    return len(before) == len(now) and all(
        old is new or fixed(old) == fixed(new) for old, new in zip(before, now, strict=True)
    )
