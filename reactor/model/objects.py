"""Reading what may not be there: of almost everything in a Kubernetes object the API says that it is optional.

A field that is missing, null, or of another kind than it should be says nothing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reactor.model.times import parse_time

Obj = Mapping[str, Any]  # an object as it was read; nobody changes it
JsonObject = dict[str, Any]  # one that its reader owns: to be changed, or sent
_NOTHING: Obj = {}
_MAPPINGS = (dict, Mapping)  # what is asked of an abstract class costs five times as much, and nearly all are dicts


def part(obj: object, *path: str) -> Obj:
    """The object within at this path, {} where there is none."""
    found = _at(obj, path)
    return found if isinstance(found, _MAPPINGS) else _NOTHING


def parts(obj: object, *path: str) -> list[Obj]:
    """The objects of the list at this path, [] where there is none."""
    found = _at(obj, path)
    return [one for one in found if isinstance(one, _MAPPINGS)] if isinstance(found, list | tuple) else []


def words(obj: object, *path: str) -> tuple[str, ...]:
    """The texts of the list at this path, () where there is none."""
    found = _at(obj, path)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list | tuple) else ()


def text(obj: object, *path: str) -> str:
    """The text at this path, "" where there is none."""
    found = _at(obj, path)
    return found if isinstance(found, str) else ""


def texts(obj: object, *path: str) -> dict[str, str]:
    """The texts of the object at this path, by name."""
    return {name: value for name, value in part(obj, *path).items() if isinstance(value, str)}


def number(obj: object, *path: str) -> float | None:
    """The number at this path, None where there is none."""
    found = _at(obj, path)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def moment(obj: object, *path: str) -> float | None:
    """The time at this path in seconds since the epoch, None where there is none."""
    try:
        return parse_time(text(obj, *path))
    except ValueError:
        return None


def from_json(text: str) -> Any:
    """What a text says; ValueError where it is no JSON, or JSON so deep that nobody can have meant it."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def said(value: Any) -> Any:
    """The same without what is null in it, at any depth: it is as if it were not there."""
    if isinstance(value, Mapping):
        return {name: said(one) for name, one in value.items() if one is not None}
    return [said(one) for one in value if one is not None] if isinstance(value, list) else value


def _at(obj: object, path: Sequence[str]) -> object:
    for word in path:
        obj = obj.get(word) if isinstance(obj, _MAPPINGS) else None
    return obj
