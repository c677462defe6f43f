"""`python -m benchmarks.watcher`: one watcher on 5,000 nodes, at rest and when 1,000 of them are lost at once."""

import sys
import time

import psutil
from redis import Redis

from benchmarks.place import Place, place
from benchmarks.report import Figure, report
from reactor.doors.queue import EVENTS

NODES, LOST = 5000, 1000
REST, SETTLE = 120.0, 20.0  # seconds: measured at rest, and before


def told(redis: Redis) -> int:
    """Events that wait in the queue."""
    return int(redis.llen(f"rq:queue:{EVENTS}"))


def measure(here: Place) -> list[Figure]:
    """All of it."""
    (child,) = here.start("reactor watch")
    process = psutil.Process(child.pid)
    here.until("it watches", lambda: here.requests("watcher") > 0 and _watches(here))
    here.ask("busy")
    time.sleep(SETTLE)
    before, begun = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(REST)
    share = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - begun)
    rest = process.memory_info().rss
    last = here.ask("lose", first=0, until=LOST, since=time.time())
    done = here.until("all are told", lambda: told(here.redis) >= LOST)
    return [
        Figure("memory at rest (RSS)", rest / 1e6, "MB", 100),
        Figure("memory after 1,000 losses (RSS)", process.memory_info().rss / 1e6, "MB", 100),
        Figure("share of a core, 17 status updates/s", 100 * share, "%", 2),
        Figure("from the API server's last word to the last event, 1,000 nodes at once", done - last, "s", 3),
    ]


def _watches(here: Place) -> bool:
    return any((user, verb) == ("watcher", "watch") for user, verb, _, _ in here.ask("requests"))


def main() -> int:
    """Returns the exit code."""
    with place(NODES, 0, 0) as here:
        figures = measure(here)
    return report("watcher", "Watcher, 5,000 nodes", figures, rest=REST)


if __name__ == "__main__":
    sys.exit(main())
