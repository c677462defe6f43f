"""Checks objects that were read from JSON against their class, field by field: others may have written them."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from reactor.model.errors import BadInput

_T = TypeVar("_T")
_Fits = Callable[[Any], bool]
_LATEST = 1e11  # seconds since the epoch, a moment some thousand years from now; calendars end later


def checked(instance: _T, where: str) -> _T:
    """The instance itself; BadInput names the field whose type is not the one in its class."""
    kind: Any = type(instance)
    for name, fits in _fields(kind):
        if not fits(value := getattr(instance, name)):
            raise BadInput(f"{where}.{name}: found {str(value)[:60]!r}")
    return instance


def is_moment(value: object) -> bool:
    """Seconds since the epoch that a calendar can show."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LATEST


@cache
def _fields(kind: Any) -> tuple[tuple[str, _Fits], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, _fitting(hints[field.name])) for field in fields(kind))


def _fitting(hint: Any) -> _Fits:
    origin, args = get_origin(hint), get_args(hint)
    if origin is UnionType:
        options = [_fitting(arg) for arg in args]
        return lambda value: any(fits(value) for fits in options)
    if origin is tuple:
        return _tuple(args)
    if hint is float:
        return is_moment
    if hint is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    if isinstance(hint, type) and is_dataclass(hint):
        return lambda value: isinstance(value, hint) and _is_sound(value)
    kind = dict if origin is Mapping else hint
    return lambda value: isinstance(value, kind)


def _is_sound(value: Any) -> bool:
    kind: Any = type(value)
    return all(fits(getattr(value, name)) for name, fits in _fields(kind))


def _tuple(args: tuple[Any, ...]) -> _Fits:
    if args[-1] is Ellipsis:
        inner = _fitting(args[0])
        return lambda value: isinstance(value, tuple) and all(map(inner, value))
    item_fits = [_fitting(arg) for arg in args]

    def fits(value: Any) -> bool:
        return (
            isinstance(value, tuple)
            and len(value) == len(item_fits)
            and all(item_fit(item) for item_fit, item in zip(item_fits, value, strict=True))
        )

    return fits
