"""`python -m benchmarks.crowd [RUNS]`: 250 VMs of one lost node, from the end of their window to the last DELETE.

Afterwards, in the same run and on the same API server, two bare loops with the same client send the very requests that
the audit shows for that time, for as many VMs of a second node: what is beyond that is ours. The simulated API server
answers within a fraction of a millisecond, and on the same cores; so all of it once more with one that takes longer.
"""

import sys
from statistics import median
from typing import NamedTuple

from benchmarks.bare import released
from benchmarks.many_nodes import lose
from benchmarks.place import place, window
from benchmarks.report import Figure, report
from reactor.adapters.rq import DRIFTS

RUNS, VMS, ALL, WORKERS = 3, 250, 10, 2
_WINDOW = 30.0  # seconds; time to take everything in
_LONGER = 0.003  # seconds for each answer; simulated, not measured anywhere


class Run(NamedTuple):
    """Seconds that we take, seconds that the bare loops take, and requests per VM."""

    ours: float
    bare: float
    requests: float


def one_run(longer: float) -> Run:
    """`longer`: seconds that the API server takes more for each answer."""
    with place(ALL, 2, VMS, window(_WINDOW)) as here:
        lose(here, 1)
        here.start("workers intake")
        here.until("all drifts are due", lambda: here.redis.zcard(f"rq:scheduled:{DRIFTS}") >= VMS)
        here.ask("slow", seconds=longer)
        ours, base, requests = released(here, _WINDOW, WORKERS, VMS)
        return Run(ours, base, requests / VMS)


def figures(runs: list[Run], target: float | None, what: str = "") -> list[Figure]:
    """Medians; `what` goes before each."""
    multiple = median(run.ours / run.bare for run in runs)
    last = median(run.ours for run in runs)
    return [
        Figure(f"{what}ours, as a multiple of the bare loop; median", multiple, "x", target),
        Figure(f"{what}from the window's end to the last of 250 DELETEs; median", last, "s"),
        Figure(f"{what}the bare loop; median", median(run.bare for run in runs), "s"),
    ]


def main(runs: int) -> int:
    """Returns the exit code."""
    quick, slow = ([one_run(longer) for _ in range(runs)] for longer in (0.0, _LONGER))
    shown = [
        *figures(quick, 1.5),
        Figure("API requests per VM until then", median(run.requests for run in quick), ""),
        *figures(slow, None, f"an API server that takes {1000 * _LONGER:g} ms longer to answer: "),
    ]
    return report("crowd", "One lost node, 250 VMs, 2 workers", shown, runs=runs, found=[quick, slow])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
