"""Suspicions: what the watchers see now, and what was reported of it.

The keyspace (prefix `vmdrift:`):

    suspects            JSON Suspects: as the last watcher sees them; expires when no watcher has written it for a while
    suspicions          hash: id -> JSON Suspicion       those that began, until their end was noticed
    suspicions:many     is there while another event about too many suspects would say nothing new; expires
    suspicions:ended    hash: how they ended (model.suspicion) -> how many   since Redis was emptied last

All of it may be lost: a suspicion that goes on begins again, with the same id. Whoever only shows it is content with
nothing where Redis refuses, as with the users of an older version.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import orjson
from redis import Redis

from reactor.adapters.redis.contents import an_object, numbers, passed_over
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX, STREAM, STREAM_LENGTH
from reactor.adapters.redis.lua import script
from reactor.model.errors import BadInput, StoreRefused
from reactor.model.identity import take
from reactor.model.objects import parts
from reactor.model.suspicion import NO_SUSPECTS, Suspects, Suspicion

_SUSPECTS, _OPEN = f"{PREFIX}suspects", f"{PREFIX}suspicions"
_MANY, _ENDED = f"{PREFIX}suspicions:many", f"{PREFIX}suspicions:ended"
SHOWN = 10  # seconds; watchers write it every two
QUIET = 600  # seconds

_Events = Sequence[Mapping[str, Any]]


class Suspicions(Protocol):
    """Every method raises StoreUnreachable or StoreRefused. Events are sent in one step with what is written."""

    def begin(self, suspicion: Suspicion, events: _Events) -> bool:
        """It goes on. False, and nothing sent, if that is known."""

    def end(self, suspicion: Suspicion, how: str, events: _Events) -> bool:
        """It is over. False, and nothing sent or counted, if it never began, or its end is known."""

    def open(self) -> list[Suspicion]:
        """Those that began, and of which no end is known."""

    def ended(self) -> dict[str, int]:
        """How many ended how."""

    def too_many(self) -> bool:
        """Is that news? Only the first time within QUIET seconds."""

    def show(self, suspects: Suspects) -> None:
        """In place of what was shown before, for SHOWN seconds."""

    def shown(self) -> Suspects:
        """What a watcher saw within the last SHOWN seconds."""


class RedisSuspicions:
    """The Suspicions in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._begin, self._end = (redis.register_script(script(name)) for name in ("begin", "end"))

    def begin(self, suspicion: Suspicion, events: _Events) -> bool:
        with translated():
            text = orjson.dumps(suspicion.as_json())
            return bool(self._begin([_OPEN, STREAM], [suspicion.id, text, STREAM_LENGTH, *_texts(events)]))

    def end(self, suspicion: Suspicion, how: str, events: _Events) -> bool:
        with translated():
            return bool(self._end([_OPEN, STREAM, _ENDED], [suspicion.id, how, STREAM_LENGTH, *_texts(events)]))

    def open(self) -> list[Suspicion]:
        with translated():
            entries: Any = self._redis.hvals(_OPEN)
        found = []
        for entry in entries:
            try:
                found.append(Suspicion.of(an_object(entry)))
            except BadInput as error:
                passed_over("suspicion", error)
        return found

    def ended(self) -> dict[str, int]:
        counters: Any = self._readable(lambda: self._redis.hgetall(_ENDED)) or {}
        return {how: int(count) for how, count in numbers(counters).items()}

    def too_many(self) -> bool:
        with translated():
            return bool(self._redis.set(_MANY, "1", nx=True, ex=QUIET))

    def show(self, suspects: Suspects) -> None:
        shown = [suspicion.as_json() for suspicion in suspects.suspicions]
        with translated():
            self._redis.set(_SUSPECTS, orjson.dumps({"suspicions": shown, "why": suspects.why}), ex=SHOWN)

    def shown(self) -> Suspects:
        text: Any = self._readable(lambda: self._redis.get(_SUSPECTS))
        try:
            return _suspects(an_object(text)) if text else NO_SUSPECTS
        except BadInput as error:
            passed_over("suspects", error)
            return NO_SUSPECTS

    @staticmethod
    def _readable(read: Callable[[], object]) -> object:
        try:
            with translated():
                return read()
        except StoreRefused as error:
            passed_over("suspicions", error)
            return None


def _suspects(body: Mapping[str, Any]) -> Suspects:
    suspicions = tuple(Suspicion.of(one) for one in parts(body, "suspicions"))
    return Suspects(suspicions, take(body, "why", str, "suspects"))


def _texts(events: _Events) -> list[bytes]:
    return [orjson.dumps(dict(event)) for event in events]
