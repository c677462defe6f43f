"""`python -m benchmarks.watcher`: one watcher on 5,000 nodes, at rest and when 1,000 are lost at once, three times."""

import sys
import time
from statistics import median

import psutil
from redis import Redis

from benchmarks.place import Place, place
from benchmarks.report import Figure, report
from reactor.adapters.rq import EVENTS

NODES, LOST, WAVES = 5000, 1000, 3
REST, SETTLE = 120.0, 20.0  # seconds: measured at rest, and before


def told(redis: Redis) -> int:
    """Events that wait in the queue."""
    return int(redis.llen(f"rq:queue:{EVENTS}"))


def lost(here: Place, wave: int) -> float:
    """Seconds from the API server's last word on the next 1,000 nodes to the last of their events."""
    last = float(here.ask("lose", first=wave * LOST, until=(wave + 1) * LOST, since=time.time()))
    return here.until("all are told", lambda: told(here.redis) >= (wave + 1) * LOST) - last


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
    late = [lost(here, wave) for wave in range(WAVES)]
    return [
        Figure("memory at rest (RSS)", rest / 1e6, "MB", 100),
        Figure("memory after 3,000 losses (RSS)", process.memory_info().rss / 1e6, "MB", 100),
        Figure("share of a core, 17 status updates/s", 100 * share, "%", 2),
        Figure("from the API server's last word to the last event, 1,000 nodes at once; median", median(late), "s", 3),
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
