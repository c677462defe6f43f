"""`python -m tests.acceptance.mortal_worker`: a worker of drifts that kills itself (SIGKILL), once for each VM.

The VM `crowd/vm-001` dies at the third call of one of its passes, `vm-002` at the sixth, and so on. Every call counts,
to the API server and to Redis: odd VMs die before it, even ones after it.
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from redis import Redis

from reactor.model.drift import Outcome
from reactor.model.identity import Drift
from reactor.process import start
from workers.context import Tools
from workers.drift import run as passes
from workers.rq.main import work_drifts

EVERY = 3  # calls


class Fate:
    """Counts the calls of the pass that runs in this process."""

    vm, calls = "", 0

    def call(self, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Make the call, or die at it."""
        self.calls += 1
        number = int(self.vm.rpartition("-")[2] or 0)
        mine = bool(number) and self.calls == EVERY * number
        if mine and number % 2:
            self.die()
        result = method(*args, **more)
        if mine and not number % 2:
            self.die()
        return result

    def die(self) -> None:
        """At most once for each VM: what died is remembered where the next process sees it."""
        with Redis.from_url(os.environ["VMDRIFT_REDIS_URL"]) as redis:
            if redis.set(f"test:killed:{self.vm}", self.calls, nx=True):
                os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """A door whose calls are fate's."""

    def __init__(self, door: Any, fate: Fate) -> None:
        self._door, self._fate = door, fate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._door, name)
        return lambda *args, **more: self._fate.call(method, *args, **more)


def main() -> int:
    """As `python -m workers drifts`."""
    fate, run_pass = Fate(), passes.run_pass

    def mortal_pass(drift: Drift, tools: Tools) -> Outcome:
        fate.vm, fate.calls = drift.vm.name, 0
        doors: dict[str, Any] = {name: Mortal(getattr(tools, name), fate) for name in ("cluster", "store")}
        return run_pass(drift, replace(tools, **doors))

    passes.run_pass = mortal_pass
    return start("work drifts", work_drifts)


if __name__ == "__main__":
    sys.exit(main())
