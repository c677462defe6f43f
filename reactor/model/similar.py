"""What somebody may have meant who mistyped a name. Pure."""

from collections.abc import Iterable
from difflib import get_close_matches

_LIKE = 0.7  # of 1: wroker-1 is 0.88 like worker-1
_MOST = 10_000  # names that are compared; of more it would take too long


def most_like(name: str, known: Iterable[str]) -> str:
    """The known name that is most like this one; "" where none is."""
    names = [other for other, _ in zip(sorted(set(known)), range(_MOST), strict=False)]
    return next(iter(get_close_matches(name, names, 1, _LIKE)), "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question to put behind a sentence; "" where nothing known is like it."""
    meant = most_like(name, known)
    return f" (did you mean {meant}?)" if meant else ""
