"""The power of a host is cut, and its BMC says so: its VMs run elsewhere before Kubernetes calls the node unreachable.

In real time only: where the control plane lives faster, it notices before vm-drift suspects anybody.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reactor.model.drift import Proof, Record
from reactor.model.identity import Outage
from reactor.model.node import node_view
from reactor.settings import Settings
from rehearsal.loaded import loaded
from rehearsal.outage import Played, played
from simulator.scene import FOR_EVER, Storage, Vm
from tests.e2e.hosts import Loss, hosts
from tests.e2e.once import Once, once
from tests.e2e.product import Product
from tests.e2e.site import Seen, Site
from tests.e2e.site import site as a_site
from tests.e2e.surroundings import Surroundings
from vmdrift.processes import Processes
from vmdrift.snapshot import snapshot
from vmdrift.snapshot.source import live

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

# No launcher is Terminating when its node is proven dead: Kubernetes has not noticed anything.
_VMS = (Vm("web"), Vm("database", Storage.RBD_BLOCK), Vm("patient", Storage.RBD_SHARED, toleration=FOR_EVER))
_NAMES = [vm.name for vm in _VMS]


@dataclass(frozen=True)
class HostOff:
    """What became of it: when the VMs ran, and `later`, when Kubernetes had noticed and vm-drift knew.

    `noticed`: seconds from the power cut to Kubernetes' Unknown; `ordered`: how often the host was switched;
    `rehearsed`: what a rehearsal of this cluster, as it was before, says of each VM.
    """

    site: Site
    loss: Loss
    seen: Seen
    noticed: float
    outages: list[Outage]
    later: Mapping[str, Record]
    ordered: int
    rehearsed: Mapping[str, Played]


@pytest.fixture(scope="module")
def lived(around: Surroundings) -> Iterator[Once[HostOff]]:
    if around.times != 1:
        pytest.skip(f"TIMES={around.times:g}: Kubernetes notices before a node is suspected; TIMES=1 plays it")
    with once(_played(around)) as lived:
        yield lived


@contextmanager
def _played(around: Surroundings) -> Iterator[HostOff]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vmd-")))
        site = stack.enter_context(a_site(around))
        product = Product(stack.enter_context(Processes(folder)), folder, around)
        yield _told(site, product, folder)


@pytest.fixture
def host_off(lived: Once[HostOff]) -> HostOff:
    return lived.get()


def _told(site: Site, product: Product, folder: Path) -> HostOff:
    lost = site.nodes[0]
    site.add(*(replace(vm, node=lost) for vm in _VMS))
    with hosts(site, product, folder) as machines, product.running("auto", **machines.settings) as running:
        machines.watched(running)
        before = snapshot(live(Settings.read({"KUBECONFIG": str(site.around.kubeconfig)})))
        loss = machines.lose(lost)
        seen = site.seen(product)
        site.until("Kubernetes has noticed it", lambda: site.ready(lost) == "Unknown")
        since = node_view(site.client.get("nodes", lost)).ready_since
        site.until("vm-drift knows", lambda: all(since in {o.since, o.noticed} for o in product.outages(lost)))
        outages, later, ordered = product.outages(lost), product.records(site.run), machines.bmc.orders(lost)
        machines.repair(lost)
        rehearsed = played(loaded(before.objects, before.at), [lost], product.policy(**machines.settings))
        fates = {one.vm.name: one for one in rehearsed if one.vm.namespace == site.run}
        return HostOff(site, loss, seen, since - loss.at, outages, later, ordered, fates)


@pytest.mark.parametrize("vm", _NAMES)
def test_a_vm_runs_elsewhere_by_proof_with_one_new_launcher(host_off: HostOff, vm: str) -> None:
    assert host_off.seen.story(vm) == ("completed", "running-elsewhere")
    assert host_off.seen.records[vm].proof is Proof.FENCED
    assert host_off.seen.running[vm] == [host_off.seen.records[vm].target] != [host_off.loss.node]
    assert len(host_off.seen.launched[vm]) == 2


def test_no_vm_ran_twice_and_no_disk_had_two_writers(host_off: HostOff) -> None:
    assert host_off.site.hypervisor.double_runs == []
    assert host_off.site.hypervisor.double_writes == []


def test_the_node_was_suspected_and_its_bmc_only_read(host_off: HostOff) -> None:
    assert host_off.loss.suspected_at is not None
    assert host_off.ordered == 1, "ForceOff by fate, and none by vm-drift"


def test_what_kubernetes_notices_later_is_the_same_outage(host_off: HostOff) -> None:
    before = host_off.loss.records
    assert host_off.outages == [before[vm].drift.outage for vm in _NAMES[:1]]
    assert {vm: record.drift for vm, record in host_off.later.items()} == {vm: r.drift for vm, r in before.items()}


def test_how_long_it_took_from_a_moment_after_the_lease_was_renewed(
    host_off: HostOff, record_property: Callable[[str, object], None]
) -> None:
    """No moment takes longer. The figures are told, and not judged: they depend on the machine, too."""
    table = _table(host_off)
    assert table.keys() >= {"suspected", "proven", *(f"{vm}: running" for vm in _NAMES)}
    lines = [f"{what:>20} {seconds:6.1f} s" for what, seconds in table.items()]
    record_property(f"from the power cut, against {host_off.site.plane}", "\n".join(["", *lines]))


def test_forecast_rehearsal_and_what_happened_side_by_side(
    host_off: HostOff, record_property: Callable[[str, object], None]
) -> None:
    """Against a simulated control plane this shows only that a dump loses nothing: both are played by the same code."""
    rows = [f"{'VM':>12} {'forecast':>12} {'rehearsed':>12} {'happened':>12}"]
    for vm in _NAMES:
        forecast, fate = host_off.seen.records[vm].forecast, host_off.rehearsed[vm]
        due = f"within {forecast.due - host_off.loss.at:.0f} s" if forecast and forecast.due else "stays"
        again = "stays" if fate.down is None else f"{fate.down:.1f} s"
        rows.append(f"{vm:>12} {due:>12} {again:>12} {host_off.loss.ran(vm):>10.1f} s")
    record_property(f"side by side, against {host_off.site.plane}", "\n".join(["", *rows]))
    assert {vm for vm, fate in host_off.rehearsed.items() if fate.down is not None} == set(_NAMES)
    assert all(host_off.seen.records[vm].forecast for vm in _NAMES)


def _table(host_off: HostOff) -> dict[str, float]:
    loss = host_off.loss
    vms = {f"{vm}: released": loss.released(vm) for vm in _NAMES} | {f"{vm}: running": loss.ran(vm) for vm in _NAMES}
    early = {"suspected": loss.suspected or 0.0, "proven": loss.proven}
    return early | vms | {"Kubernetes notices": host_off.noticed}
