"""`python -m benchmarks.killed_worker`: `python -m workers drifts`, but killed (SIGKILL) in the middle of a pass.

It happens just before the first DELETE that any of these workers would send. The second one who comes there lives.
"""

import sys
from collections.abc import Callable
from typing import Any

from tests.support.killing import die_once, work_drifts_through

KILLED = "benchmark:killed"  # exists in Redis once one of them was killed


def _call(name: str, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
    if name.endswith(".delete"):
        die_once(KILLED)
    return method(*args, **more)


if __name__ == "__main__":
    sys.exit(work_drifts_through(lambda _: _call, "cluster"))
