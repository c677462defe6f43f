"""What happens, in order: a node that returns; then two that are lost, only observed, acted on, and repaired."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reactor.model.drift import Phase, Record
from tests.e2e.cases import ALIVE, BLOCKED, CALM, CASES, HEARD, OBSERVED, RESTARTED, RETURNED, Told
from tests.e2e.product import Product
from tests.e2e.site import PATIENCE, Seen, Site
from tests.e2e.surroundings import Surroundings
from vmdrift.processes import Processes

_SIX_MINUTES = 360.0


@dataclass(frozen=True)
class Story:
    """How things were before anything happened, and after each chapter.

    Of `lost` the power is cut, of `deaf` only the kubelet dies, at the same time; `returned` is away for a moment,
    before.
    """

    lost: str
    returned: str
    deaf: str
    first: Seen
    after_return: Seen
    observed: Seen
    acted: Seen
    back: Seen


def told(site: Site, around: Surroundings, folder: Path) -> Story:
    """Live through it. `folder`'s path must be short."""
    lost, returned, deaf, *_ = site.nodes
    _populate(site, lost, returned, deaf)
    acting = {name: {case.story} for name, case in CASES.items()} | {HEARD.name: {ALIVE}}
    observing = {name: {OBSERVED, *stories} for name, stories in acting.items()}
    with Processes(folder) as processes:
        product = Product(processes, folder, around)
        first = site.seen(product)
        with product.running("auto") as running:
            after_return = _lost_for_a_moment(site, product, running, returned)
        site.hypervisor.power_cut(lost)
        site.hypervisor.stop_kubelet(deaf)
        with product.running("observe") as running:
            observed = _settled(site, product, running, observing)
        with product.running("auto") as running:
            acted = _settled(site, product, running, acting)
            back = _back(site, product, running, lost, deaf)
    return Story(lost, returned, deaf, first, after_return, observed, acted, back)


def _populate(site: Site, lost: str, returned: str, deaf: str) -> None:
    vms = [replace(case.vm, node=lost) for case in CASES.values()]
    site.add(*vms, replace(CALM, node=returned), replace(HEARD, node=deaf))


def _lost_for_a_moment(site: Site, product: Product, running: Processes, node: str) -> Seen:
    """Cut off the network, told by vm-drift, and back before its window ends."""

    def phase() -> Phase | None:
        assert not running.dead(), running.dead()
        record = product.records(site.run).get(CALM.name)
        return record.phase if record else None

    site.hypervisor.cut_network(node)
    site.until(f"vm-drift waits for {CALM.name}'s window", lambda: phase() is Phase.WAITING)
    site.hypervisor.restore_network(node)
    site.until(f"{CALM.name}'s drift ends", lambda: (reached := phase()) is not None and reached.is_end)
    site.until(f"{node} is Ready", lambda: site.ready(node) == "True")
    return site.seen(product)


def _settled(site: Site, product: Product, running: Processes, expected: Mapping[str, set[Told]]) -> Seen:
    """When each drift has come to an expected story, or to whatever end: which, the tests say."""

    def unsettled() -> dict[str, str]:
        records = product.records(site.run)
        found = {name: _unlike(records.get(name), stories) for name, stories in expected.items()}
        return {name: words for name, words in found.items() if words}

    def settled() -> bool:
        assert not running.dead(), running.dead()
        return not unsettled()

    try:
        site.until("every drift comes to its story", settled, PATIENCE + 2 * _SIX_MINUTES / site.times)
    except AssertionError as error:
        error.add_note(f"not there yet: {unsettled()}")
        raise
    return site.seen(product)


def _unlike(record: Record | None, stories: set[Told]) -> str:
    """Where a drift stands that has neither of these stories nor an end, in words."""
    if record is None:
        return "unknown"
    return "" if record.phase.is_end or (record.phase, record.reason) in stories else record.sentence


def _back(site: Site, product: Product, running: Processes, lost: str, deaf: str) -> Seen:
    """Both nodes are repaired: what waited ends, and Kubernetes and KubeVirt start what stayed."""
    site.hypervisor.power_on(lost)
    site.hypervisor.start_kubelet(deaf)
    _settled(site, product, running, {name: {RETURNED} for name in (*BLOCKED, HEARD.name)})
    site.until("the VMs that stayed start", lambda: all(site.runs(vm) for vm in (*RESTARTED, HEARD.name)))
    return site.seen(product)
