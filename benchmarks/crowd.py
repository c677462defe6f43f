"""`python -m benchmarks.crowd [RUNS]`: 250 VMs of one lost node, from the end of their window to the last DELETE.

Afterwards, in the same run and on the same API server, two bare loops with the same client send the very requests that
the audit shows for that time, to a second lost node's VMs: what is beyond that is ours.
"""

import sys
import time
from statistics import median

from benchmarks.bare import asked_until_last_delete, bare
from benchmarks.many_nodes import lose
from benchmarks.place import place, window
from benchmarks.report import Figure, report
from reactor.adapters.rq import DRIFTS

RUNS, VMS, ALL, WORKERS = 3, 250, 10, 2
_WINDOW = 30.0  # seconds; time to take everything in


def one_run() -> tuple[float, float, float]:
    """Seconds that we take, seconds that the bare loops take, and requests per VM."""
    with place(ALL, 2, VMS, window(_WINDOW)) as here:
        lose(here, 1)
        here.start("workers intake")
        here.until("all drifts are due", lambda: here.redis.zcard(f"rq:scheduled:{DRIFTS}") >= VMS)
        here.start("workers scheduler", *["workers drifts"] * WORKERS)
        here.workers(1 + WORKERS)
        end = here.store.outages()[0].outage.since + _WINDOW
        time.sleep(max(0.0, end - 2 - time.time()))
        here.ask("lose", first=1, until=2, since=end - _WINDOW)
        here.ask("evict")
        here.ask("forget")
        here.until("all launcher pods are deleted", lambda: here.deleted() >= VMS)
        asked, last = asked_until_last_delete(here)
        return last - end, bare(here, asked, WORKERS, 1), len(asked) / VMS


def main(runs: int) -> int:
    """Returns the exit code."""
    found = [one_run() for _ in range(runs)]
    multiple = median(ours / base for ours, base, _ in found)
    figures = [
        Figure("ours, as a multiple of the bare loop; median", multiple, "x", 1.5),
        Figure("from the window's end to the last of 250 DELETEs; median", median(row[0] for row in found), "s"),
        Figure("the bare loop; median", median(row[1] for row in found), "s"),
        Figure("API requests per VM until then", median(row[2] for row in found), ""),
    ]
    return report("crowd", "One lost node, 250 VMs, 2 workers", figures, runs=runs, found=found)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
