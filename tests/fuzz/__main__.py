"""`python -m tests.fuzz MINUTES [SEED]`: nonsense of each kind in turn, and what came of it. 2h instead: two hours.

`python -m tests.fuzz again KIND SEED NUMBER`: one of them again, as it is printed where something went wrong.
"""

import logging
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

import structlog

from tests.fuzz import contents, objects, requests
from tests.fuzz.noise import Noise
from tests.properties.drawn import any_seed

_WARM = 0.1  # of its time: so long a server may still grow


class Kind(Protocol):
    """Whom nonsense is given to. `remember` and `check`: is it, in the end, as it was when it had become warm?"""

    def once(self, noise: Noise) -> str:
        """Some of it; what it was, for the counts. Raises what went wrong."""

    def remember(self) -> None:
        """It is warm now."""

    def check(self) -> str:
        """How it is in the end; AssertionError."""


class _Simple:
    """One that keeps nothing."""

    def __init__(self, once: Callable[[Noise], str]) -> None:
        self.once = once

    def remember(self) -> None:
        """Nothing."""

    def check(self) -> str:
        """Nothing."""
        return ""


@contextmanager
def _contents() -> Iterator[Kind]:
    with contents.server() as redis:
        yield _Simple(lambda noise: contents.once(noise, redis))


KINDS: dict[str, Callable[[], AbstractContextManager[Kind]]] = {
    "requests": requests.server,
    "objects": lambda: nullcontext(_Simple(objects.once)),
    "contents": _contents,
}


class FoundError(Exception):
    """Something went wrong: with what, in full, and how to give it again."""


def run(minutes: float, seed: int) -> str:
    """All kinds, one after the other, each for its share; the counts. FoundError."""
    told = [f"Fuzzing, seed {seed}, {minutes:g} minutes:"]
    with _silent():
        for name in KINDS:
            seconds = minutes * 60 / len(KINDS)
            counts, state = _fuzzed(name, seed, seconds)
            each = ", ".join(f"{what} {number}" for what, number in counts.most_common())
            told.append(f"{name}: {counts.total()} ({counts.total() / seconds * 60:.0f} a minute): {each}. {state}")
    return "\n".join(told)


def _fuzzed(name: str, seed: int, seconds: float) -> tuple[Counter[str], str]:
    counts: Counter[str] = Counter()
    with KINDS[name]() as kind:
        begun, warm = time.monotonic(), False
        while (gone := time.monotonic() - begun) < seconds:
            if not warm and gone > _WARM * seconds:
                warm = True
                kind.remember()
            counts[_once(kind, name, seed, counts.total())] += 1
        return counts, kind.check()


def _once(kind: Kind, name: str, seed: int, number: int) -> str:
    try:
        return kind.once(Noise(name, seed, number, wild=name != "objects"))
    except Exception as error:
        told = "".join(traceback.format_exception(error))
        raise FoundError(f"{told}\nAgain: python -m tests.fuzz again {name} {seed} {number}") from error


@contextmanager
def _silent() -> Iterator[None]:
    """What roles say of nonsense is much."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.reset_defaults()


def again(name: str, seed: int, number: int) -> str:
    """One of them; FoundError."""
    with _silent(), KINDS[name]() as kind:
        return _once(kind, name, seed, number)


def main(words: list[str]) -> int:
    """The exit code."""
    try:
        if words[0] == "again":
            said = again(words[1], int(words[2]), int(words[3]))
        else:
            minutes = float(words[0].removesuffix("h")) * (60 if words[0].endswith("h") else 1)
            said = run(minutes, int(words[1]) if words[1:] else any_seed())
    except FoundError as error:
        said = str(error)
        return 1
    finally:
        print(said)  # noqa: T201 - it is a command
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
