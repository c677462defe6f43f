"""Who looks over the workers' shoulders: he sees every request as it is sent, and knows nothing of their decisions."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reactor.model.fencing import CLAIMS
from reactor.model.fencing import CONFIG_MAP as CONFIG_MAP_OF_FENCING
from rehearsal import users
from simulator.api.api import Api
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.store.objects import epoch
from simulator.world import World
from tests.support.foreign import Keeping
from tests.support.visible import Visible

INTAKE, WORKERS, FENCING = users.INTAKE, users.WORKERS, users.FENCING
OURS = {INTAKE, WORKERS, FENCING}
# Intake writes down what others said, and only the fencing role what is proven. A new one's name is in its body.
_BOOKS = {"": {INTAKE, FENCING}, CLAIMS: {INTAKE, FENCING}, CONFIG_MAP_OF_FENCING: {FENCING}}
# What the fencing role, and only it, may change beside pods and attachments.
_FENCED = {"nodes", "networkfences", "fenceagentsremediations", "selfnoderemediations", "baremetalhosts"}


def writes_down(request: Request) -> bool:
    """Something that is for who reads it, or for a fence, and destroys nothing."""
    if request.resource == "configmaps":
        return request.user in _BOOKS.get(request.name, ())
    return request.user == FENCING and request.resource in _FENCED


@dataclass(frozen=True)
class Deletion:
    """A DELETE of ours that took effect: of a launcher of `vm`, or of an attachment of `volume`."""

    at: float
    resource: str
    name: str
    uid: str
    vm: str = ""
    volume: str = ""


@dataclass
class Auditor:
    """Watches what the workers do to the cluster. `wrong` says what must never have been done.

    `window`, `grace`: seconds for which a node must be Unknown, and without a sign of life.
    """

    world: World
    window: float
    grace: float
    deletions: list[Deletion] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _sent: Deletion | None = None

    def __post_init__(self) -> None:
        self._visible = Visible(self.world)
        self.foreign = Keeping(self.world)

    def sent(self, request: Request) -> ApiError | None:
        """Before a request is carried out."""
        if request.user in OURS and request.verb not in {"get", "list", "watch"} and not request.dry:
            reasons = list(self._objections(request))
            self.wrong += [f"{request.verb} {request.resource} {request.name}: {reason}" for reason in reasons]
        return None

    def done(self, request: Request) -> ApiError | None:
        """After a request took effect."""
        self.foreign.written_by(request)
        if request.user in OURS and request.verb == "delete" and self._sent and not request.dry:
            self.deletions.append(self._sent)
        return None

    def check(self) -> None:
        """Nothing wrong was done, and nothing twice."""
        assert self.wrong + self.foreign.wrong == []
        uids = Counter(deletion.uid for deletion in self.deletions)
        assert [uid for uid, times in uids.items() if times > 1] == []

    def deleted(self, resource: str) -> list[str]:
        """The names of what was deleted, in order."""
        return [deletion.name for deletion in self.deletions if deletion.resource == resource]

    def _objections(self, request: Request) -> Iterator[str]:
        self._sent = None
        if writes_down(request):
            return
        if request.verb != "delete" or request.resource not in {"pods", "volumeattachments"}:
            yield "is not ours to do"
            return
        obj = self._visible.get(request.resource, request.name, request.namespace)
        if request.uid is None:
            yield "without a uid precondition"
            return
        if obj is None or obj["metadata"]["uid"] != request.uid:
            return
        vm = obj["metadata"].get("labels", {}).get("vm.kubevirt.io/name", "")
        volume = obj["spec"].get("source", {}).get("persistentVolumeName", "")
        self._sent = Deletion(self.world.now, request.resource, request.name, request.uid, vm, volume)
        yield from self._node_objections(obj["spec"]["nodeName"], obj)
        yield from self._hold_objections(obj["spec"]["nodeName"], f"vm/{request.namespace}/{vm}")
        yield from self._pod_objections(obj) if request.resource == "pods" else self._attachment_objections(obj)

    def _node_objections(self, name: str, obj: Obj) -> Iterator[str]:
        node = self._visible.get("nodes", name)
        if node is None:
            yield f"node {name} is deleted"
            return
        if self._visible.covered(obj):
            yield from self._visible.untrue_proof(obj)
            return
        ready = next(c for c in node["status"]["conditions"] if c["type"] == "Ready")
        if ready["status"] != "Unknown":
            yield f"node {name} is {ready['status']}"
        elif self.world.now < epoch(ready["lastTransitionTime"]) + self.window:
            yield f"within the window of node {name}"
        elif self.world.now < self._visible.nodes[name].sign_at + self.grace:
            yield f"node {name} gave a sign of life just now"

    def _hold_objections(self, node: str, vm: str) -> Iterator[str]:
        yield from self._visible.holds(node, {vm}, self.world.now)

    def _pod_objections(self, pod: Obj) -> Iterator[str]:
        covered = self._visible.covered(pod)
        if "kubevirt.io" not in (pod["metadata"].get("labels") or {}):
            if not covered:
                yield "is no part of a VM, and its node is not proven dead"
            return
        if "deletionTimestamp" not in pod["metadata"] and not covered:
            yield "is not Terminating"
        labels, notes = pod["metadata"]["labels"], pod["metadata"].get("annotations", {})
        name = labels.get("vm.kubevirt.io/name") or notes["kubevirt.io/owner-vmi-name"]  # a hotplug attachment pod's
        if not self._comes_back(name, pod["metadata"]["namespace"]):
            yield "its VM would not come back"

    def _comes_back(self, name: str, namespace: str) -> bool:
        if vm := self._visible.get("virtualmachines", name, namespace):
            return bool(vm["spec"].get("running")) or vm["spec"].get("runStrategy") in {"Always", "RerunOnFailure"}
        instance = self._visible.get("virtualmachineinstances", name, namespace) or {"metadata": {}}
        owners = instance["metadata"].get("ownerReferences", ())
        return any(owner["kind"] == "VirtualMachineInstanceReplicaSet" for owner in owners)

    def _attachment_objections(self, attachment: Obj) -> Iterator[str]:
        """Pod first, attachment second: the other way round it is made again on the dead node."""
        for pod in self._visible.users(attachment):
            yield f"pod {pod} on the same node still uses it"


def fail(api: Api, code: int, times: int, *, verb: str, late: bool = False, **match: Any) -> None:
    """The API server answers the workers' next so many matching requests with an error; `late`: after the effect."""
    left = [times]
    (api.late_faults if late else api.faults).append(partial(_refuse, left, code, {"verb": verb, **match}))


def _refuse(left: list[int], code: int, match: dict[str, Any], request: Request) -> ApiError | None:
    wanted = request.user in OURS and all(getattr(request, name) == value for name, value in match.items())
    if not wanted or not left[0]:
        return None
    left[0] -= 1
    return ApiError(code, "Fault", "a fault of the test's")
