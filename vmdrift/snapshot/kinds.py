"""The kinds that the judgement of a cluster's VMs reads. A kind is known by its group and name, not by its name alone.

Longhorn has a Node, too, and vSphere's operator a VirtualMachine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """`version` as objects bear it in `apiVersion`; any version of its group is read.

    `identified`: its uid is read, so an object of it without one cannot be used.
    """

    resource: str
    version: str
    kind: str
    identified: bool = False

    @property
    def group(self) -> str:
        """Of its API; the core's is ""."""
        return _group(self.version)


def _group(version: str) -> str:
    return version.rpartition("/")[0]


# Without these there is no answer.
NEEDED = (
    Kind("nodes", "v1", "Node", identified=True),
    Kind("pods", "v1", "Pod", identified=True),
    Kind("virtualmachines", "kubevirt.io/v1", "VirtualMachine", identified=True),
    Kind("virtualmachineinstances", "kubevirt.io/v1", "VirtualMachineInstance", identified=True),
)
# Every cluster has these; without one of them the VMs that depend on it are unknown.
EXPECTED = (
    Kind("namespaces", "v1", "Namespace"),
    Kind("persistentvolumeclaims", "v1", "PersistentVolumeClaim"),
    Kind("persistentvolumes", "v1", "PersistentVolume"),
    Kind("csidrivers", "storage.k8s.io/v1", "CSIDriver"),
    Kind("storageclasses", "storage.k8s.io/v1", "StorageClass"),
    Kind("volumeattachments", "storage.k8s.io/v1", "VolumeAttachment", identified=True),
    Kind("leases", "coordination.k8s.io/v1", "Lease"),
)
# Not every cluster serves these, or has any.
OPTIONAL = (
    Kind("virtualmachineinstancereplicasets", "kubevirt.io/v1", "VirtualMachineInstanceReplicaSet", identified=True),
    Kind("controllerrevisions", "apps/v1", "ControllerRevision"),
    Kind("localvolumes", "hwameistor.io/v1alpha1", "LocalVolume"),
    Kind("localvolumereplicas", "hwameistor.io/v1alpha1", "LocalVolumeReplica"),
)
KINDS = (*NEEDED, *EXPECTED, *OPTIONAL)
_BY_NAME = {(kind.group, kind.kind): kind for kind in KINDS}


def kind_of(obj: Mapping[str, Any]) -> Kind | None:
    """None for an object of any other kind, whatever it looks like."""
    version, kind = obj.get("apiVersion"), obj.get("kind")
    return _BY_NAME.get((_group(version), kind)) if isinstance(version, str) and isinstance(kind, str) else None
