"""The machines of a site behind a real Redfish server, one of which loses its power: how long what follows takes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reactor.model.drift import Record
from reactor.model.event import NODE_SUSPECTED
from reactor.model.node import node_view
from reactor.model.times import parse_time
from reactor.settings import Settings
from tests.e2e.product import Product
from tests.e2e.site import Site
from tests.support.emulator import Emulator, emulator
from vmdrift.processes import Processes

_DEFAULT = Settings()
_READ_BY = 2  # renewals of each Lease after vm-drift has started: by then its watcher has seen one


@dataclass(frozen=True)
class Loss:
    """One lost host: when its power was cut (seconds since the epoch), whether it was suspected first, and its VMs."""

    node: str
    at: float
    suspected_at: float | None
    records: Mapping[str, Record]

    @property
    def proven(self) -> float:
        """Seconds from the power cut until it was proven."""
        return max(record.weighed for record in self.records.values()) - self.at

    @property
    def suspected(self) -> float | None:
        """The same until it was suspected, None where it never was."""
        return self.suspected_at and self.suspected_at - self.at

    def released(self, vm: str) -> float:
        """The same until the launcher pod of a VM was deleted; to be asked of those that were released."""
        return (self.records[vm].released_at or 0.0) - self.at

    def ran(self, vm: str) -> float:
        """The same until vm-drift saw the VM run elsewhere."""
        return (self.records[vm].ended_at or 0.0) - self.at


class Hosts:
    """What `hosts` yields. `bmcs`: the folder of VMDRIFT_BMC_DIR."""

    def __init__(self, site: Site, product: Product, bmc: Emulator, bmcs: Path) -> None:
        self._site, self._product, self.bmc, self.bmcs = site, product, bmc, bmcs
        for node in site.nodes:
            bmc.write(bmcs, node)

    @property
    def settings(self) -> dict[str, str]:
        """Of vm-drift: evidence by Redfish, and its own times as by default."""
        return {
            "VMDRIFT_FENCING": "redfish",
            "VMDRIFT_BMC_DIR": str(self.bmcs),
            "VMDRIFT_UNREACHABLE_WINDOW": f"{_DEFAULT.unreachable_window:g}",
            "VMDRIFT_RESYNC": f"{_DEFAULT.resync:g}",
        }

    def watched(self, running: Processes) -> None:
        """Wait until vm-drift runs, and has seen the Leases of our nodes change."""
        self._site.until("vm-drift runs", lambda: not running.dead() and self._product.works())
        for _ in range(_READ_BY):
            before = self._renewals()
            self._site.until("every Lease is renewed", lambda: not self._renewals() & before)  # noqa: B023 - asked at once

    def lose(self, node: str) -> Loss:
        """Cut a host's power; its BMC has power and reads Off from then on. Waits until all its VMs are at an end."""
        vms = self._site.on(node)
        assert vms, f"no VM runs on {node}"
        self.bmc.switch(node, "ForceOff")
        self._site.hypervisor.power_cut(node)
        at = time.time()

        def ended() -> bool:
            records = self._of(node, at)
            return len(records) == len(vms) and all(record.phase.is_end for record in records.values())

        self._site.until(f"the VMs of {node} are at their end: {', '.join(vms)}", ended)
        return Loss(node, at, self._product.sent_at(NODE_SUSPECTED, node, at), self._of(node, at))

    def repair(self, node: str) -> None:
        """Switch it on, and wait until it is Ready and everybody may use it."""
        self.bmc.switch(node, "On")
        self._site.hypervisor.power_on(node)
        boot = self._site.hypervisor.machines[node].boot_id

        def back() -> bool:
            found = node_view(self._site.client.get("nodes", node))
            return (found.ready, found.boot, found.out_of_service) == ("True", boot, False)

        self._site.until(f"{node} is Ready, and free of our taint", back)

    def _of(self, node: str, at: float) -> dict[str, Record]:
        """The records of the VMs of this loss."""
        records = self._product.records(self._site.run)
        return {
            vm: record
            for vm, record in records.items()
            if record.drift.outage.node.name == node and record.created_at >= at
        }

    def _renewals(self) -> set[tuple[str, float]]:
        leases = ((node, self._site.client.get("leases", node, "kube-node-lease")) for node in self._site.nodes)
        return {(node, parse_time(lease["spec"]["renewTime"])) for node, lease in leases}


@contextmanager
def hosts(site: Site, product: Product, folder: Path) -> Iterator[Hosts]:
    """Each machine of the site is switched by a BMC, whose files are in new folders in `folder`."""
    own, bmcs = folder / "emulator", folder / "bmcs"
    own.mkdir()
    bmcs.mkdir()
    uuids = {node: site.hypervisor.machines[node].system_uuid for node in site.nodes}
    # A host without power is off at once, and not some seconds after an order as one that is shut down.
    with emulator(own, uuids, follows=0) as bmc:
        yield Hosts(site, product, bmc, bmcs)
