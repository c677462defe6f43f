"""The bare loop: what vm-drift asked of the API server, asked again by a loop with the same client, for twins.

`python -m benchmarks.bare KUBECONFIG FILE` sends the requests in FILE, and says when it sent the first and the last.
"""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from benchmarks.place import Place
from reactor.adapters.kubernetes.cluster import connect

_EVICTED = 1 / 8  # of the window before its end; nobody is woken by it here, and evicting 10,000 takes time, too
_NODE, _VM = re.compile(r"node-(\d{5})"), re.compile(r"vm-node-(\d{5})-(\d{3})")
_INSTANCE = re.compile(r"\([0-9a-f,-]{36,}\)")  # in a selector of its launcher pods
Request = dict[str, Any]  # as the audit has it


def released(here: Place, seconds: float, workers: int, vms: int) -> tuple[float, float, int]:
    """All VMs of the outages in the store, so many, are let go at the end of their window of so many seconds.

    Returns the seconds from that end to the last DELETE of a launcher pod, those of the bare loops, and our requests
    in that time. The bare loops have the VMs of as many nodes more, which are not lost.
    """
    here.start("workers scheduler", *["workers drifts"] * workers)
    here.workers(1 + workers)  # and intake
    outages = [record.outage for record in here.store.outages()]
    end = max(outage.since for outage in outages) + seconds
    time.sleep(max(0.0, end - seconds * _EVICTED - time.time()))
    here.ask("evict")
    here.ask("forget")
    here.until("all launcher pods are deleted", lambda: here.deleted() >= vms)
    asked, last = _asked(here, end)
    return last - end, bare(here, asked, workers, len(outages)), len(asked)


def _asked(here: Place, since: float) -> tuple[list[Request], float]:
    """The requests of the drift workers since then, until the last DELETE of a pod, and when that was.

    Stops all of vm-drift's processes: they have more to do, and none of it shall disturb what is measured next.
    """
    audit = [entry for entry in here.ask("audit") if entry["user"].endswith(":drifts")]
    for name, child in here.processes.children.items():
        if "workers" in name:
            child.send_signal(signal.SIGSTOP)
    last = max(entry["time"] for entry in audit if (entry["verb"], entry["resource"]) == ("delete", "pods"))
    return [entry for entry in audit if since <= entry["time"] <= last], last


def bare(here: Place, asked: Sequence[Request], loops: int, lost: int) -> float:
    """Seconds from the first request to the last, by so many loops; the twins are on the `lost` nodes after ours."""
    twins = [entry | {key: _twin(entry[key], lost) for key in ("name", "fields")} for entry in asked]
    files = [here.folder / f"bare-{number}.json" for number in range(loops)]
    for number, file in enumerate(files):
        file.write_bytes(orjson.dumps([entry for i, entry in enumerate(twins) if _whose(entry, i) % loops == number]))
    command = [sys.executable, "-m", "benchmarks.bare", str(here.folder / "drifts.kubeconfig")]
    children = [subprocess.Popen([*command, str(file)], stdout=subprocess.PIPE) for file in files]  # noqa: S603 - ours
    times = [orjson.loads(child.communicate()[0]) for child in children]
    return float(max(end for _, end in times) - min(begin for begin, _ in times))


def _twin(name: str, lost: int) -> str:
    return _NODE.sub(lambda found: f"node-{int(found[1]) + lost:05}", name)


def _whose(entry: Request, index: int) -> int:
    """All that is about one VM goes to one process; what is about none, to each in turn."""
    found = _VM.search(entry["name"])
    return int(found[1]) + int(found[2]) if found else index


def loop(kubeconfig: str, asked: Sequence[Request]) -> tuple[float, float]:
    """Send these requests; when the first and when the last was, by the wall clock."""
    cluster, uids, instance = connect(kubeconfig, 30.0), dict[str, str](), ""
    cluster.find("nodes", "node-00000")  # the connection is there, as that of a worker is
    begun = time.time()
    for entry in asked:
        kind, name, space = entry["resource"], entry["name"], entry["namespace"]
        if entry["verb"] == "list":
            labels = _INSTANCE.sub(f"({instance})", entry["labels"])
            for _ in cluster.pages(kind, namespace=space, labels=labels, fields=entry["fields"]):
                pass
        elif entry["verb"] == "delete":
            cluster.delete(kind, name, space, uid=uids[name], grace=0)
        elif found := cluster.find(kind, name, space):
            uids[name] = found["metadata"]["uid"]
            instance = uids[name] if kind == "virtualmachineinstances" else instance
    return begun, time.time()


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(loop(sys.argv[1], orjson.loads(Path(sys.argv[2]).read_bytes()))))
