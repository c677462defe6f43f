"""A story that branches: at each chosen call a copy of this process lives another one; what was before is lived once."""

import sys
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Any, Self

from tests.copies import awaited, fork, leave, written
from tests.mortal import READS, Fate
from tests.virtual import KilledError


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
    """Kills at its calls, each time in a copy.

    What only reads changes nothing that anybody sees, and the dead remember nothing: whoever dies before or after it
    leaves what they leave who die after the last change, or before the next one. So it is left out, but for `reads`.
    """

    def __init__(self, *, after: bool, reads: bool = False) -> None:
        """Before the calls are sent, or `after` they took effect."""
        super().__init__()
        self.after, self.reads, self.kills = after, reads, 0

    def call(self, name: str, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Make the call; in the copy, die at it."""
        if isinstance(sys.exc_info()[1], KilledError):
            raise KilledError(self.where)  # the dead give nothing back, whatever a `finally` asks of them
        self.calls += 1
        if not self.after:
            self._branch("before", name)
        result = method(*args, **more)
        if self.after:
            self._branch("after", name)
        return result

    def _branch(self, when: str, name: str) -> None:
        if self.killed or (name.partition(".")[2] in READS and not self.reads):
            return
        self.kills += 1
        if self.fork(f"{self.calls}, {when} {name}"):
            self._die(f"{when} {name}")
