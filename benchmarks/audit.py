"""`python -m benchmarks.audit`: one audit of the role `audit`, of 100 nodes with 1,000 VMs and of 1,000 with 10,000.

Each VM has a disk on Ceph. The role is a process of its own; the cluster stands still, and is asked over HTTP.
"""

import sys
import time
from collections.abc import Mapping

import psutil

from benchmarks.place import Place, place
from benchmarks.report import Figure, report
from reactor.adapters.redis.audits import RedisAudits
from simulator.scene import Storage

EACH = 10  # VMs on each node
SMALL, LARGE = 100, 1000  # nodes
SETTINGS: Mapping[str, str] = {"VMDRIFT_AUDIT_EVERY": "3600"}
_ROLE = "vmdrift work audit"
_POLL = 0.2  # seconds


def audited(here: Place) -> tuple[float, float, int, float, float]:
    """Seconds, those of a core, API requests, highest memory in bytes, and the share of all pairs that was judged."""
    here.ask("forget")
    (child,) = here.start(_ROLE)
    process, audits, most, seconds = psutil.Process(child.pid), RedisAudits(here.redis), 0, 0.0

    def done() -> bool:
        nonlocal most, seconds
        most, seconds = max(most, process.memory_info().rss), sum(process.cpu_times()[:2])
        time.sleep(_POLL)
        return audits.last() is not None

    here.until("it has audited", done)
    audit = audits.last()
    if audit is None or audit.vms != EACH * audit.nodes or audit.absent:
        raise RuntimeError(f"it is not what is measured: {audit}")
    pairs = audit.loss("any-2")
    return audit.took, seconds, here.requests("audit"), most, pairs.judged / pairs.sets if pairs else 0.0


def figures(nodes: int, seconds: float, megabytes: float) -> list[Figure]:
    """Of a cluster of so many nodes; the others: what is to be reached."""
    with place(nodes, nodes, EACH, SETTINGS, Storage.RBD_BLOCK) as here:
        took, cpu, requests, memory, pairs = audited(here)
    return [
        Figure(f"{nodes:,} nodes, {nodes * EACH:,} VMs: one audit", took, "s", seconds),
        Figure("of a core for that", cpu, "s"),
        Figure("API requests for that, all of them lists", requests, "", 200),
        Figure("highest memory (RSS)", memory / 1e6, "MB", megabytes),
        Figure("of all pairs of nodes, judged within a minute", 100 * pairs, "%"),
    ]


def main() -> int:
    """Returns the exit code."""
    found = [*figures(SMALL, 30, 200), *figures(LARGE, 300, 1000)]
    return report("audit", "The hourly audit", found, vms_each=EACH)


if __name__ == "__main__":
    sys.exit(main())
