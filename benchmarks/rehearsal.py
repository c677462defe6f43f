"""`python -m benchmarks.rehearsal`: seconds and memory of a rehearsal, of one node and of every node in turn.

As the command has it after the cluster was read: it is loaded, then played.
"""

import json
import logging
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping

import structlog

from benchmarks.report import Figure, report
from reactor.model.drift import Policy
from rehearsal.course import Course
from rehearsal.twins.cluster import ApiCluster
from simulator.actors.attach_detach import attachment_name
from simulator.client import Obj
from simulator.scene import Scene, Storage, Vm, staged
from vmdrift.rehearse.play import Stage, play_all
from vmdrift.snapshot import ClusterSnapshot, from_cluster

_NODES = 100
_NAME, _UID = (
    re.compile(r"\b(node-|vm-|virt-handler-)(?=[0-9a-z]+\b)"),
    re.compile(r"\b[0-9a-f]{4}([0-9a-f]{4}-[0-9a-f]{4}-)"),
)
# Each copy has its own; the others are there once.
_MANY = frozenset({"nodes", "leases", "pods", "virtualmachines", "virtualmachineinstances"}) | {
    *("persistentvolumes", "persistentvolumeclaims", "volumeattachments"),
}
_FULL = 50  # VMs on the node that is lost first
_MIB = 1024.0


def cluster(nodes: int, vms: int) -> ClusterSnapshot:
    """Half of its VMs have an RBD volume. It is made of copies of one with a hundred nodes."""
    copies = nodes // _NODES
    names = tuple(f"node-{number}" for number in range(_NODES))
    kinds = (Storage.CONTAINER_DISK, Storage.RBD_BLOCK)
    placed = (names[0] if number < _FULL else names[1 + number % (_NODES - 1)] for number in range(vms // copies))
    world = staged(Scene(names, tuple(Vm(f"vm-{n}", kinds[n % 2], node=node) for n, node in enumerate(placed))))
    there = from_cluster(ApiCluster(world.api, "admin"), world.now)
    texts = {kind: json.dumps(of_kind) for kind, of_kind in there.objects.items()}
    objects: dict[str, list[Obj]] = {kind: [] for kind in texts}
    for number in range(copies):
        for kind, of_kind in _copied(texts, number).items():
            objects[kind] += of_kind if kind in _MANY or not number else []
    return ClusterSnapshot(objects, there.at)


def _copied(texts: Mapping[str, str], copy: int) -> dict[str, list[Obj]]:
    """With names and uids of its own; the first has those that were there. A VolumeAttachment is named by its place."""
    if not copy:
        return {kind: json.loads(text) for kind, text in texts.items()}
    objects = {
        kind: json.loads(_NAME.sub(rf"\g<1>{copy}-", _UID.sub(rf"{copy:04x}\1", text))) for kind, text in texts.items()
    }
    volumes = {volume["metadata"]["name"]: volume for volume in objects["persistentvolumes"]}
    for one in objects["volumeattachments"]:
        volume = volumes[one["spec"]["source"]["persistentVolumeName"]]
        one["metadata"]["name"] = attachment_name(volume, one["spec"]["nodeName"])
    return objects


def measured(nodes: int, vms: int, losses: int) -> tuple[float, float, float]:
    """Seconds, of which so many of a core, and MiB of the largest process. So many nodes are lost in turn."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    there = cluster(nodes, vms)
    begun, busy = time.monotonic(), _busy()
    played = play_all(Stage.of(there, Policy(), Course()), [(f"node-{n}",) for n in range(losses)], lambda: None)
    took, busy = time.monotonic() - begun, _busy() - busy
    if sum(len(one.fates) for one in played) < _FULL:
        raise SystemExit("no VM ran there")
    used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return took, busy, max(used) / _MIB


def _busy() -> float:
    """Seconds of a core that this process and its children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def apart(nodes: int, vms: int, losses: int) -> tuple[float, float, float]:
    """The same in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.rehearsal", str(nodes), str(vms), str(losses)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    took, busy, used = map(float, done.stdout.split())
    return took, busy, used


def _figures(what: str, found: tuple[float, float, float], target: float | None) -> list[Figure]:
    took, busy, used = found
    rows = [Figure(what, took, "s", target), Figure("of a core for that", busy, "s")]
    return [*rows, Figure("memory of the largest process", used, "MiB")]


def main() -> int:
    """Returns the exit code."""
    one, each, big = apart(100, 3_000, 1), apart(100, 3_000, 100), apart(1_000, 10_000, 1)
    figures = [
        *_figures("100 nodes, 3,000 VMs: a node with 50 VMs", one, 5),
        *_figures("100 nodes, 3,000 VMs: each node in turn", each, 180),
        *_figures("1,000 nodes, 10,000 VMs: a node with 50 VMs", big, None),
    ]
    return report("rehearsal", "Rehearsal of outages in virtual time", figures)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(*measured(*map(int, sys.argv[1:])))  # noqa: T201 - for its parent
        sys.exit(0)
    sys.exit(main())
