"""Can every volume follow the VM? What is safe is written out here; everything else is not."""

from fnmatch import fnmatch

from workers.decide.decision import Held, Judgement, Verdict
from workers.decide.observation import Observation, Volume

# Nothing of these has to survive on the lost node. The content of emptyDisk and ephemeral is lost, as at any stop.
_CARRIED = frozenset(
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
_CLAIMS = frozenset({"persistentVolumeClaim", "dataVolume", "ephemeral"})
_NODE_LOCAL_KINDS = frozenset({"hostDisk"})
_NODE_LOCAL_SOURCES = frozenset({"local", "hostPath"})
# Rook puts the operator's namespace in front: rook-ceph.rbd.csi.ceph.com.
_CEPH = ("*.rbd.csi.ceph.com", "rbd.csi.ceph.com", "*.cephfs.csi.ceph.com", "cephfs.csi.ceph.com")
_SINGLE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


def storage(seen: Observation) -> Verdict:
    """The first volume that cannot follow decides."""
    for volume in seen.volumes:
        if verdict := _objection(volume):
            return verdict
    claims = [f"{volume.claim} ({volume.driver})" for volume in seen.volumes if volume.kind in _CLAIMS]
    return Held("Its claims can follow: " + ", ".join(claims) if claims else "It keeps nothing on the node.")


def _objection(volume: Volume) -> Judgement | None:
    if volume.kind in _CARRIED:
        return None
    if volume.kind in _NODE_LOCAL_KINDS:
        return Judgement("node-local-volume", f"Volume {volume.name} ({volume.kind}) lies on the lost node.")
    if volume.kind not in _CLAIMS:
        return Judgement("unsupported-storage", f"Volume {volume.name}: kind {volume.kind} is not known to be movable.")
    if volume.trouble:
        return Judgement("claim-not-ready", f"Volume {volume.name}: {volume.trouble}.")
    return _claim_objection(volume)


def _claim_objection(volume: Volume) -> Judgement | None:
    what = f"Volume {volume.name} (claim {volume.claim}, volume {volume.pv})"
    if volume.source in _NODE_LOCAL_SOURCES:
        return Judgement("node-local-volume", f"{what} is a {volume.source} volume on the lost node.")
    if not any(fnmatch(volume.driver, pattern) for pattern in _CEPH):
        return Judgement("unsupported-storage", f"{what}: {volume.driver or volume.source} is not known to be shared.")
    if not volume.modes or not _SINGLE_NODE.issuperset(volume.modes):
        modes = ", ".join(volume.modes) or "nobody knows which access modes"
        return Judgement("shared-volume-not-fenced", f"{what} allows {modes}: nothing would keep the lost node out.")
    return None
