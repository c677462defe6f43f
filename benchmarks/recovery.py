"""`python -m benchmarks.recovery [RUNS]`: how much later things happen when processes are killed (SIGKILL) on the way.

Real processes, a real Valkey, a simulated cluster that lives faster; what is measured (RQ's and our own waiting times)
does not. Each figure is compared with the median of undisturbed runs. The exit code is 1 when a target was missed.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.killed_worker import KILLED
from benchmarks.machine import machine
from benchmarks.site import KILLED_WORKER, SCHEDULER, WATCHER, WORKER, RunningSite, running, sleep_until

RESULTS = Path(__file__).parent / "results" / "recovery.json"
_BEFORE = 0.5  # seconds before its moment in which a process is killed
_PRECISION = 0.5  # seconds by which undisturbed runs differ, more or less


@dataclass(frozen=True)
class Case:
    """Who is killed, what is late by that, and by how many seconds at most. `disturb` waits for the moment to kill."""

    who: str
    what: str
    target: float
    disturb: Callable[[RunningSite], None]
    figure: Callable[[RunningSite], float]
    worker: str = WORKER


def leave(_: RunningSite) -> None:
    """Nobody is killed."""


def restart_workers(site: RunningSite) -> None:
    """One kills itself in its pass, the other is killed at once; two new ones are started at once."""
    site.until("the first worker is killed", lambda: bool(site.redis.exists(KILLED)))
    for worker in site.children[KILLED_WORKER]:
        worker.kill()
    for _ in range(2):
        site.start(WORKER)


def kill_scheduler(site: RunningSite) -> None:
    """One of the two, just before the drift is due."""
    sleep_until(site.due() - _BEFORE)
    site.children[SCHEDULER][0].kill()


def kill_watcher(site: RunningSite) -> None:
    """One of the two, while the node is already dead and Kubernetes does not know it yet."""
    site.children[WATCHER][0].kill()


DELETE, TOLD = "DELETE after the window's end", "outage told after Kubernetes wrote it"
UNDISTURBED = (
    Case("nobody", DELETE, 0, leave, RunningSite.deleted),
    Case("nobody", TOLD, 0, leave, RunningSite.told),
)
CASES = (
    Case("a worker in its pass; another one lives", DELETE, 30, leave, RunningSite.deleted, KILLED_WORKER),
    Case(
        "both workers, one in its pass; restarted at once",
        DELETE,
        30,
        restart_workers,
        RunningSite.deleted,
        KILLED_WORKER,
    ),
    Case("a scheduler; another one lives", DELETE, 0, kill_scheduler, RunningSite.deleted),
    Case("a watcher; another one lives", TOLD, 0, kill_watcher, RunningSite.told),
)


def measure(case: Case) -> float:
    """Seconds, in a site of its own."""
    with running(case.worker) as site:
        site.demo.cut_power()
        case.disturb(site)
        return case.figure(site)


def result(case: Case, figures: Sequence[float], base: float) -> dict[str, Any]:
    """`late`: seconds beyond the median of the undisturbed runs."""
    late = [round(figure - base, 2) + 0.0 for figure in figures]
    return {
        "killed": case.who,
        "measured": case.what,
        "target": case.target,
        "median": round(median(late), 2),
        "max": max(late),
        "reached": max(late) <= case.target + _PRECISION,
        "late": late,
    }


def table(results: Sequence[Mapping[str, Any]]) -> Table:
    """For people."""
    shown = Table("killed", "what is late", "median", "max", "target", "", title="Seconds later than undisturbed")
    for row in results:
        figures = [f"{row[key]:z.1f}" for key in ("median", "max", "target")]
        shown.add_row(row["killed"], row["measured"], *figures, "reached" if row["reached"] else "MISSED")
    return shown


def main(runs: int) -> int:
    """Returns the exit code."""
    console = Console()
    figures: dict[Case, list[float]] = {}
    for case in (*UNDISTURBED, *CASES):
        figures[case] = []
        for _ in range(runs):
            figures[case].append(measure(case))
            console.print(f"{case.who}: {case.what}: {figures[case][-1]:.2f} s", highlight=False)
    base = {case.what: median(figures[case]) for case in UNDISTURBED}
    results = [result(case, figures[case], base[case.what]) for case in CASES]
    undisturbed = {what: round(seconds, 2) for what, seconds in base.items()}
    report = {**machine(), "runs": runs, "unit": "seconds", "undisturbed medians": undisturbed, "results": results}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")
    console.print(table(results))
    return 0 if all(row["reached"] for row in results) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
