"""`python -m benchmarks.watcher`: one watcher on 5,000 nodes, at rest and when 1,000 are lost at once, three times.

All kubelets renew their Leases every ten seconds, 500 renewals a second. While nodes are lost, it publishes a summary.
"""

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
OUTAGE = 60.0  # seconds: measured while nodes are lost


def told(redis: Redis) -> int:
    """Events that wait in the queue."""
    return int(redis.llen(f"rq:queue:{EVENTS}"))


def lost(here: Place, wave: int) -> float:
    """Seconds from the API server's last word on the next 1,000 nodes to the last of their events."""
    last = float(here.ask("lose", first=wave * LOST, until=(wave + 1) * LOST, since=time.time()))
    return here.until("all are told", lambda: told(here.redis) >= (wave + 1) * LOST) - last


def percent(process: psutil.Process, seconds: float) -> float:
    """Of a core, in the seconds to come."""
    before, begun = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    return 100 * float(sum(process.cpu_times()[:2]) - before) / (time.monotonic() - begun)


def measure(here: Place) -> list[Figure]:
    """All of it."""
    (child,) = here.start("reactor watch")
    process = psutil.Process(child.pid)
    here.until("it watches", lambda: here.requests("watcher") > 0 and _watches(here))
    here.ask("busy")
    time.sleep(SETTLE)
    share = percent(process, REST)
    rest = process.memory_info().rss
    late = [lost(here, wave) for wave in range(WAVES)]
    publishing = percent(process, OUTAGE)
    return [
        Figure("memory at rest (RSS)", rest / 1e6, "MB", 120),
        Figure("memory after 3,000 losses (RSS)", process.memory_info().rss / 1e6, "MB", 120),
        Figure("share of a core at rest: 500 renewals/s, 17 status updates/s", share, "%", 5),
        Figure("share of a core while 3,000 are lost: 200 renewals/s, and a summary every 2 s", publishing, "%"),
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
