"""A story that branches at every call: in each branch its process is killed there; what was before is lived once."""

import sys
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Any, Self

from tests.copies import awaited, fork, leave, written
from tests.mortal import Fate
from tests.virtual import KilledError


class Branches(Fate):
    """Kills at its calls, each time in a copy of this process that lives on from there and ends with the `with` block.

    `failed` are the calls at which a copy's block raised, with the traceback.
    """

    def __init__(self, *, after: bool, every: int = 1) -> None:
        """Before the calls are sent, or `after` they took effect; at `every` so many-th call."""
        super().__init__()
        self.after, self.every, self.failed = after, every, dict[str, str]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self.killed:
            leave(1 if error else 0, error)

    def call(self, name: str, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Make the call; in the copy, die at it."""
        if isinstance(sys.exc_info()[1], KilledError):
            raise KilledError(self.where)  # the dead give nothing back, whatever a `finally` asks of them
        if not self.after:
            self._branch(f"before {name}")
        result = method(*args, **more)
        if self.after:
            self._branch(f"after {name}")
        return result

    def _branch(self, where: str) -> None:
        if self.killed:
            return
        self.calls += 1
        if self.calls % self.every:
            return
        with TemporaryFile() as said:
            pid = fork(said, said)
            if not pid:
                self._die(where)
            if awaited(pid):
                self.failed[f"{self.calls}, {where}"] = written(said)
