"""The kinds that the simulated API server serves: what its discovery documents say about them, as one table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """One kind, as a real API server describes it.

    `has_status`: status is a subresource, so writes to the object leave it alone. `counts_generation`:
    metadata.generation is kept. `returns_deleted`: DELETE answers with the object instead of a Status
    (`ReturnDeletedObject` in the kind's storage, kubernetes `pkg/registry`); official clients parse accordingly.
    `is_question`: it can only be created, is answered at once, and is stored nowhere.
    """

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    has_status: bool = False
    counts_generation: bool = False
    returns_deleted: bool = False
    is_question: bool = False

    @property
    def api_version(self) -> str:
        """As in an object's `apiVersion`: "v1", "kubevirt.io/v1"."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def custom(self) -> bool:
        """Whether the kind comes from a CustomResourceDefinition: the API server treats those a little differently."""
        return "." in self.group and not self.group.endswith(".k8s.io")

    @property
    def qualified(self) -> str:
        """As in error messages: "pods", "virtualmachines.kubevirt.io"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


EXPAND_SPEC = "expand-spec"  # of virtualmachines
# KubeVirt's aggregated API serves these subresources; the CustomResourceDefinition's own group does not have them.
AGGREGATED = {f"virtualmachines/{EXPAND_SPEC}": "subresources.kubevirt.io"}


def _core(plural: str, kind: str, *short: str, namespaced: bool = True, status: bool = False) -> Resource:
    # Pods count generations since Kubernetes 1.33; nodes, namespaces, volumes and claims never did.
    return Resource(
        group="",
        version="v1",
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        namespaced=namespaced,
        short_names=short,
        has_status=status,
        counts_generation=plural == "pods",
        returns_deleted=plural in {"pods", "persistentvolumes", "persistentvolumeclaims"},
    )


def _storage(plural: str, kind: str, *short: str, status: bool = False) -> Resource:
    return Resource(
        group="storage.k8s.io",
        version="v1",
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        namespaced=False,
        short_names=short,
        has_status=status,
        returns_deleted=True,
    )


def _hwameistor(plural: str, kind: str, *short: str) -> Resource:
    # Source: hwameistor `pkg/apis/hwameistor/v1alpha1/localvolume_types.go` and `localvolumereplica_types.go`.
    return Resource(
        group="hwameistor.io",
        version="v1alpha1",
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        namespaced=False,
        short_names=short,
        has_status=True,
        counts_generation=True,
    )


def _instancetype(plural: str, kind: str, *short: str, namespaced: bool = True) -> Resource:
    # Source: KubeVirt `pkg/virt-operator/resource/generate/components/crds.go`.
    return Resource(
        group="instancetype.kubevirt.io",
        version="v1beta1",
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        namespaced=namespaced,
        short_names=short,
        counts_generation=True,
    )


def _kubevirt(plural: str, kind: str, *short: str, status: bool) -> Resource:
    return Resource(
        group="kubevirt.io",
        version="v1",
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        short_names=short,
        has_status=status,
        counts_generation=True,
    )


def _admission(plural: str, kind: str) -> Resource:
    return Resource("admissionregistration.k8s.io", "v1", plural, kind.lower(), kind, namespaced=False)


KUBERNETES: tuple[Resource, ...] = (
    _core("nodes", "Node", "no", namespaced=False, status=True),
    _core("pods", "Pod", "po", status=True),
    _core("namespaces", "Namespace", "ns", namespaced=False, status=True),
    _core("events", "Event", "ev"),
    _core("configmaps", "ConfigMap", "cm"),
    _core("secrets", "Secret"),
    _core("persistentvolumes", "PersistentVolume", "pv", namespaced=False, status=True),
    _core("persistentvolumeclaims", "PersistentVolumeClaim", "pvc", status=True),
    Resource("apps", "v1", "controllerrevisions", "controllerrevision", "ControllerRevision"),
    Resource("coordination.k8s.io", "v1", "leases", "lease", "Lease"),
    _admission("validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
    _admission("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
    _storage("volumeattachments", "VolumeAttachment", status=True),
    _storage("storageclasses", "StorageClass", "sc"),
    _storage("csinodes", "CSINode"),
    _storage("csidrivers", "CSIDriver"),
    Resource(
        "authorization.k8s.io",
        "v1",
        "selfsubjectaccessreviews",
        "selfsubjectaccessreview",
        "SelfSubjectAccessReview",
        namespaced=False,
        is_question=True,
    ),
)
# VirtualMachineInstance has no status subresource: its status is written with the object, and every status change
# counts a generation (KubeVirt `components/crds.go`; recorded on a real control plane).
KUBEVIRT: tuple[Resource, ...] = (
    _kubevirt("kubevirts", "KubeVirt", "kv", "kvs", status=True),
    _kubevirt("virtualmachines", "VirtualMachine", "vm", "vms", status=True),
    _kubevirt("virtualmachineinstances", "VirtualMachineInstance", "vmi", "vmis", status=False),
    _kubevirt("virtualmachineinstancemigrations", "VirtualMachineInstanceMigration", "vmim", "vmims", status=True),
    _kubevirt("virtualmachineinstancereplicasets", "VirtualMachineInstanceReplicaSet", "vmirs", "vmirss", status=True),
    _instancetype("virtualmachineinstancetypes", "VirtualMachineInstancetype", "vminstancetype", "vmf"),
    _instancetype("virtualmachineclusterinstancetypes", "VirtualMachineClusterInstancetype", "vmcf", namespaced=False),
    _instancetype("virtualmachinepreferences", "VirtualMachinePreference", "vmpref", "vmp"),
    _instancetype("virtualmachineclusterpreferences", "VirtualMachineClusterPreference", "vmcp", namespaced=False),
)
# A DataVolume's status is written with the object (containerized-data-importer `pkg/apis/core/v1beta1/types.go`).
STORAGE: tuple[Resource, ...] = (
    Resource(
        group="cdi.kubevirt.io",
        version="v1beta1",
        plural="datavolumes",
        singular="datavolume",
        kind="DataVolume",
        short_names=("dv", "dvs"),
        counts_generation=True,
    ),
    _hwameistor("localvolumes", "LocalVolume", "lv"),
    _hwameistor("localvolumereplicas", "LocalVolumeReplica", "lvr"),
)


def _fencing(group: str, plural: str, kind: str, *, namespaced: bool = True) -> Resource:
    return Resource(
        group=group,
        version="v1alpha1",
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        namespaced=namespaced,
        has_status=True,
        counts_generation=True,
    )


_FAR, _SNR = "fence-agents-remediation.medik8s.io", "self-node-remediation.medik8s.io"
# CSI-Addons' (`api/csiaddons/v1alpha1`), two of medik8s' remediations with their templates (`api/v1alpha1`), Metal3's.
FENCING: tuple[Resource, ...] = (
    _fencing("csiaddons.openshift.io", "networkfences", "NetworkFence", namespaced=False),
    _fencing("csiaddons.openshift.io", "networkfenceclasses", "NetworkFenceClass", namespaced=False),
    _fencing("csiaddons.openshift.io", "csiaddonsnodes", "CSIAddonsNode"),
    _fencing(_FAR, "fenceagentsremediations", "FenceAgentsRemediation"),
    _fencing(_FAR, "fenceagentsremediationtemplates", "FenceAgentsRemediationTemplate"),
    _fencing(_SNR, "selfnoderemediations", "SelfNodeRemediation"),
    _fencing(_SNR, "selfnoderemediationtemplates", "SelfNodeRemediationTemplate"),
    _fencing("metal3.io", "baremetalhosts", "BareMetalHost"),
)
SERVED: tuple[Resource, ...] = KUBERNETES + KUBEVIRT + STORAGE + FENCING
