"""Contents of Redis, read so that what nobody can read costs only itself, and is reported once by each process."""

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

ENTRY = re.compile(rb"[0-9]{1,19}-[0-9]{1,19}")  # the id of one in a stream
_NO_TEXT = "\ufffd"  # in place of what is no UTF-8
_SHOWN = 100  # characters of what is reported


def passed_over(what: str, why: object) -> None:
    """Report that something in Redis cannot be read and does not count. The same thing is reported once."""
    _reported(what[:_SHOWN], str(why)[:_SHOWN])


@lru_cache(maxsize=1000)
def _reported(what: str, why: str) -> None:
    log.warning("unreadable entry in Redis skipped", what=what, why=why, reason="unreadable")


def text_of(value: bytes | str) -> str:
    """What is no UTF-8 is the id of nothing."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def an_object(value: bytes | str | None) -> dict[str, Any]:
    """A JSON object; BadInput where it is none."""
    try:
        found = orjson.loads(value or b"")
    except orjson.JSONDecodeError as error:
        raise BadInput(str(error)) from error
    if not isinstance(found, dict):
        raise BadInput(f"expected an object, found {str(found)[:_SHOWN]!r}")
    return found


def events_of(entries: Any) -> list[tuple[str, dict[str, Any]]]:
    """Entries of the stream as Redis has them -> (id, CloudEvent as JSON); without those that are none."""
    found = []
    for entry, fields in entries:
        try:
            found.append((text_of(entry), an_object(fields.get(b"event"))))
        except BadInput as error:
            passed_over(f"event {text_of(entry)}", error)
    return found


def after(last: bytes | None) -> str:
    """Where XRANGE goes on: behind this id, or from the beginning if it is none."""
    return f"({last.decode()}" if last and ENTRY.fullmatch(last) else "-"


def numbers(found: Mapping[bytes, bytes]) -> dict[str, float]:
    """A hash of numbers by name, without what is none: what one counter lacks is no reason to show none of them."""
    read = {text_of(name): a_number(value) for name, value in found.items()}
    sound = {name: value for name, value in read.items() if value is not None and _NO_TEXT not in name}
    for name in read.keys() - sound.keys():
        passed_over(f"counter {name}", "it is no number with a name")
    return sound


def a_number(value: bytes | None) -> float | None:
    """As somebody wrote it; None where it is none."""
    try:
        read = float(value or b"")
    except ValueError:
        return None
    return read if math.isfinite(read) else None


def tally(redis: Redis, key: str) -> dict[tuple[str, str], int]:
    """A hash of counters whose names are "what result": by both. Raises StoreError."""
    with translated():
        found: Any = redis.hgetall(key)
    split = ((name.rpartition(" "), int(number)) for name, number in numbers(found).items())
    return {(what, result): number for (what, _, result), number in split}
