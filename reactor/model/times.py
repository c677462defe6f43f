"""Moments are float seconds since the epoch; Kubernetes writes them as RFC 3339, mostly cut to whole seconds."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]


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


def clock_time(moment: float) -> str:
    """The time of day as sentences show it: 06:13:45Z."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%H:%M:%SZ")
