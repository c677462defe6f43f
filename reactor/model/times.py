"""Moments are float seconds since the epoch; Kubernetes writes them as RFC 3339, mostly cut to whole seconds."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, TypeVar

Clock = Callable[[], float]
_Noted = TypeVar("_Noted", bound=Any)  # a dataclass


_NOISE = 2.0  # seconds: an HTTP date has whole ones, and a response takes a while


def ahead(date: float | None, now: float) -> float:
    """How far the clock of a server that just sent this HTTP date is ahead of `now`'s; 0 where it sent none."""
    return date - now if date is not None and abs(date - now) > _NOISE else 0.0


def not_after(noted: _Noted, names: Iterable[str], now: float) -> _Noted:
    """A dataclass whose moments of these names, as far as it has them, are `now` where they lie in the future."""
    future = {name: now for name in names if (getattr(noted, name, None) or 0.0) > now}
    return replace(noted, **future) if future else noted


@lru_cache(16)  # a server's Date stays the same for a second
def http_date(text: str) -> float | None:
    """An HTTP date (RFC 9110, 5.6.7) in seconds since the epoch; None for anything else."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def retry_after(text: str, now: float | None) -> float | None:
    """Retry-After in seconds: a number, or a date (RFC 9110, 10.2.3) against `now`; None for anything else."""
    if text.isdecimal() and text.isascii():
        return float(text[:9])
    date = http_date(text)
    return None if date is None or now is None else max(0.0, date - now)


def parse_time(text: str) -> float:
    """RFC 3339 to seconds since the epoch; ValueError when it is none, or has no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"no time zone in {text!r}"
        raise ValueError(message)
    return moment.timestamp()


def format_time(moment: float) -> str:
    """Seconds since the epoch to RFC 3339, UTC, whole seconds."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock_time(moment: float, today: float | None = None) -> str:
    """The time of day as sentences show it: 06:13:45Z; with the date where it is not that of `today`."""
    shown = datetime.fromtimestamp(int(moment), UTC)
    other_day = today is not None and shown.date() != datetime.fromtimestamp(today, UTC).date()
    return shown.strftime("%Y-%m-%d %H:%M:%SZ" if other_day else "%H:%M:%SZ")


def duration(seconds: float) -> str:
    """For people: 7 s, 2 min 5 s, 3 h 20 min, 2 d 3 h."""
    whole = round(max(0.0, seconds))
    if whole < 60:  # noqa: PLR2004 - a minute
        return f"{whole} s"
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    first = next(index for index, (_, size) in enumerate(units) if whole >= size)
    parts = [
        (name, whole // size % (86400 * 10**6 if name == "d" else units[index - 1][1] // size))
        for index, (name, size) in enumerate(units)
    ]
    return " ".join(f"{number} {name}" for name, number in parts[first : first + 2] if number)
