"""A node that somebody confirms to be off: its VMs run elsewhere within seconds; nothing stays."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reactor.model.drift import Proof, Record
from reactor.model.event import NODE_FENCED, Event
from reactor.model.node import node_view
from simulator.scene import FOR_EVER, Storage, Vm
from tests.e2e.once import Once, once
from tests.e2e.product import SENDER, Product
from tests.e2e.site import Seen, Site
from tests.e2e.site import site as a_site
from tests.e2e.surroundings import Surroundings
from vmdrift.processes import Processes

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

# Their launchers tolerate a lost node for five minutes, or for ever: none is Terminating when it is confirmed.
_VMS = (Vm("web"), Vm("database", Storage.RBD_BLOCK), Vm("patient", Storage.RBD_SHARED, toleration=FOR_EVER))


@dataclass(frozen=True)
class Fenced:
    """What became of a node's VMs."""

    seen: Seen
    site: Site

    def took(self, vm: str) -> float:
        """Seconds from the proof to running elsewhere."""
        record = self.seen.records[vm]
        assert record.ended_at is not None
        return record.ended_at - record.weighed


@pytest.fixture(scope="module")
def played(around: Surroundings) -> Iterator[Once[Fenced]]:
    with once(_played(around)) as played:
        yield played


@contextmanager
def _played(around: Surroundings) -> Iterator[Fenced]:
    with (
        tempfile.TemporaryDirectory(prefix="vmd-") as folder,
        a_site(around) as site,
        Processes(Path(folder)) as processes,
    ):
        product = Product(processes, Path(folder), around)
        yield _told(site, product)


@pytest.fixture
def fenced(played: Once[Fenced]) -> Fenced:
    return played.get()


def _told(site: Site, product: Product) -> Fenced:
    lost = site.nodes[0]
    site.add(*(replace(vm, node=lost) for vm in _VMS))
    more = {"VMDRIFT_FENCING": "event", "VMDRIFT_UNREACHABLE_WINDOW": "300"}
    with product.running("auto", **more) as running:

        def records(true: Callable[[Record], bool]) -> bool:
            assert not running.dead(), running.dead()
            found = product.records(site.run)
            return len(found) == len(_VMS) and all(map(true, found.values()))

        site.hypervisor.power_cut(lost)
        site.until("vm-drift knows of every VM", lambda: records(lambda _: True))
        _confirm(site, product, lost)
        site.until("every VM is at its end", lambda: records(lambda record: record.phase.is_end))
        seen = site.seen(product)
        site.hypervisor.power_on(lost)
        site.until(
            "the node is Ready, and free of our taint", lambda: site.ready(lost) == "True" and not _tainted(site, lost)
        )
        return Fenced(seen, site)


def _confirm(site: Site, product: Product, name: str) -> None:
    node, now = node_view(site.client.get("nodes", name)), time.time()
    told = {"uid": node.uid, "bootID": node.boot, "how": "its power was cut"}
    product.inbox.accept([Event(NODE_FENCED, "/pdu", f"{now}", name, now, told)], SENDER)


def _tainted(site: Site, name: str) -> bool:
    return node_view(site.client.get("nodes", name)).out_of_service


@pytest.mark.parametrize("vm", [vm.name for vm in _VMS])
def test_a_vm_runs_elsewhere_long_before_any_window_ends(
    fenced: Fenced, vm: str, record_property: Callable[[str, object], None]
) -> None:
    assert fenced.seen.story(vm) == ("completed", "running-elsewhere")
    assert fenced.seen.records[vm].proof is Proof.FENCED
    assert fenced.seen.running[vm] == [fenced.seen.records[vm].target]
    record_property(f"seconds from proof to running on {fenced.site.plane}, {vm}", round(fenced.took(vm), 1))


def test_no_vm_ran_twice_and_no_disk_had_two_writers(fenced: Fenced) -> None:
    assert fenced.site.hypervisor.double_runs == []
    assert fenced.site.hypervisor.double_writes == []
