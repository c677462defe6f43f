"""Reads the contents of Redis: what cannot be read is skipped, and reported once by each process."""

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
import structlog
from redis import Redis

from reactor.adapters.redis.errors import translated
from reactor.model.errors import BadInput

log = structlog.get_logger()

ENTRY = re.compile(rb"[0-9]{1,19}-[0-9]{1,19}")  # the id of an entry in a stream
_NO_TEXT = "\ufffd"  # in place of what is no UTF-8
_SHOWN = 100  # characters of what is reported


def passed_over(what: str, why: object) -> None:
    """Report that something in Redis cannot be read and does not count; the same thing only once."""
    _reported(what[:_SHOWN], str(why)[:_SHOWN])


@lru_cache(maxsize=1000)
def _reported(what: str, why: str) -> None:
    log.warning("unreadable entry in Redis skipped", what=what, why=why, reason="unreadable")


def text_of(value: bytes | str) -> str:
    """As text; what is no UTF-8 cannot be the id of anything."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def an_object(value: bytes | str | None) -> dict[str, Any]:
    """A JSON object; BadInput where it is none."""
    try:
        parsed = orjson.loads(value or b"")
    except orjson.JSONDecodeError as error:
        raise BadInput(str(error)) from error
    if not isinstance(parsed, dict):
        raise BadInput(f"expected an object, found {str(parsed)[:_SHOWN]!r}")
    return parsed


def events_of(entries: Any) -> list[tuple[str, dict[str, Any]]]:
    """Entries of the stream as Redis has them -> (id, CloudEvent as JSON); without those that are none."""
    events = []
    for entry, fields in entries:
        try:
            events.append((text_of(entry), an_object(fields.get(b"event"))))
        except BadInput as error:
            passed_over(f"event {text_of(entry)}", error)
    return events


def after(last: bytes | None) -> str:
    """Where XRANGE continues: after this id, or from the beginning if it is none."""
    return f"({last.decode()}" if last and ENTRY.fullmatch(last) else "-"


def numbers(counters: Mapping[bytes, bytes]) -> dict[str, float]:
    """A hash of numbers by name, without what is none: one bad counter is no reason to show none of them."""
    parsed = {text_of(name): a_number(value) for name, value in counters.items()}
    valid = {name: value for name, value in parsed.items() if value is not None and _NO_TEXT not in name}
    for name in parsed.keys() - valid.keys():
        passed_over(f"counter {name}", "it is not a number with a readable name")
    return valid


def a_number(value: bytes | None) -> float | None:
    """The number that was written; None where it is none."""
    try:
        parsed = float(value or b"")
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def tally(redis: Redis, key: str) -> dict[tuple[str, str], int]:
    """A hash of counters whose names are "what result": by both. Raises StoreError."""
    with translated():
        counters: Any = redis.hgetall(key)
    split = ((name.rpartition(" "), int(number)) for name, number in numbers(counters).items())
    return {(what, result): number for (what, _, result), number in split}
