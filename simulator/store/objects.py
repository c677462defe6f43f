"""Small pure helpers for Kubernetes objects as JSON."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from simulator.client import Obj

Key = tuple[str, str]
META_VERSION = "meta.k8s.io/v1"


def key_of(obj: Obj) -> Key:
    """(namespace, name); namespace is "" for a cluster-scoped object."""
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


def copied(obj: Any) -> Any:
    """A deep copy of JSON data; through orjson, which is many times faster than `copy.deepcopy`."""
    return orjson.loads(orjson.dumps(obj))


def partial_of(obj: Obj) -> Obj:
    """A copy of an object's metadata alone, as a client that asks for nothing else gets it."""
    return {"kind": "PartialObjectMetadata", "apiVersion": META_VERSION, "metadata": copied(obj["metadata"])}


def without_nulls(patch: Any, *, in_list: bool = False) -> Any:
    """A merge patch as a real API server takes it: what is null in the objects of a list is lost.

    Source: `evanphx/json-patch`, pruneNils. Kinds with Go types show such a null again, custom ones do not.
    """
    if isinstance(patch, list):
        return [without_nulls(item, in_list=True) for item in patch]
    if isinstance(patch, dict):
        kept = (name for name in patch if not in_list or patch[name] is not None)
        return {name: without_nulls(patch[name], in_list=in_list) for name in kept}
    return patch


def rfc3339(seconds: float) -> str:
    """Seconds since the epoch as Kubernetes writes times: whole seconds, UTC, "Z"."""
    minute, second = divmod(int(seconds), 60)
    return f"{_minute(minute)}:{second:02d}Z"


@lru_cache(maxsize=512)  # strftime is what a heartbeat would cost most
def _minute(since_epoch: int) -> str:
    return datetime.fromtimestamp(since_epoch * 60, UTC).strftime("%Y-%m-%dT%H:%M")


def epoch(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time."""
    return datetime.fromisoformat(text).timestamp()


def field(obj: Obj, path: str) -> str:
    """The value at a dotted path ("spec.nodeName") as a field selector compares it: text, "" when absent."""
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
