"""What is the same for all drifts of a moment is computed once: ten thousand of them are judged by the same nodes.

Functions stay pure: an answer is remembered for the very same objects, which nobody changes, and equal numbers.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, TypeVarTuple

_Args = TypeVarTuple("_Args")
_T = TypeVar("_T")


def remembered(function: Callable[[*_Args], _T]) -> Callable[[*_Args], _T]:
    """The function, with its last answer. Its arguments are kept with it, lest another object gets the same id."""
    last: list[tuple[Any, Any, Any]] = [(None, None, None)]

    @wraps(function)
    def answered(*args: *_Args) -> _T:
        key = tuple(arg if isinstance(arg, float | int) else id(arg) for arg in args)
        known, _args, answer = last[0]
        if known != key:
            answer = function(*args)
            last[0] = key, args, answer
        found: _T = answer
        return found

    return answered
