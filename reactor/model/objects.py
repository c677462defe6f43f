"""Reading fields that may be missing: the API declares almost everything in a Kubernetes object optional.

A field that is missing, null, or of another type than it should be counts as missing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from reactor.model.times import parse_time

Obj = Mapping[str, Any]  # an object as it was read; nobody changes it
JsonObject = dict[str, Any]  # one that its reader may change, or send
_NOTHING: Obj = {}
_MAPPINGS = (dict, Mapping)  # a check against an abstract class costs five times as much, and nearly all are dicts


def part(obj: object, *path: str) -> Obj:
    """The object at this path, {} where there is none."""
    value = _at(obj, path)
    return value if isinstance(value, _MAPPINGS) else _NOTHING


def parts(obj: object, *path: str) -> list[Obj]:
    """The objects of the list at this path, [] where there is none."""
    value = _at(obj, path)
    return [item for item in value if isinstance(item, _MAPPINGS)] if isinstance(value, list | tuple) else []


def words(obj: object, *path: str) -> tuple[str, ...]:
    """The texts of the list at this path, () where there is none."""
    value = _at(obj, path)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def text(obj: object, *path: str) -> str:
    """The text at this path, "" where there is none."""
    value = _at(obj, path)
    return value if isinstance(value, str) else ""


def texts(obj: object, *path: str) -> dict[str, str]:
    """The texts of the object at this path, by name."""
    return {name: value for name, value in part(obj, *path).items() if isinstance(value, str)}


def number(obj: object, *path: str) -> float | None:
    """The number at this path, None where there is none."""
    value = _at(obj, path)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def moment(obj: object, *path: str) -> float | None:
    """The time at this path in seconds since the epoch, None where there is none."""
    try:
        return parse_time(text(obj, *path))
    except ValueError:
        return None


def from_json(text: str) -> Any:
    """Parsed JSON; ValueError where it is no JSON, or is nested too deep."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def without_nulls(value: Any) -> Any:
    """The same without null values, at any depth: null means missing.

    Mostly there are none, which orjson finds out in a tenth of the time.
    """
    try:
        return _without_nulls(value) if b"null" in orjson.dumps(value) else value
    except TypeError:  # nested too deep for it
        return _without_nulls(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, _MAPPINGS):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value if item is not None] if isinstance(value, list) else value


def _at(obj: object, path: Sequence[str]) -> object:
    for word in path:
        if obj is None or not isinstance(obj, _MAPPINGS):
            return None
        obj = obj.get(word)
    return obj
