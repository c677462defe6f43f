"""`python -m benchmarks.crowd [RUNS]`: 250 VMs of one lost node, from the end of their window to the last DELETE.

Afterwards, in the same run and on the same API server, two bare loops with the same client send the very requests that
the audit shows for that time, to a second lost node's VMs: what is beyond that is ours.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from benchmarks.many_nodes import lose
from benchmarks.place import Place, place, window
from benchmarks.report import Figure, report
from reactor.adapters.kubernetes.cluster import connect
from reactor.adapters.rq import DRIFTS

RUNS, VMS, ALL, WORKERS = 3, 250, 10, 2
_WINDOW = 30.0  # seconds; time to take everything in
_OURS, _TWIN = "node-00000", "node-00001"


def one_run() -> tuple[float, float, float]:
    """Seconds that we take, seconds that the bare loops take, and requests per VM."""
    with place(ALL, 2, VMS, window(_WINDOW)) as here:
        lose(here, 1)
        here.start("workers intake")
        here.until("all drifts are due", lambda: here.redis.zcard(f"rq:scheduled:{DRIFTS}") >= VMS)
        workers = here.start("workers scheduler", *["workers drifts"] * WORKERS)
        here.workers(1 + WORKERS)
        end = here.store.outages()[0].outage.since + _WINDOW
        time.sleep(max(0.0, end - 2 - time.time()))
        here.ask("lose", first=1, until=2, since=end - _WINDOW)
        here.ask("evict")
        here.ask("forget")
        here.until("all launcher pods are deleted", lambda: here.deleted() >= VMS)
        spent = [entry for entry in here.ask("audit") if entry["user"].endswith(":drifts")]
        last = max(entry["time"] for entry in spent if entry["verb"] == "delete")
        for child in workers:
            child.send_signal(signal.SIGSTOP)  # they have more to do, which is not measured
        asked = [entry for entry in spent if entry["time"] <= last]
        return last - end, bare(here, asked), len(asked) / VMS


def bare(here: Place, asked: Sequence[Mapping[str, Any]]) -> float:
    """Seconds from the first request to the last, by so many processes as there were workers."""
    files = [here.folder / f"bare-{number}.json" for number in range(WORKERS)]
    for number, file in enumerate(files):
        file.write_bytes(orjson.dumps([entry for i, entry in enumerate(asked) if _whose(entry, i) == number]))
    command = [sys.executable, "-m", "benchmarks.crowd", "bare", str(here.folder / "drifts.kubeconfig")]
    loops = [subprocess.Popen([*command, str(file)], stdout=subprocess.PIPE) for file in files]  # noqa: S603 - our own
    times = [orjson.loads(loop.communicate()[0]) for loop in loops]
    return float(max(end for _, end in times) - min(begin for begin, _ in times))


def _whose(entry: Mapping[str, Any], index: int) -> int:
    """All that is about one VM goes to one process; what is about none, to each in turn."""
    name = entry["name"].removeprefix("virt-launcher-")
    number = name.removeprefix(f"vm-{_OURS}-")[:3]
    return (int(number) if number.isdigit() else index) % WORKERS


def loop(kubeconfig: str, asked: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Send these requests, to the second node's VMs; when the first and when the last was, by the wall clock."""
    cluster, uids, instance = connect(kubeconfig, 30.0), dict[str, str](), ""
    cluster.find("nodes", _TWIN)  # the connection is there, as that of a worker is
    begun = time.time()
    for entry in asked:
        kind, name, space = entry["resource"], entry["name"].replace(_OURS, _TWIN), entry["namespace"]
        if entry["verb"] == "list":
            labels = f"kubevirt.io=virt-launcher,kubevirt.io/created-by in ({instance})" if kind == "pods" else ""
            for _ in cluster.pages(kind, namespace=space, labels=labels):
                pass
        elif entry["verb"] == "delete":
            cluster.delete(kind, name, space, uid=uids[name], grace=0)
        elif found := cluster.find(kind, name, space):
            uids[name] = found["metadata"]["uid"]
            instance = uids[name] if kind == "virtualmachineinstances" else instance
    return begun, time.time()


def main(runs: int) -> int:
    """Returns the exit code."""
    found = [one_run() for _ in range(runs)]
    figures = [
        Figure("ours, as a multiple of the bare loop; median", median(ours / base for ours, base, _ in found), "x", 3),
        Figure("from the window's end to the last of 250 DELETEs; median", median(row[0] for row in found), "s"),
        Figure("the bare loop; median", median(row[1] for row in found), "s"),
        Figure("API requests per VM until then", median(row[2] for row in found), ""),
    ]
    return report("crowd", "One lost node, 250 VMs, 2 workers", figures, runs=runs, found=found)


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        sys.stdout.buffer.write(orjson.dumps(loop(sys.argv[2], orjson.loads(Path(sys.argv[3]).read_bytes()))))
        sys.exit()
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
