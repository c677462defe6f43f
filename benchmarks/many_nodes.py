"""`python -m benchmarks.many_nodes`: 40 lost nodes with 10,000 VMs, until all of their launcher pods are deleted.

In the same run: whether requests grow with VMs only, and how long a bare loop takes (`benchmarks.bare`), for the VMs of
40 more nodes, which are never lost.
"""

import sys
import time

from benchmarks.bare import released
from benchmarks.place import Place, place, window
from benchmarks.report import Figure, report
from reactor.adapters.rq import DRIFTS, event_entry
from reactor.model.event import unreachable
from reactor.model.node import node_view

LOST, EACH, ALL, WORKERS = 40, 250, 200, 2
LONG = 120.0  # seconds; time to take everything in
_SCHEDULED = f"rq:scheduled:{DRIFTS}"


def lose(here: Place, nodes: int) -> None:
    """Nodes 0 to NODES-1 are lost now, and an event for each is queued: "events in"."""
    here.ask("lose", first=0, until=nodes, since=time.time())
    cluster = here.cluster("watcher")
    for number in range(nodes):
        outage = node_view(cluster.find("nodes", f"node-{number:05}") or {}).outage
        if outage is None:
            raise RuntimeError("a node that should be lost is not")
        here.queue.wake(event_entry(unreachable(outage, "/bench")), time.time())


def taken_in(nodes: int, each: int, all_nodes: int) -> tuple[float, int, float]:
    """Seconds from the events to all drifts due in Redis, API requests for that, and bytes in Redis per VM."""
    with place(all_nodes, nodes, each, window(3600)) as here:
        return scheduled(here, nodes, each)


def scheduled(here: Place, nodes: int, each: int) -> tuple[float, int, float]:
    """The same, in a place that is there already."""
    before = here.memory()
    lose(here, nodes)
    here.ask("forget")
    begun = time.time()
    here.start("workers intake", "workers intake")
    done = here.until("all drifts are due", lambda: here.redis.zcard(_SCHEDULED) >= nodes * each)
    return done - begun, here.requests("intake"), (here.memory() - before) / (nodes * each)


def main() -> int:
    """Returns the exit code."""
    vms = LOST * EACH
    few = {(4, 250): taken_in(4, 250, ALL), (40, 25): taken_in(40, 25, ALL)}
    with place(ALL, 2 * LOST, EACH, window(LONG)) as here:
        empty = here.memory()
        took, requests, before = scheduled(here, LOST, EACH)
        took_all, base, asked = released(here, LONG, WORKERS, vms)
        memory = here.memory()
    figures = [
        Figure("10,000 VMs of 40 nodes: from the events to all drifts due", took, "s", 30),
        Figure("Redis per VM before its first pass", before / 1000, "kB", 4),
        Figure("Redis per VM after passes", (memory - empty) / vms / 1000, "kB", 8),
        Figure("API requests per VM to take in: 4 nodes, 1,000 VMs", few[4, 250][1] / 1000, ""),
        Figure("the same: 40 nodes, 1,000 VMs", few[40, 25][1] / 1000, ""),
        Figure("the same: 40 nodes, 10,000 VMs", requests / vms, ""),
        Figure("from the window's end to the last of 10,000 DELETEs, 2 workers", took_all, "s"),
        Figure("the bare loop of the same requests", base, "s"),
        Figure("ours, as a multiple of the bare loop", took_all / base, "x", 1.5),
        Figure("API requests per VM until then", asked / vms, ""),
    ]
    return report("many_nodes", "40 lost nodes, 10,000 VMs", figures)


if __name__ == "__main__":
    sys.exit(main())
