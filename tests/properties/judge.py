"""An independent judge of what the workers do: by what anybody could see in the API, and by what really ran.

He looks at each DELETE as it takes effect, and at each record as it is written. `wrong` says what must never have been.
`proven` are the releases from nodes that were proven dead: he knows whether that is true, and only then asks for no
window. What came of all that is in `doubles` and `harm`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from reactor.model.drift import Policy, Record
from reactor.model.times import Clock
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.world import World
from tests.properties.doubles import Doubles
from tests.properties.harm import Harm
from tests.properties.truth import Truth
from tests.properties.vms import WITH_PROOF
from tests.support.auditor import OURS, writes_down
from tests.support.visible import Visible

_WINDOW, _SILENCE = 300.0, 180.0  # seconds: the product's promises
_BLUR = 5.0  # seconds that a clock may be wrong without anybody's notice: Leases are 2 s old, Date has whole seconds
_FREED = ("pods", "volumeattachments")  # what keeps a VM on its lost node
_KNOWN_FOR = 5.0  # seconds for which a worker may still believe what it read of the whole cluster


@dataclass
class Judge:
    """`untouchable`: VMs that no release may ever hit, with why. `deleting`: VMs whose attachments may be deleted, and
    `bold` those that may be moved whatever the installation's mode: their owners asked for it, and may.

    `known_until`: how late a worker that is paused now may have looked; infinite while none is.
    """

    world: World
    untouchable: Mapping[str, str]
    deleting: frozenset[str]
    policy: Policy
    redis: Clock
    wrong: list[str] = field(default_factory=list)
    released: Counter[str] = field(default_factory=Counter)  # pod uid -> effective deletions
    proven: list[tuple[str, str, str]] = field(default_factory=list)  # VM, node and its boot
    edited: dict[str, float] = field(default_factory=dict)  # VM -> since when it may not move; infinite: it may again
    bold: set[str] = field(default_factory=set)
    late: int = 0  # what changed between a worker's last look and its DELETE, while it was paused
    known_until: Callable[[], float] = lambda: float("inf")
    _pod: Obj | None = None
    _freeing: Obj | None = None

    def __post_init__(self) -> None:
        self.visible = Visible(self.world)
        self.harm = Harm(self.world, self.visible, self.policy, self.wrong)
        self._truth = Truth(self.world, self.redis, self.visible, self.untouchable, self.edited)
        self.doubles = Doubles(self.world, self.visible, self.wrong)
        self.world.api.faults.append(self._sent)
        self.world.api.late_faults.append(self._done)

    def told(self, record: Record) -> None:
        """A record is written: what it says of the world is true."""
        self.wrong += [f"{record.drift} at {self.world.now}: {why}" for why in self._truth.untrue(record)]

    def _sent(self, request: Request) -> ApiError | None:
        """Before a request is carried out."""
        if request.verb == "delete" and request.resource in _FREED:
            self._freeing = self.visible.get(request.resource, request.name, request.namespace)
        if request.user in OURS and request.verb not in {"get", "list", "watch"}:
            self._pod = None
            what = f"{request.verb} {request.resource} {request.name} at {self.world.now}"
            self.wrong += [f"{what}: {why}" for why in self._objections(request)]
        return None

    def _done(self, request: Request) -> ApiError | None:
        """After it took effect."""
        if request.verb == "delete" and request.resource in _FREED and self._freeing:
            self._freed(request.resource, self._freeing)
        if request.user in OURS and request.verb == "delete" and self._pod:
            meta, node = self._pod["metadata"], self._pod["spec"]["nodeName"]
            vm = meta["labels"].get("vm.kubevirt.io/name", "")
            self.released[meta["uid"]] += 1
            if self.released[meta["uid"]] > 1:
                self.wrong.append(f"pod {meta['name']} was deleted twice")
            if self.visible.covered(self._pod):
                self.proven.append((vm, node, self.world.hypervisor.machines[node].boot_id))
            elif node in self.world.hypervisor.running((meta["namespace"], vm)):
                self.doubles.blind.add((vm, node))
        return None

    def _freed(self, resource: str, obj: Obj) -> None:
        """Something of a VM's is deleted on the lost node, by whomever: was it proof that let it go?"""
        meta, node = obj["metadata"], obj["spec"].get("nodeName", "")
        if resource == "pods" and meta["namespace"] != "default" and not self._was_stopped(obj):
            return  # of the tenant who means harm, and no VM's that really ran there
        if resource == "pods":
            vm = (meta.get("labels") or {}).get("vm.kubevirt.io/name")
            stays = self.visible.get("pods", meta["name"], meta["namespace"])
        else:  # a VM that was released before, and waited for its volumes; they are called default-VM-DISK
            vm, stays = obj["spec"]["source"]["persistentVolumeName"].split("-")[1], None
        if vm and not stays and node in self.visible.nodes and self.visible.covered(obj):
            self.harm.freed.setdefault((node, self.world.hypervisor.machines[node].boot_id), set()).add(vm)

    def _was_stopped(self, pod: Obj) -> bool:
        meta, node = pod["metadata"], pod["spec"].get("nodeName", "")
        vm = meta["namespace"], (meta.get("labels") or {}).get("vm.kubevirt.io/name", "")
        return any(stop.node == node and vm in stop.vms for stop, _ in self.harm.stops)

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
            yield from self._alive(obj["spec"]["nodeName"], obj)
            yield from self._held(obj, request)
            yield from self._launcher(obj, request) if request.resource == "pods" else self._attachment(obj)

    def _alive(self, name: str, obj: Obj) -> Iterator[str]:
        """Was it a lost, silent node when it was looked at last?"""
        if self.visible.covered(obj):
            yield from self._unproven(name, obj)
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

    def _unproven(self, name: str, obj: Obj) -> Iterator[str]:
        """No proof that is not true is excused, but for a lie that nothing has refuted yet."""
        boot, proof = self.world.hypervisor.machines[name].boot_id, self.visible.proof(name)
        node, known = self.visible.nodes.get(name), min(self.world.now, self.known_until())
        if node and proof and proof.storage and node.ready == "True" and node.ready_at < known - _BLUR:
            yield f"{name} is Ready, and only some of its storage is blocked"
        if (name, boot) not in self.doubles.lied:
            yield from self.visible.untrue_proof(obj)
        elif proof and (boot, proof.provider) in self.visible.refuted:
            yield f"{proof.provider} was refuted before: boot {boot} lived"

    def _held(self, obj: Obj, request: Request) -> Iterator[str]:
        """Had somebody asked, a second ago or longer, that it be left alone?"""
        vm = obj["metadata"].get("labels", {}).get("vm.kubevirt.io/name", "")
        known = min(self.world.now, self.known_until())
        yield from self.visible.holds(obj["spec"]["nodeName"], {f"vm/{request.namespace}/{vm}"}, known - 1)

    def _launcher(self, pod: Obj, request: Request) -> Iterator[str]:
        self._pod = pod
        meta, node = pod["metadata"], pod["spec"]["nodeName"]
        vm = meta.get("labels", {}).get("vm.kubevirt.io/name", "")
        if request.grace != 0:
            yield "with a grace period"
        proven = self.visible.covered(pod)
        if "deletionTimestamp" not in meta and not proven:
            yield "is not Terminating"
        if vm in self.untouchable and not (proven and vm in WITH_PROOF):
            yield f"{vm} is not to be moved: {self.untouchable[vm]}"
        if self.policy.mode != "auto" and vm not in self.bold:
            yield f"the mode is {self.policy.mode}, and {vm} has no leave to ask for another"
        if self.edited.get(vm, float("inf")) <= min(self.world.now, self.known_until()) - 1:
            yield f"{vm} was edited, and is not to be moved"
        vmi = self.visible.get("virtualmachineinstances", vm, meta["namespace"])
        own = vmi and vmi["metadata"]["uid"] == meta.get("labels", {}).get("kubevirt.io/created-by")
        if meta["namespace"] != "default" and not own:
            yield "no VM instance knows it"
        at = vmi.get("status", {}).get("nodeName", "") if vmi and own else ""
        if at not in {"", node}:
            yield f"{vm} runs on {at}"
        if not proven:
            yield from self._cluster(node)

    def _cluster(self, lost: str) -> Iterator[str]:
        known, since = min(self.world.now, self.known_until()), self.visible.crowded.get(lost)
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
        if not asked and not self.visible.covered(attachment):
            yield f"nobody asked for {volume} to be detached at once"
        for pod in self.visible.users(attachment):
            yield f"pod {pod} still uses {volume}"
