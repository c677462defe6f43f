"""`python -m tests.acceptance.killed_worker`: a worker of drifts that kills itself (SIGKILL), once for each VM.

The VM `crowd/vm-001` dies at the third call of one of its passes, `vm-002` at the sixth, and so on. Every call counts,
to the API server and to Redis: odd VMs die before it, even ones after it.
"""

import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from reactor.model.identity import Drift
from tests.support.killing import Call, die_once, work_drifts_through

EVERY = 3  # calls


def calls_of(drift: Drift) -> Call:
    """Those of one pass: they are counted."""
    number = int(drift.vm.name.rpartition("-")[2] or 0)
    return partial(_call, f"test:killed:{drift.vm.name}", number, count(1))


def _call(
    mark: str, number: int, calls: "count[int]", _: str, method: Callable[..., Any], *args: Any, **more: Any
) -> Any:
    """Make the call, or die at it."""
    mine = next(calls) == EVERY * number
    if mine and number % 2:
        die_once(mark)
    result = method(*args, **more)
    if mine and not number % 2:
        die_once(mark)
    return result


if __name__ == "__main__":
    sys.exit(work_drifts_through(calls_of, "cluster", "store"))
