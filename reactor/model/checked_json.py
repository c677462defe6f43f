"""Whether what was read from JSON is what its class says, field by field: others may have written it."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from reactor.model.errors import BadInput

_T = TypeVar("_T")
_Fits = Callable[[Any], bool]
_LATEST = 1e11  # seconds since the epoch, a moment some thousand years from now; calendars end later


def checked(made: _T, where: str) -> _T:
    """The same; BadInput naming the field that is of another kind than its class says."""
    kind: Any = type(made)
    for name, fits in _fields(kind):
        if not fits(value := getattr(made, name)):
            raise BadInput(f"{where}.{name}: found {str(value)[:60]!r}")
    return made


def is_moment(value: object) -> bool:
    """Seconds since the epoch of which a calendar knows."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LATEST


@cache
def _fields(kind: Any) -> tuple[tuple[str, _Fits], ...]:
    hints = get_type_hints(kind)
    return tuple((one.name, _fitting(hints[one.name])) for one in fields(kind))


def _fitting(hint: Any) -> _Fits:
    origin, args = get_origin(hint), get_args(hint)
    if origin is UnionType:
        ways = [_fitting(one) for one in args]
        return lambda value: any(fits(value) for fits in ways)
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
    each = [_fitting(one) for one in args]

    def fits(value: Any) -> bool:
        return (
            isinstance(value, tuple)
            and len(value) == len(each)
            and all(f(one) for f, one in zip(each, value, strict=True))
        )

    return fits
