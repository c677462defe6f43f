"""What is the same for all drifts of a moment is computed once: ten thousand of them are judged by the same nodes.

Functions stay pure: an answer is remembered for the very same objects, which nobody changes, and equal numbers.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def remembered(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """The function, with its last answer. Its arguments are kept with it, lest another object gets the same id."""
    last: list[tuple[Any, Any, Any]] = [(None, None, None)]

    @wraps(function)
    def answered(*args: _P.args, **_: _P.kwargs) -> _T:
        key = tuple(arg if isinstance(arg, float | int) else id(arg) for arg in args)
        known, _args, answer = last[0]
        if known != key:
            answer = function(*args)  # type: ignore[call-arg]
            last[0] = key, args, answer
        found: _T = answer
        return found

    return answered
