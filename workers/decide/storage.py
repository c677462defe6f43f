"""Can every volume follow the VM? What is safe is written out here; everything else is not."""

from fnmatch import fnmatch

from reactor.model.drift import Policy, Proof
from reactor.model.node import NodeView
from workers.decide.decision import Judgement, Passed, Verdict
from workers.decide.observation import Observation, Volume

# Nothing of these has to survive on the lost node. The content of emptyDisk and ephemeral is lost, as at any stop.
_PORTABLE = frozenset(
    {
        "cloudInitConfigDrive",
        "cloudInitNoCloud",
        "configMap",
        "containerDisk",
        "downwardAPI",
        "downwardMetrics",
        "emptyDisk",
        "secret",
        "serviceAccount",
        "sysprep",
    }
)
_LOST_CONTENT = frozenset({"emptyDisk", "ephemeral"})
CLAIMS = frozenset({"persistentVolumeClaim", "dataVolume", "ephemeral", "persistentState", "memoryDump"})
_NODE_LOCAL_KINDS = frozenset({"hostDisk"})
_NODE_LOCAL_SOURCES = frozenset({"local", "hostPath"})
# What else a PersistentVolume can lie on (`PersistentVolumeSource` in kubernetes, pkg/apis/core/types.go).
_IN_TREE = (
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
)
SOURCES = ("csi", *sorted(_NODE_LOCAL_SOURCES), *_IN_TREE)
_NODE_LOCAL_DRIVERS = frozenset({"disk.hwameistor.io"})
# Rook puts the operator's namespace in front: rook-ceph.rbd.csi.ceph.com.
_CEPH = ("*.rbd.csi.ceph.com", "rbd.csi.ceph.com", "*.cephfs.csi.ceph.com", "cephfs.csi.ceph.com")
HWAMEISTOR = "lvm.hwameistor.io"
_HA_REPLICAS = 2  # HwameiStor's HA


def storage(observation: Observation, lost_node: str, policy: Policy, proof: Proof) -> Verdict:
    """The first volume that cannot follow decides. `lost_node`: its name; `proof`: how sure its death is."""
    living = [node for node in observation.nodes if node.name != lost_node and node.available]
    for volume in (disk for disk in observation.volumes if not disk.left):
        if verdict := _objection(volume, observation, living, policy, proof):
            return verdict
    return Passed(_passed_sentence(observation))


def _passed_sentence(observation: Observation) -> str:
    claims = [f"{volume.claim} ({volume.driver})" for volume in observation.volumes if volume.pv and not volume.left]
    lost_content = [volume.name for volume in observation.volumes if volume.kind in _LOST_CONTENT]
    dropped = [f"{volume.name} ({volume.claim})" for volume in observation.volumes if volume.left]
    sentence = "Its claims can follow: " + ", ".join(claims) if claims else "It keeps nothing on the node"
    sentence += f"; what was written to {', '.join(lost_content)} is lost" if lost_content else ""
    return sentence + (
        f"; only the lost instance has {', '.join(dropped)}, and the next one will not." if dropped else "."
    )


def _objection(
    volume: Volume, observation: Observation, living: list[NodeView], policy: Policy, proof: Proof
) -> Judgement | None:
    dumped = volume.kind == "memoryDump" and observation.vm is not None and observation.vm.dumped
    if volume.kind in _PORTABLE or dumped:
        return None
    if volume.kind in _NODE_LOCAL_KINDS:
        return Judgement("node-local-volume", f"Volume {volume.name} ({volume.kind}) lies on the lost node.")
    if volume.kind not in CLAIMS:
        return Judgement("unsupported-storage", f"Volume {volume.name}: kind {volume.kind} is not known to be movable.")
    if volume.trouble:
        return Judgement("claim-not-ready", f"Volume {volume.name}: {volume.trouble}.")
    return _place_objection(volume, living, policy) or _guard_objection(volume, proof, policy)


def _place_objection(volume: Volume, living: list[NodeView], policy: Policy) -> Judgement | None:
    """Is the data anywhere but on the lost node?"""
    description = _description(volume)
    if volume.source in _NODE_LOCAL_SOURCES or volume.driver in _NODE_LOCAL_DRIVERS:
        return Judgement(
            "node-local-volume", f"{description} is a {volume.driver or volume.source} volume on the lost node."
        )
    if volume.driver == HWAMEISTOR:
        return _replica_objection(volume, living)
    if any(fnmatch(volume.driver, pattern) for pattern in (*_CEPH, *policy.shared_csi_drivers)):
        return None
    return Judgement("unsupported-storage", f"{description}: {_unknown_driver(volume)}")


def _unknown_driver(volume: Volume) -> str:
    """What is not known of it, and what can be done about that."""
    if volume.driver:
        return f"{volume.driver} is not known to be shared. If it is, name it in VMDRIFT_SHARED_CSI_DRIVERS."
    return (
        f"an in-tree {volume.source} volume, and only CSI drivers can be named as shared. Move its data to a claim of "
        "such a driver."
    )


def _replica_objection(volume: Volume, living: list[NodeView]) -> Judgement | None:
    if volume.replicas is None:
        return Judgement("replica-not-synced", f"{_description(volume)}: its HwameiStor replicas cannot be found.")
    if volume.replicas.wanted < _HA_REPLICAS:
        return Judgement("node-local-volume", f"{_description(volume)} has one HwameiStor replica, on the lost node.")
    if not {node.name for node in living} & set(volume.replicas.synced):
        return Judgement(
            "replica-not-synced", f"{_description(volume)}: no living node has a replica that is Ready and synced."
        )
    return None


def _guard_objection(volume: Volume, proof: Proof, policy: Policy) -> Judgement | None:
    """What keeps a node that is cut off but alive from writing beside the new one?"""
    if volume.exclusive or _is_read_only(volume) or proof is Proof.FENCED or policy.allow_unfenced_rwx:
        return None
    if not volume.attaches:
        why = f"driver {volume.driver} attaches nothing (attachRequired: false)"
    else:
        why = f"it allows {', '.join(volume.modes) or 'nobody knows which access modes'}"
    return Judgement(
        "shared-volume-not-fenced", f"{_description(volume)}: {why}, so nothing would keep the lost node out."
    )


def _is_read_only(volume: Volume) -> bool:
    return volume.read_only or volume.modes == ("ReadOnlyMany",)


def _description(volume: Volume) -> str:
    return f"Volume {volume.name} (claim {volume.claim}, volume {volume.pv})"
