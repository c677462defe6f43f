"""`python -m benchmarks.host_off [LOSSES]`: from a power cut to Running, in real time and over HTTP.

Default timings of kubelets, of Kubernetes and of vm-drift, whose processes are the real ones, and a BMC that answers
over Redfish and reads Off from the cut on. Simulated: control plane, kubelets and storage. Nodes are lost one after the
other, each at a random moment; two such clusters live side by side.
"""

import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.report import Figure, report
from simulator.scene import Storage, Vm
from simulator.timing import Timing
from tests.e2e.control_plane import ControlPlane
from tests.e2e.hosts import Hosts, Loss, hosts
from tests.e2e.product import Product
from tests.e2e.site import Site, site
from vmdrift.processes import Processes

LOSSES, SITES = 20, 2
_INTERVAL = Timing().lease_renew  # seconds
_ROWS = (
    ("suspected", "suspicion", None),
    ("proven", "proof", None),
    ("released", "last release", None),
    ("running", "the last VM Running", 30.0),
)


@contextmanager
def place() -> Iterator[tuple[Site, Hosts]]:
    """A cluster with two VMs on each of its nodes, one with a disk, and vm-drift, which watches it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="vmd-")))
        processes = stack.enter_context(Processes(folder))
        around = ControlPlane(processes, folder, "1").surroundings
        found = stack.enter_context(site(around))
        product = Product(processes, folder, around)
        machines = stack.enter_context(hosts(found, product, folder))
        found.add(*(vm for number, node in enumerate(found.nodes) for vm in _vms(number, node)))
        machines.watched(stack.enter_context(product.running("auto", **machines.settings)))
        yield found, machines


def _vms(number: int, node: str) -> tuple[Vm, Vm]:
    return Vm(f"plain-{number}", node=node), Vm(f"disk-{number}", Storage.RBD_BLOCK, node=node)


def one_site(losses: int) -> list[dict[str, float]]:
    """Seconds from each power cut."""
    with place() as (found, machines):
        return [_lost(found, machines, number) for number in range(losses)]


def _lost(found: Site, machines: Hosts, number: int) -> dict[str, float]:
    node = next(node for node in _turned(found.nodes, number) if found.on(node))
    time.sleep(random.uniform(0.0, _INTERVAL))  # noqa: S311 - any moment of the kubelet's interval
    loss = machines.lose(node)
    machines.repair(node)
    return _figures(loss)


def _turned(nodes: tuple[str, ...], number: int) -> tuple[str, ...]:
    """Another one first each time."""
    first = number % len(nodes)
    return nodes[first:] + nodes[:first]


def _figures(loss: Loss) -> dict[str, float]:
    bad = [r.sentence for r in loss.records.values() if (r.reason, r.proof) != ("running-elsewhere", "fenced")]
    if bad or loss.suspected is None:
        raise RuntimeError(f"{loss.node}: {bad or 'was never suspected'}")
    return {
        "vms": len(loss.records),
        "suspected": loss.suspected,
        "proven": loss.proven,
        "released": max(map(loss.released, loss.records)),
        "running": max(map(loss.ran, loss.records)),
    }


def _both(found: list[dict[str, float]], name: str, what: str, goal: float | None) -> tuple[Figure, Figure]:
    """Median and worst; `goal` is the worst one's."""
    seconds = [one[name] for one in found]
    title = f"real time, host off, BMC answers: power cut to {what}, median"
    return Figure(title, median(seconds), "s"), Figure("the same, most", max(seconds), "s", goal)


def main(losses: int) -> int:
    """Returns the exit code."""
    with ProcessPoolExecutor(SITES, multiprocessing.get_context("spawn")) as pool:
        found = [one for some in pool.map(one_site, [losses // SITES] * SITES) for one in some]
    figures = [figure for row in _ROWS for figure in _both(found, *row)]
    return report("host_off", "From a power cut to Running (real time)", figures, losses=len(found), found=found)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else LOSSES))
