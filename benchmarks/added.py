"""`python -m benchmarks.added [RUNS]`: from Kubernetes' eviction of a launcher pod to our DELETE of it.

A simulated cluster in real time, with ten VMs on the node that is lost; only its windows are shorter. Nothing of what
is measured (RQ's due times, our passes) is.
"""

import sys
import time
from statistics import median, quantiles
from typing import Any

from benchmarks.report import Figure, report
from benchmarks.site import WORKER, RunningSite, running, sleep_until

RUNS, VMS = 10, 10


def one_run() -> list[float]:
    """Seconds for each VM of one lost node."""
    with running(WORKER, VMS) as site:
        site.demo.cut_power()
        site.until("the drifts have begun", lambda: len(site.records()) == VMS)
        sleep_until(site.due() - 1)
        while released(site) < VMS:
            time.sleep(0.5)  # whoever looks more often takes the time of those who are measured
        evicted = {key(entry): entry["time"] for entry in site.requests("pods", "delete") if evicts(entry)}
        return [entry["time"] - evicted[key(entry)] for entry in site.deleted_launchers()]


def released(site: RunningSite) -> int:
    """How many drifts are, by Redis: to ask the cluster for its audit takes the time of who answers our requests."""
    return sum(record.released_at is not None for record in site.records().values())


def key(entry: dict[str, Any]) -> tuple[str, str]:
    """Which pod."""
    return entry["namespace"], entry["name"]


def evicts(entry: dict[str, Any]) -> bool:
    """Kubernetes' own deletion of what is on a node with the taint."""
    return "taint-eviction" in entry["user"]


def main(runs: int) -> int:
    """Returns the exit code."""
    found = [late for _ in range(runs) for late in one_run()]
    figures = [
        Figure("eviction of a launcher pod to our DELETE, median", median(found), "s", 0.15),
        Figure("the same, p99", quantiles(found, n=100, method="inclusive")[98], "s", 0.5),
        Figure("the same, least", min(found), "s"),
        Figure("the same, most", max(found), "s"),
    ]
    return report("added", "Added recovery time: eviction to DELETE", figures, runs=runs, vms=VMS, found=found)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
