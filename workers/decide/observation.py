"""What one pass saw: one snapshot of live objects, reduced to what the checks look at. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reactor.model.drift import Proof
from reactor.model.node import NodeView


@dataclass(frozen=True, slots=True)
class VmView:
    """A VirtualMachine. `template` is `spec.template.spec`: what the next VM instance is built from."""

    uid: str
    run_strategy: str
    deleting: bool
    template: Mapping[str, Any]
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VmiView:
    """A VirtualMachineInstance. `node` is `status.nodeName`, "" while it has none."""

    uid: str
    node: str
    phase: str
    created: float


@dataclass(frozen=True, slots=True)
class PodView:
    """A launcher pod. `tolerates` is how many seconds it tolerates the `unreachable` NoExecute taint.

    None: for ever; 0: not at all. `pending` is the scheduler's message while it finds no node.
    """

    namespace: str
    name: str
    uid: str
    node: str
    vmi_uid: str
    created: float
    terminating: bool
    tolerates: float | None = 0.0
    pending: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A VolumeAttachment: `volume` is the PersistentVolume's name."""

    name: str
    uid: str
    node: str
    volume: str
    attached: bool
    deleting: bool


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of the VM's template.

    `kind` is the field that makes it what it is (containerDisk, persistentVolumeClaim, ...). For a claim: its PV, the
    PV's source (`csi`, `local`, `hostPath`, ...), driver, volume handle, access modes, and who holds it: `held` is the
    attachment to the lost node, `attached` the one to the node where the VM starts. `trouble` says why the claim cannot
    be judged.
    """

    name: str
    kind: str
    claim: str = ""
    pv: str = ""
    source: str = ""
    driver: str = ""
    handle: str = ""
    modes: tuple[str, ...] = ()
    trouble: str = ""
    held: Attachment | None = None
    attached: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One snapshot.

    `node` is the lost node as it is now, None if it was deleted; `launchers` are those of the VM's old and new
    instances, on any node; `nodes` are as many nodes as were needed to find one that fits; `target` is the node of the
    replacement's launcher pod. While the outage itself says "not now", nothing but `node` is read.
    """

    node: NodeView | None
    vm: VmView | None
    vmi: VmiView | None
    launchers: tuple[PodView, ...] = ()
    volumes: tuple[Volume, ...] = ()
    nodes: tuple[NodeView, ...] = ()
    target: NodeView | None = None
    proof: Proof = Proof.SILENT
    holds: tuple[str, ...] = ()
