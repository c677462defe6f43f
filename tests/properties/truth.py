"""What records say of the world has to be true at the moment at which they are written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reactor.model.drift import Phase, Record
from reactor.model.times import Clock
from simulator.world import World
from tests.support.visible import Visible

_LONGEST = 600.0  # seconds that a drift may sleep


@dataclass(frozen=True)
class Truth:
    """`untouchable`: VMs that no release may ever hit, with why. `redis`: the clock of all that is written down.

    `edited`: VMs that were ever edited, of which a refusal may be a few minutes old.
    """

    world: World
    redis: Clock
    visible: Visible
    untouchable: Mapping[str, str]
    edited: Mapping[str, float]

    def untrue(self, record: Record) -> Iterator[str]:
        """Whatever is not."""
        if not record.reason or not record.sentence:
            yield "no reason"
        if not record.phase.is_end and (record.again_at is None or record.again_at > self.redis() + _LONGEST):
            yield f"{record.phase} {record.reason} until {record.again_at}"
        if record.phase is Phase.COMPLETED:
            yield from self._not_completed(record)
        if record.detached_at and abs(record.detached_at - self.redis()) < 0.01:
            yield from self._not_detached(record)
        if record.phase is Phase.REFUSED and record.drift.vm.name not in {*self.untouchable, *self.edited}:
            yield f"refused for {record.reason}, but nothing keeps it from moving"
        if record.reason == "vm-deleted" and not record.drift.vm.is_instance:
            vm = self.visible.get("virtualmachines", record.drift.vm.name, record.drift.vm.namespace)
            if vm and vm["metadata"]["uid"] == record.drift.vm.uid:
                yield "told as deleted, but it is there"

    def _not_completed(self, record: Record) -> Iterator[str]:
        machine = self.world.hypervisor.machines.get(record.target)
        if record.drift.vm.is_instance or (machine and not machine.powered):  # nobody can see that it just died
            return
        running = self.world.hypervisor.running((record.drift.vm.namespace, record.drift.vm.name))
        if record.target not in running:
            yield f"told as {record.reason} on {record.target!r}, but it runs on {running}"

    def _not_detached(self, record: Record) -> Iterator[str]:
        lost, vm = record.drift.outage.node, record.drift.vm
        node = self.visible.nodes.get(lost.name)
        if record.phase is Phase.CANCELLED or lost.name == record.target or node is None or node.uid != lost.uid:
            return
        for attachment in self.visible.list("volumeattachments"):
            volume = attachment["spec"]["source"]["persistentVolumeName"]
            modes = (self.visible.get("persistentvolumes", volume) or {"spec": {}})["spec"].get("accessModes", ())
            if "ReadWriteMany" in modes:  # it keeps nobody out
                continue
            if volume.startswith(f"{vm.namespace}-{vm.name}-") and attachment["spec"]["nodeName"] == lost.name:
                yield f"told as detached, but {lost.name} holds {volume}"
