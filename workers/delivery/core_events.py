"""A core/v1 Event of ours about one object, as `kubectl describe` shows it."""

from collections.abc import Mapping
from hashlib import sha256

from reactor.model.objects import JsonObject
from reactor.model.times import format_time

NORMAL, WARNING = "Normal", "Warning"
_LONGEST = 1024  # characters of a message that the API server takes
_NAMED = 200  # characters of a name; it may have 253
_SELF = "vm-drift"


def core_event(  # noqa: PLR0913 - what differs between Events, each by its name
    about: Mapping[str, str], namespace: str, *, same: str, reason: str, message: str, kind: str, at: float
) -> JsonObject:
    """`same`: a text that Events have in common which count as one; `kind`: NORMAL or WARNING."""
    digest = sha256(same.encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{about['name'][:_NAMED]}.{digest}", "namespace": namespace},
        "involvedObject": dict(about),
        "reason": reason,
        "message": message[:_LONGEST],
        "type": kind,
        "source": {"component": _SELF},
        "reportingComponent": _SELF,
        "reportingInstance": "",
        "firstTimestamp": format_time(at),
        "lastTimestamp": format_time(at),
        "count": 1,
    }
