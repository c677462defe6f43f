"""What happens, in order: a node that returns, a lost node that is only observed, acted on, and repaired."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from reactor.model.drift import Phase
from simulator.scene import Storage, Vm
from tests.e2e.product import Product
from tests.e2e.site import PATIENCE, Seen, Site
from tests.e2e.surroundings import Surroundings
from vmdrift.processes import Processes

MOVED = ("web", "queue", "database")
STAYS = ("scratch", "licence")
CALM = "wiki"  # on a node that is lost for a moment only
_SIX_MINUTES = 360.0


@dataclass(frozen=True)
class Story:
    """How things were before anything happened, and after each chapter."""

    lost: str
    returned: str
    first: Seen
    after_return: Seen
    observed: Seen
    acted: Seen
    back: Seen


def told(site: Site, around: Surroundings, folder: Path) -> Story:
    """Live through it. `folder`'s path must be short."""
    lost, returned = site.nodes[:2]
    site.add(*_vms(site.run, lost, returned))
    with Processes(folder) as processes:
        product = Product(processes, folder, around)
        first = site.seen(product)
        with product.running("auto") as running:
            after_return = _lost_for_a_moment(site, product, running, returned)
        site.hypervisor.power_cut(lost)
        with product.running("observe") as running:
            observed = _settled(site, product, running, "observe-only")
        with product.running("auto") as running:
            acted = _settled(site, product, running, "running-elsewhere")
        back = _back(site, product, lost)
    return Story(lost, returned, first, after_return, observed, acted, back)


def _vms(namespace: str, lost: str, returned: str) -> Iterable[Vm]:
    """Evicted five seconds after their node is known to be lost; the calm one after Kubernetes' five minutes."""
    here = Vm("", namespace=namespace, node=lost, toleration=5)
    delete, wait = ({"vmdrift.io/detach": policy} for policy in ("delete", "wait"))
    yield replace(here, name="web")
    yield replace(here, name="queue", storage=Storage.RBD_BLOCK, annotations=delete)
    yield replace(here, name="database", storage=Storage.RBD_BLOCK, annotations=wait)
    yield replace(here, name="scratch", storage=Storage.LOCAL)
    yield replace(here, name="licence", pinned=True)
    yield Vm(CALM, namespace=namespace, node=returned)


def _lost_for_a_moment(site: Site, product: Product, running: Processes, node: str) -> Seen:
    """Cut off the network, told by vm-drift, and back before its window ends."""

    def phase() -> Phase | None:
        assert not running.dead(), running.dead()
        record = product.records(site.run).get(CALM)
        return record.phase if record else None

    site.hypervisor.cut_network(node)
    site.until(f"vm-drift waits for {CALM}'s window", lambda: phase() is Phase.WAITING)
    site.hypervisor.restore_network(node)
    site.until(f"{CALM}'s drift ends", lambda: (reached := phase()) is not None and reached.is_end)
    site.until(f"{node} is Ready", lambda: site.ready(node) == "True")
    return site.seen(product)


def _back(site: Site, product: Product, node: str) -> Seen:
    """The lost node is repaired; who stayed starts there."""
    site.hypervisor.power_on(node)
    site.until("the VMs that stayed start", lambda: all(site.runs_on(vm, node) for vm in STAYS))
    return site.seen(product)


def _settled(site: Site, product: Product, running: Processes, reason: str) -> Seen:
    """When those who may move have come to this reason, or to whatever end, and the others to theirs."""

    def settled() -> bool:
        assert not running.dead(), running.dead()
        records = product.records(site.run)
        ended = {vm for vm, record in records.items() if record.phase.is_end}
        there = {vm for vm, record in records.items() if record.reason == reason}
        return ended >= set(STAYS) and ended | there >= set(MOVED)

    site.until(f"{', '.join(MOVED)} {reason}", settled, PATIENCE + 2 * _SIX_MINUTES / site.times)
    return site.seen(product)
