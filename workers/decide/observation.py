"""What one pass saw: one snapshot of live objects, reduced to what the checks read. Pure data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from reactor.model.fencing import Fencing
from reactor.model.node import NodeView
from reactor.model.objects import Obj

TYPES = ("instancetype", "preference")  # as a VM's spec calls them


@dataclass(frozen=True, slots=True)
class VmView:
    """A VirtualMachine. `template` is `spec.template.spec`: what the next VM instance is built from.

    An instance without a VirtualMachine is shown as one with its own spec. `stopping`: somebody asked it to stop;
    `dumped`: its memory dump is complete; `ready`: its instance runs and reports it; `hotplugs`: it has volumes that
    were plugged in while it ran. `replicas`: wanted and ready ones of the ReplicaSet that owns the instance.
    `recovery`: why KubeVirt does not start it before somebody has repaired it; `failure`: why the last start failed;
    `status`: KubeVirt's printableStatus; `retry_at`: before that KubeVirt tries no other start, None if it has none.
    `labels`: those of the template. `generation` counts the edits of the spec. `typed` are its instance type and its
    preference by name, which add to the template, and `revisions` the ControllerRevisions that hold them, each by its
    kind (`TYPES`). `tracked`: its changed blocks are tracked, in a state claim.
    """

    uid: str
    run_strategy: str
    deleting: bool
    template: Obj
    annotations: Mapping[str, str] = field(default_factory=dict)
    stopping: bool = False
    dumped: bool = False
    ready: bool = False
    hotplugs: bool = False
    replicas: tuple[int, int] | None = None
    recovery: str = ""
    failure: str = ""
    status: str = ""
    retry_at: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    generation: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    revisions: Mapping[str, str] = field(default_factory=dict)
    tracked: bool = False


@dataclass(frozen=True, slots=True)
class VmiView:
    """A VirtualMachineInstance. `node` is `status.nodeName`, "" while it has none.

    `volumes` are its `spec.volumes`; `unplugged` names the hotplugged ones that are not in it yet; `conditions`
    are those that are True (Paused, AgentConnected, ...), or False as "no X" (no Ready). `owner`: the uid of the VM
    that owns it; `generation`: that of the VM from which it was made; `claims`: those that its status says are in it.
    """

    uid: str
    node: str
    phase: str
    created: float
    volumes: Sequence[Obj] = ()
    unplugged: tuple[str, ...] = ()
    attachment_pods: tuple[str, ...] = ()
    conditions: frozenset[str] = frozenset()
    spec: Obj = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    generation: str = ""
    claims: tuple[str, ...] = ()
    tracked: bool = False
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class PodView:
    """A launcher pod, or a hotplug attachment pod (`hotplug`), which belongs to one.

    `tolerates` is how many seconds it tolerates the `unreachable` NoExecute taint. None: for ever; 0: not at all.
    `stays`: it tolerates the out-of-service taint for ever, so that taint does not remove it. `finished`: all of it has
    ended. `forced`: it was force-deleted, so that nothing but its `finalizers` keeps it.
    `pending` is the scheduler's message while it finds no node, or what a container waits for. `ending_at`: when it was
    asked to end, and `scheduled_at`: when it got its node, None where that is not known. `spec`: the fields of
    its spec that decide where it may run; `claims`: those that it names.
    """

    namespace: str
    name: str
    uid: str
    node: str
    vmi_uid: str
    created: float
    terminating: bool
    tolerates: float | None = 0.0
    stays: bool = False
    pending: str = ""
    hotplug: bool = False
    ending_at: float | None = None
    scheduled_at: float | None = None
    finished: bool = False
    forced: bool = False
    finalizers: tuple[str, ...] = ()
    spec: Obj = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Another DELETE would change nothing."""
        return self.terminating and self.forced and bool(self.finalizers)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another pod that is bound to a node. `repels`: its required anti-affinity; `leaving`: it is Terminating."""

    namespace: str
    name: str
    uid: str
    node: str
    labels: Mapping[str, str]
    repels: Sequence[Obj] = ()
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A VolumeAttachment: `volume` is the PersistentVolume's name.

    `deleted_at` is its deletionTimestamp, None while nobody deleted it; `finalizers` then keep it.
    """

    name: str
    uid: str
    node: str
    volume: str
    attached: bool
    deleted_at: float | None = None
    finalizers: tuple[str, ...] = ()

    @property
    def deleting(self) -> bool:
        """Somebody deleted it already."""
        return self.deleted_at is not None


@dataclass(frozen=True, slots=True)
class Replicas:
    """A HwameiStor volume's: how many it should have, and on which nodes it has one that is Ready and synced."""

    wanted: int
    synced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of the VM.

    `kind` is the field that makes it what it is (containerDisk, persistentVolumeClaim, ...; `persistentState` for a
    vTPM's or EFI's claim). For a claim: its PV, the PV's source (`csi`, `local`, `hostPath`, ...), driver, volume
    handle, access modes, whether it is only read, whether its driver attaches at all, which nodes it admits (required
    terms), and its attachments: `held` is the one to the lost node, `attached` the one to the node where the VM
    starts. `trouble` says why the claim cannot be judged; `users` are other pods on the lost node that use it, and
    `helpers` those of them that are no launchers: backups, exporters.
    `fence`: its StorageClass asks that no VM be moved without proof. `cluster`: the clusterID of its storage, "" where
    that is not known. `left`: only the lost instance has it, and the next one will not. `named`: by the VM, or by an
    instance that it owns; what only a pod names is judged, but nothing is deleted for it. `bound`: claim and
    PersistentVolume name each other, by uid.
    """

    name: str
    kind: str
    claim: str = ""
    pv: str = ""
    source: str = ""
    driver: str = ""
    handle: str = ""
    modes: tuple[str, ...] = ()
    read_only: bool = False
    attaches: bool = True
    hotplugged: bool = False
    admits: Sequence[Obj] = ()
    replicas: Replicas | None = None
    trouble: str = ""
    held: Attachment | None = None
    attached: Attachment | None = None
    users: tuple[str, ...] = ()
    helpers: tuple[PodView, ...] = ()
    fence: bool = False
    cluster: str = ""
    left: bool = False
    named: bool = True
    bound: bool = True

    @property
    def ours(self) -> bool:
        """May its attachment be deleted for this VM?"""
        return self.named and self.bound

    def attachment_name(self, node: str) -> str:
        """Of its VolumeAttachment to a node: `csi-` + SHA-256 of volume handle, driver and node; "" where none can be.

        Source: `getAttachmentName` in kubernetes, pkg/volume/csi/csi_attacher.go; the recorded traces agree.
        """
        if not self.handle or not self.attaches:
            return ""
        return f"csi-{sha256(f'{self.handle}{self.driver}{node}'.encode()).hexdigest()}"

    @property
    def exclusive(self) -> bool:
        """Kubernetes attaches it to one node at a time: the lost node's attachment keeps every other one out."""
        return self.attaches and bool(self.modes) and SINGLE_NODE.issuperset(self.modes)


@dataclass(frozen=True, slots=True)
class Witness:
    """Who names claims besides the VM's template: an instance (`volumes`, its spec's) and its launchers (`claims`).

    `claims` holds what the instance's status says, too. `state`: the next instance keeps state in a claim.
    """

    volumes: Sequence[Obj] = ()
    claims: tuple[str, ...] = ()
    state: bool = False


SINGLE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


@dataclass(frozen=True, slots=True)
class Manager:
    """The controller manager, by its Lease. Times are seconds since the epoch, of its own clock.

    `ahead`: how many seconds its clock is ahead of Redis'; None when that is not known.
    """

    renewed: float
    acquired: float
    ahead: float | None


@dataclass(frozen=True, slots=True)
class Observation:
    """One snapshot.

    `node` is the lost node as it is now, None if it was deleted; `launchers` are those of the VM's old and new
    instances, on any node, with their hotplug attachment pods; `nodes` are all nodes, and `renewals` when each renewed
    its Lease (by its own clock); `lease` is the lost node's renewTime as it stands there, None when it was not read;
    `target` is the node of the replacement's launcher pod, and `warnings` are Kubernetes' about that pod. `fencing` is
    what is known of the lost node's boot, None where nothing is or nobody may fence it; `proven` are the names of all
    nodes that are proven dead. While the outage itself says "not now", only `node`, `manager` and `fencing` are read;
    while Kubernetes is about to evict a launcher (`evicted_at`, seconds since the epoch, else None), only these,
    `lease`, `vmi` and `launchers`.

    `neighbours`: the pods of the VM's namespace, and of those that its affinity names. `expanded`: the VM's template of
    today with all that instance type and preference add, None where that is not known or they add nothing.

    `date`: the API server's clock at its last answer, None if it sent none; `server_ahead`: how far it is ahead of
    Redis', by which everything is judged, 0 where they agree or that is not known; `steady_since`: when Redis' clock
    stepped last; `clock_off`: why this process judges no silence, "" where it may.
    """

    node: NodeView | None
    vm: VmView | None
    vmi: VmiView | None
    launchers: tuple[PodView, ...] = ()
    volumes: tuple[Volume, ...] = ()
    nodes: tuple[NodeView, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    expanded: Obj | None = None
    renewals: Mapping[str, float] = field(default_factory=dict)
    manager: Manager | None = None
    lease: str | None = None
    namespace: Mapping[str, str] = field(default_factory=dict)
    target: NodeView | None = None
    warnings: tuple[str, ...] = ()
    fencing: Fencing | None = None
    proven: frozenset[str] = frozenset()
    evicted_at: float | None = None
    holds: tuple[str, ...] = ()
    cancelled: str = ""
    date: float | None = None
    server_ahead: float = 0.0
    steady_since: float = 0.0
    clock_off: str = ""
