"""A story that branches: at each chosen call a copy of this process lives another one. What was is lived only once."""

import random
import sys
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Any, Self

import pytest

from tests.support.copies import awaited, fork, leave, written
from tests.support.killing import READS, Fate
from tests.support.virtual import KilledError

_AT_NIGHT = pytest.param(True, marks=[pytest.mark.nightly, pytest.mark.timeout(3600)], id="every call")
EVERY = pytest.mark.parametrize("every", [pytest.param(False, id="every change"), _AT_NIGHT])
# To die before a change is mostly to die after the one before: by day it is enough to die after each.
AFTER = pytest.mark.parametrize(
    "after", [pytest.param(True, id="after"), pytest.param(False, id="before", marks=pytest.mark.nightly)]
)


def seeds(number: int) -> pytest.MarkDecorator:
    """So many histories that differ by chance; by day the first of them."""
    by_night = [pytest.param(seed, marks=pytest.mark.nightly) for seed in range(1, number)]
    return pytest.mark.parametrize("seed", [0, *by_night])


class Forks:
    """Copies of this process that live on from where they were made, and end with the `with` block.

    `copy` is what this one is for, "" in the original. `failed` are those whose block raised, with the traceback.
    """

    def __init__(self) -> None:
        super().__init__()
        self.copy, self.failed = "", dict[str, str]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self.copy:
            wrong = self.wrong(error)
            leave(1 if wrong else 0, wrong)

    def wrong(self, error: BaseException | None) -> BaseException | None:
        """What a copy has failed by, if its block ends so."""
        return error

    def fork(self, what: str) -> bool:
        """In the copy True; in the original False, once the copy has ended."""
        with TemporaryFile() as said:
            pid = fork(said, said)
            if not pid:
                self.copy = what
                return True
            if awaited(pid):
                self.failed[what] = written(said)
        return False


class Branches(Forks, Fate):
    """Kills at its calls, each time in a copy, wherever death leaves something else behind, or at `every` call.

    What only reads changes nothing that anybody sees, and the dead remember nothing: to die before or after it is to
    die after the last change of this turn, or before the first. And under a lock each change follows another. By day
    it is every other of these, beginning with the first or the second, as chance will have it.
    """

    def __init__(self, *, after: bool, every: bool = False) -> None:
        """Before the calls are sent, or `after` they took effect."""
        super().__init__()
        self.after, self.every, self.kills = after, every, 0
        self._matter = random.randrange(2)  # noqa: S311 - no secret
        self._locked = False

    def call(self, name: str, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Make the call; in the copy, die at it."""
        if isinstance(sys.exc_info()[1], KilledError):
            raise KilledError(self.where)  # the dead give nothing back, whatever a `finally` asks of them
        self.calls += 1
        if not self.after:
            self._branch("before", name)
        result = method(*args, **more)
        self._locked = bool(result) if name.endswith(".acquire") else self._locked and not name.endswith(".release")
        if self.after:
            self._branch("after", name)
        return result

    def _branch(self, when: str, name: str) -> None:
        if self.killed or not (self.every or self._is_next(name)):
            return
        self.kills += 1
        if self.fork(f"{self.calls}, {when} {name}"):
            self._die(f"{when} {name}")

    def _is_next(self, name: str) -> bool:
        self._matter += self._matters(name)
        return self._matters(name) and self._matter % 2 == 0

    def _matters(self, name: str) -> bool:
        return name.partition(".")[2] not in READS and (self.after or not self._locked)
