"""What a scene is made of: VMs, by where their data lies and by who brings them back, and pods beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Storage(Enum):
    """Where a VM's data lies. Where a claim is not said to be anything else, it is ReadWriteOnce."""

    CONTAINER_DISK = "containerDisk"
    RBD_BLOCK = "rbd-block"
    RBD_FILESYSTEM = "rbd-filesystem"
    RBD_SHARED = "rbd-block-rwx"
    RBD_EDGE = "rbd-block-second-cluster"
    RBD_HOTPLUGGED = "rbd-hotplugged"
    LOCAL = "local"
    CEPHFS = "cephfs"
    TWO_DISKS = "rbd-block-and-filesystem"
    RBD_READONLY_MANY = "rbd-filesystem-rox"
    RBD_SHARED_READONLY = "rbd-block-rwx-mounted-read-only"
    EPHEMERAL = "ephemeral-on-rbd"
    DATA_VOLUME = "datavolume-on-rbd"
    PERSISTENT_STATE = "vtpm-on-rbd"
    HWAMEISTOR_HA = "hwameistor-two-replicas"
    HWAMEISTOR_ONE = "hwameistor-one-replica"
    OTHER_CSI = "another-csi-driver"
    NO_ATTACH = "cephfs-without-attachments"
    HOST_DISK = "hostDisk"
    EMPTY_DISK = "emptyDisk"


class Kind(Enum):
    """What an operator creates, and so who brings it back: the VM, nobody, or the set (under another name)."""

    VM = "VirtualMachine"
    VMI = "VirtualMachineInstance"
    REPLICA_SET = "VirtualMachineInstanceReplicaSet"


@dataclass(frozen=True)
class Vm:
    """A VM to be. `node`: where it is to run at first, a wish; `pinned`: a nodeSelector instead of the wish.

    `toleration`: seconds it tolerates an unreachable node, None for the default (300); `FOR_EVER` for no end.
    `running`: the VM says `spec.running: true`, the old way, instead of `run_strategy`. `kind`: a replica set has one
    replica; its VM instance's name begins with `name`. `template` is merged (RFC 7396) into the instance's spec,
    `labels` are its pods'. `instancetype` and `preference` are the specs of some that are made for this VM. `tracked`:
    changed block tracking is on.
    """

    name: str
    storage: Storage = Storage.CONTAINER_DISK
    namespace: str = "default"
    node: str = ""
    pinned: bool = False
    run_strategy: str = "Always"
    toleration: int | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    running: bool = False
    kind: Kind = Kind.VM
    template: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    instancetype: Mapping[str, Any] | None = None
    preference: Mapping[str, Any] | None = None
    tracked: bool = False


FOR_EVER = -1  # a toleration without tolerationSeconds


@dataclass(frozen=True)
class ClaimPod:
    """A pod on a node that is no VM and uses a claim: an exporter, an importer, a backup, a database.

    A VM's claim is `<VM>-disk`, its second one `<VM>-files`, a vTPM's `persistent-state-for-<VM>`. With `storage` a
    claim `<pod>-disk` is made for it. `stateful_set`: whose it is, and who makes it again when it is gone; "" for none.
    """

    name: str
    claim: str
    node: str
    namespace: str = "default"
    storage: Storage | None = None
    stateful_set: str = ""
