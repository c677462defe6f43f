"""`python -m benchmarks.worker`: passes per second of one worker whose drifts only wait, and its memory."""

import sys
import time

import psutil

from benchmarks.many_nodes import lose
from benchmarks.place import Place, place, window
from benchmarks.report import Figure, report
from reactor.adapters.rq import DRIFTS, drift_entry

LOST, EACH, ALL = 4, 250, 100
PASSES = LOST * EACH
_DONE = f"rq:scheduled:{DRIFTS}"


def passes(here: Place, process: psutil.Process) -> tuple[float, float]:
    """Per second, and the share of a core, while each drift's job runs once and is scheduled anew.

    No scheduler runs: what was done stays done.
    """
    for outage in here.store.outages():
        for record in here.store.records(outage.outage.id):
            here.redis.delete(f"rq:job:{record.drift.id}")
            here.queue.wake(drift_entry(record.drift), time.time())
    here.redis.delete(_DONE)
    before, begun = sum(process.cpu_times()[:2]), time.time()
    process.resume()
    done = here.until("each has had its pass", lambda: here.redis.zcard(_DONE) >= PASSES)
    process.suspend()
    took = done - begun
    return PASSES / took, (sum(process.cpu_times()[:2]) - before) / took


def measure(here: Place, *, due: bool) -> tuple[float, float, float, float]:
    """Passes per second, share of a core, API requests per pass, RSS in bytes."""
    lose(here, LOST)
    here.start("workers intake", "workers intake")
    here.until("all drifts are due", lambda: here.redis.zcard(_DONE) >= PASSES)
    if due:
        time.sleep(11)
    (child,) = here.start("workers drifts")
    here.workers(3)
    process = psutil.Process(child.pid)
    process.suspend()
    here.ask("forget")
    speed, share = passes(here, process)
    return speed, share, here.requests("drifts") / PASSES, process.memory_info().rss


def main() -> int:
    """Returns the exit code."""
    figures = []
    for what, seconds, due in (("in the window", 3600, False), ("after it, not evicted yet", 10, True)):
        with place(ALL, LOST, EACH, window(seconds)) as here:
            speed, share, requests, memory = measure(here, due=due)
        figures += [
            Figure(f"passes {what}", speed, "/s", 60, least=True),
            Figure("of a core for that", 100 * share, "%"),
            Figure("API requests per pass", requests, ""),
            Figure("memory (RSS)", memory / 1e6, "MB", 100),
        ]
    return report("worker", "Worker, drifts that only wait", figures)


if __name__ == "__main__":
    sys.exit(main())
