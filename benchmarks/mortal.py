"""`python -m benchmarks.mortal`: `python -m workers drifts`, but killed (SIGKILL) in the middle of a pass.

It happens just before the first DELETE that any of these workers would send. The second one who comes there lives.
"""

import os
import signal
import sys
from dataclasses import replace
from typing import Any

from redis import Redis

from reactor.model.drift import Outcome
from reactor.model.identity import Drift
from reactor.process import start
from workers.context import Tools
from workers.drift import run as passes
from workers.rq.main import work_drifts

KILLED = "benchmark:killed"  # exists in Redis once one of them was killed


class Deadly:
    """A Cluster whose first DELETE kills."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    def delete(self, *args: Any, **more: Any) -> None:
        """As the Cluster does, if somebody was killed before."""
        with Redis.from_url(os.environ["VMDRIFT_REDIS_URL"]) as redis:
            if redis.set(KILLED, 1, nx=True):
                os.kill(os.getpid(), signal.SIGKILL)
        self._cluster.delete(*args, **more)


def main() -> int:
    """Returns the exit code."""
    run_pass = passes.run_pass

    def deadly_pass(drift: Drift, tools: Tools) -> Outcome:
        return run_pass(drift, replace(tools, cluster=Deadly(tools.cluster)))

    passes.run_pass = deadly_pass
    return start("work drifts", work_drifts)


if __name__ == "__main__":
    sys.exit(main())
