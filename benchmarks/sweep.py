"""`python -m benchmarks.sweep [RUNS]`: one process looks whether anything of 10,000 open drifts was lost."""

import os
import sys
import time
from statistics import median

from benchmarks.many_nodes import ALL, EACH, LOST, scheduled
from benchmarks.place import Place, place, window
from benchmarks.report import Figure, report
from reactor.model.event import unreachable
from reactor.settings import Settings
from reactor.wiring import Wiring
from workers.app import App
from workers.intake.outage import take_event

RUNS = 5


def sweep(here: Place) -> tuple[float, int]:
    """Seconds of one sweep over everything, and its API lists."""
    os.environ.update(here.env("intake"))
    wiring = Wiring.of(Settings.read(os.environ))
    tools, outages = App.of(wiring).tools(), wiring.store.outages()
    here.ask("forget")
    begun = time.monotonic()
    for outage in outages:
        take_event(unreachable(outage.outage, "/bench"), tools)
    took = time.monotonic() - begun
    asked = here.ask("requests")
    return took, sum(number for user, verb, _, number in asked if (user, verb) == ("intake", "list"))


def main(runs: int) -> int:
    """Returns the exit code."""
    with place(ALL, LOST, EACH, window(3600)) as here:
        scheduled(here, LOST, EACH)
        found = [sweep(here) for _ in range(runs)]
    figures = [
        Figure("sweep over 10,000 open drifts of 40 nodes, median", median(took for took, _ in found), "s", 5),
        Figure("API lists per lost node in a sweep", median(lists for _, lists in found) / LOST, "", 1),
    ]
    return report("sweep", "Sweep over 10,000 open drifts", figures, runs=runs, found=found)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
