"""A Node as far as it matters here, and whether it is lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from reactor.model.identity import NodeRef, Outage, silence_of
from reactor.model.lease import renewed_at
from reactor.model.objects import moment, part, parts, text

UNREACHABLE_TAINT = "node.kubernetes.io/unreachable"
# https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown
OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE = "node.kubernetes.io/out-of-service", "nodeshutdown"
FENCING_ANNOTATION = "vmdrift.io/fencing"  # on a Node: the providers for it, as in VMDRIFT_FENCING
TAINT_ANNOTATION = "vmdrift.io/out-of-service"  # on a Node, with our taint: what it was set for
POLICY_ANNOTATION = "vmdrift.io/policy"  # auto, observe or never: on a VM, its namespace, or a Node
HEARTBEAT = "kubevirt.io/heartbeat"  # virt-handler writes it every 60 to 132 s
_CONTROL_PLANE = frozenset({"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"})


@dataclass(frozen=True, slots=True)
class Taint:
    """`added` is timeAdded, seconds since the epoch; None where the API gives none."""

    key: str
    value: str
    effect: str
    added: float | None = None


@dataclass(frozen=True, slots=True)
class NodeView:
    """`ready` is the Ready condition's status: True, False, Unknown, or "" when there is none.

    `ready_since` is its lastTransitionTime, 0 where none can be read.
    `heartbeat` is virt-handler's, as it wrote it; "" where there is none. `boot` and `machine` are bootID and
    systemUUID of status.nodeInfo; `fencing`, `tainted` and `policy` are annotations of ours: who may fence it, what our
    out-of-service taint was set for, and its recovery policy. `created`: its creationTimestamp, seconds since the
    epoch. `reported` is Ready's lastHeartbeatTime as the kubelet wrote it, together with `boot`: another value was
    written by the boot that is named there. `renewed`: its Lease's renewTime in seconds since the epoch, 0 where that
    was not read, or cannot be. `address` is its first InternalIP, "" without one.
    """

    name: str
    uid: str
    ready: str
    ready_since: float
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    heartbeat: str = ""
    boot: str = ""
    machine: str = ""
    fencing: str = ""
    tainted: str = ""
    created: float = 0.0
    policy: str = ""
    reported: str = ""
    renewed: float = 0.0
    address: str = ""

    @property
    def control_plane(self) -> bool:
        """Does it run the cluster itself?"""
        return not _CONTROL_PLANE.isdisjoint(self.labels)

    @property
    def available(self) -> bool:
        """It can take new pods: the kubelet answers and nobody cordoned it."""
        return self.ready == "True" and not self.unschedulable

    @property
    def out_of_service(self) -> bool:
        """Kubernetes detaches at once what is not used there, whoever set the taint, and with which effect."""
        return bool(self.out_of_service_effects)

    @property
    def out_of_service_effects(self) -> frozenset[str]:
        """NoSchedule keeps new pods away, NoExecute also removes those that are there."""
        return frozenset(taint.effect for taint in self.taints if taint.key == OUT_OF_SERVICE)

    @property
    def unreachable_since(self) -> float | None:
        """When the NoExecute taint `unreachable` was added, which starts the eviction's clock; None without it."""
        times = [t.added for t in self.taints if t.key == UNREACHABLE_TAINT and t.effect == "NoExecute"]
        return next((t for t in times if t is not None), None)

    @property
    def lost(self) -> bool:
        """Only Unknown is unreachable; False means its kubelet is alive."""
        return self.ready == "Unknown"

    @property
    def undated(self) -> bool:
        """It is lost, and since when cannot be read, or is Go's zero time: which outage that is, nobody knows."""
        return self.lost and self.ready_since <= 0

    @property
    def outage(self) -> Outage | None:
        """The outage that this node is in, None without one, and where it is undated."""
        return self._outage(self.ready_since) if self.lost and not self.undated else None

    def with_lease(self, renewed: str) -> Self:
        """With its Lease's renewTime, as it is written there."""
        return replace(self, renewed=renewed_at(renewed))

    def early_outage(self, since: float) -> Outage | None:
        """The one that began unnoticed by Kubernetes; None where it was noticed, or Lease or Node do not say enough.

        `since`: when this silence was first seen, in seconds since the epoch.
        """
        outage = self._outage(since)
        return outage if self.is_in(outage) and not self.lost else None

    def _outage(self, since: float) -> Outage:
        return Outage(self._ref, int(since), silence_of(self.boot, self.reported, self.renewed))

    @property
    def _ref(self) -> NodeRef:
        return NodeRef(self.name, self.uid)

    def is_in(self, outage: Outage) -> bool:
        """Is this the outage that it is in?

        Once Kubernetes has noticed, that does not change while it is Unknown: what a changed Lease means, signs of life
        judge. Before, Lease and Node must be as they were.
        """
        if self.lost and not self.undated and int(self.ready_since) == outage.unknown_since:
            return self._ref == outage.node
        return self.may_be_in(outage) and self._outage(0).silence == outage.silence

    def may_be_in(self, outage: Outage) -> bool:
        """Does only its Lease show that? Its kubelet has reported nothing since this outage began."""
        dated = self.ready_since > 0 and (self.lost or (self.ready == "True" and self.ready_since < outage.since))
        report = silence_of(self.boot, self.reported, renewed=1.0)
        return dated and self._ref == outage.node and outage.began_with(report)

    def noticed(self, outage: Outage) -> Outage:
        """The outage that it is in, with what Kubernetes says of it since."""
        if not self.lost or int(self.ready_since) == outage.unknown_since or not self.is_in(outage):
            return outage
        return replace(outage, noticed=int(self.ready_since))


def goes_on(node: NodeView | None, outage: Outage) -> bool:
    """Is this outage not over yet? A deleted node, one that only reports itself not Ready, or is undated, ends none."""
    if node is None:
        return True
    return node.is_in(outage) or (node.uid == outage.node.uid and (node.ready == "False" or node.undated))


def node_view(obj: Mapping[str, Any]) -> NodeView:
    """From a v1 Node."""
    meta, spec, status = obj["metadata"], part(obj, "spec"), part(obj, "status")
    ready = next((c for c in parts(status, "conditions") if text(c, "type") == "Ready"), {})
    annotations = part(meta, "annotations")
    return NodeView(
        name=meta["name"],
        uid=meta["uid"],
        ready=text(ready, "status"),
        ready_since=moment(ready, "lastTransitionTime") or 0.0,
        labels=part(meta, "labels"),
        taints=tuple(map(_taint, parts(spec, "taints"))),
        unschedulable=bool(spec.get("unschedulable")),
        heartbeat=text(annotations, HEARTBEAT),
        boot=text(status, "nodeInfo", "bootID"),
        machine=text(status, "nodeInfo", "systemUUID"),
        fencing=text(annotations, FENCING_ANNOTATION),
        tainted=text(annotations, TAINT_ANNOTATION),
        created=moment(meta, "creationTimestamp") or 0.0,
        policy=text(annotations, POLICY_ANNOTATION),
        reported=text(ready, "lastHeartbeatTime"),
        address=next((text(a, "address") for a in parts(status, "addresses") if text(a, "type") == "InternalIP"), ""),
    )


def _taint(obj: Mapping[str, Any]) -> Taint:
    return Taint(text(obj, "key"), text(obj, "value"), text(obj, "effect"), moment(obj, "timeAdded"))
