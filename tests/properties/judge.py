"""An independent judge of what the workers do: by what anybody could see in the API, and by what really ran.

He looks at each DELETE as it takes effect, and at each record as it is written. `wrong` says what must never have been.
`blind` are the releases of VMs that still ran, unseen: silence is no proof, so they are counted and not forbidden.
`proven` are those of nodes that were proven dead: he knows whether that is true, and only then asks for no window.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from reactor.model.drift import Phase, Record
from reactor.model.intervention import ALL, CONFIG_MAP, interventions, node_target
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.hypervisor import DoubleWrite
from simulator.world import World
from tests.auditor import OURS, writes_down
from tests.properties.vms import WITH_PROOF
from tests.visible import Visible

_WINDOW, _SILENCE = 300.0, 180.0  # seconds: the product's promises
_BLUR = 5.0  # seconds that a clock may be wrong without anybody's notice: Leases are 2 s old, Date has whole seconds
_KNOWN_FOR = 5.0  # seconds for which a worker may still believe what it read of the whole cluster
_LONGEST = 600.0  # seconds that a drift may sleep


class _Heard(list[DoubleWrite]):
    """A list that tells of what is added to it."""

    def __init__(self, hear: Callable[[DoubleWrite], None]) -> None:
        super().__init__()
        self._hear = hear

    def append(self, write: DoubleWrite, /) -> None:
        super().append(write)
        self._hear(write)


@dataclass
class Judge:
    """`untouchable`: VMs that no release may ever hit, with why. `deleting`: VMs whose attachments may be deleted.

    `known_until`: how late a worker that is paused now may have looked; infinite while none is.
    """

    world: World
    untouchable: Mapping[str, str]
    deleting: frozenset[str]
    wrong: list[str] = field(default_factory=list)
    released: Counter[str] = field(default_factory=Counter)  # pod uid -> effective deletions
    blind: list[tuple[str, str]] = field(default_factory=list)  # VM and node
    proven: list[tuple[str, str, str]] = field(default_factory=list)  # VM, node and its boot
    late: int = 0  # what changed between a worker's last look and its DELETE, while it was paused
    known_until: Callable[[], float] = lambda: float("inf")
    _pod: Obj | None = None

    def __post_init__(self) -> None:
        self.visible = Visible(self.world)
        self.world.hypervisor.double_writes = _Heard(self.written)
        self.world.api.faults.append(self._sent)
        self.world.api.late_faults.append(self._done)

    def written(self, write: DoubleWrite) -> None:
        """A disk has two writers: never one of them on a boot from which it was released with proof."""
        machines = self.world.hypervisor.machines
        for vm, node, boot in self.proven:
            if node in write.nodes and machines[node].boot_id == boot and f"-default-{vm}-" in write.disk:
                self.wrong.append(f"{write}, though {node} was proven dead")

    def told(self, record: Record) -> None:
        """A record is written: what it says of the world is true."""
        self.wrong += [f"{record.drift} at {self.world.now}: {why}" for why in self._untrue(record)]

    def _untrue(self, record: Record) -> Iterator[str]:
        if not record.reason or not record.sentence:
            yield "no reason"
        if not record.phase.is_end and (record.again_at is None or record.again_at > self.world.now + _LONGEST):
            yield f"{record.phase} {record.reason} until {record.again_at}"
        if record.phase is Phase.COMPLETED:
            yield from self._not_completed(record)
        if record.detached_at == self.world.now:
            yield from self._not_detached(record)
        if record.phase is Phase.REFUSED and record.drift.vm.name not in self.untouchable:
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

    def _sent(self, request: Request) -> ApiError | None:
        """Before a request is carried out."""
        if request.user in OURS and request.verb not in {"get", "list", "watch"}:
            self._pod = None
            what = f"{request.verb} {request.resource} {request.name} at {self.world.now}"
            self.wrong += [f"{what}: {why}" for why in self._objections(request)]
        return None

    def _done(self, request: Request) -> ApiError | None:
        """After it took effect."""
        if request.user in OURS and request.verb == "delete" and self._pod:
            meta, node = self._pod["metadata"], self._pod["spec"]["nodeName"]
            vm = meta["labels"].get("vm.kubevirt.io/name", "")
            self.released[meta["uid"]] += 1
            if self.released[meta["uid"]] > 1:
                self.wrong.append(f"pod {meta['name']} was deleted twice")
            if self.visible.proven(node):
                self.proven.append((vm, node, self.world.hypervisor.machines[node].boot_id))
            elif node in self.world.hypervisor.running((meta["namespace"], vm)):
                self.blind.append((vm, node))
        return None

    def _objections(self, request: Request) -> Iterator[str]:
        if writes_down(request):
            return
        if request.verb != "delete" or request.resource not in {"pods", "volumeattachments"}:
            yield "is not ours to do"
            return
        obj = self.visible.get(request.resource, request.name, request.namespace)
        if request.uid is None:
            yield "without a uid precondition"
        elif obj and obj["metadata"]["uid"] == request.uid:
            yield from self._alive(obj["spec"]["nodeName"])
            yield from self._held(obj, request)
            yield from self._launcher(obj, request) if request.resource == "pods" else self._attachment(obj)

    def _alive(self, name: str) -> Iterator[str]:
        """Was it a lost, silent node when it was looked at last?"""
        if self.visible.proven(name):
            yield from self.visible.untrue_proof(name)
            return
        known, node = min(self.world.now, self.known_until()), self.visible.nodes.get(name)
        if (max(node.sign_at, node.ready_at) if node else self.visible.gone[name]) > known:
            self.late += 1
        elif node is None:
            yield f"node {name} is deleted"
        elif node.ready != "Unknown":
            yield f"node {name} is {node.ready}"
        elif known < node.ready_at + _WINDOW - _BLUR:
            yield f"only {known - node.ready_at:.0f} s after {name} was lost"
        elif known < node.sign_at + _SILENCE:
            yield f"{name} gave a sign of life {known - node.sign_at:.0f} s ago"

    def _held(self, obj: Obj, request: Request) -> Iterator[str]:
        """Had somebody asked, a second ago or longer, that it be left alone?"""
        known, node = min(self.world.now, self.known_until()), obj["spec"]["nodeName"]
        vm = obj["metadata"].get("labels", {}).get("vm.kubevirt.io/name", "")
        targets = {ALL, node_target(node), f"vm/{request.namespace}/{vm}"}
        for one in interventions(self.visible.get("configmaps", CONFIG_MAP, "vm-drift")):
            if one.target in targets and one.at + 1 <= known:
                yield one.sentence

    def _launcher(self, pod: Obj, request: Request) -> Iterator[str]:
        self._pod = pod
        meta, node = pod["metadata"], pod["spec"]["nodeName"]
        vm = meta["labels"].get("vm.kubevirt.io/name", "")
        if request.grace != 0:
            yield "with a grace period"
        proven = self.visible.proven(node)
        if "deletionTimestamp" not in meta and not proven:
            yield "is not Terminating"
        if vm in self.untouchable and not (proven and vm in WITH_PROOF):
            yield f"{vm} is not to be moved: {self.untouchable[vm]}"
        vmi = self.visible.get("virtualmachineinstances", vm, meta["namespace"])
        own = vmi and vmi["metadata"]["uid"] == meta["labels"].get("kubevirt.io/created-by")
        at = vmi.get("status", {}).get("nodeName", "") if vmi and own else ""
        if at not in {"", node}:
            yield f"{vm} runs on {at}"
        if not proven:
            yield from self._cluster(node)

    def _cluster(self, lost: str) -> Iterator[str]:
        known, since = min(self.world.now, self.known_until()), self.visible.crowded_at
        if since is not None and known > since + _KNOWN_FOR:
            yield "too many nodes are lost"
        if lost in self.visible.nodes:
            heard, others = self.visible.heard(lost)
            if 2 * heard <= others:
                yield f"only {heard} of {others} other nodes were heard since"

    def _attachment(self, attachment: Obj) -> Iterator[str]:
        """Only where it is asked for, and the pod first: the other way round it is made again on the dead node."""
        volume = attachment["spec"]["source"]["persistentVolumeName"]
        asked = any(volume.startswith(f"default-{vm}-") for vm in self.deleting)
        if not asked and not self.visible.proven(attachment["spec"]["nodeName"]):
            yield f"nobody asked for {volume} to be detached at once"
        for pod in self.visible.users(attachment):
            yield f"pod {pod} still uses {volume}"
