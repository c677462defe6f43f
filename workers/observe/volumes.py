"""A VM's volumes, each followed to where its data is: claim -> PersistentVolume -> driver -> replicas."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.errors import NotServed
from reactor.model.names import is_name
from reactor.model.objects import Obj, part, parts, text, without_nulls, words
from workers.decide.annotations import REQUIRE_FENCE_ANNOTATION
from workers.decide.observation import Replicas, Volume, Witness
from workers.decide.placement.next_instance import keeps_state
from workers.decide.storage import HWAMEISTOR, SOURCES
from workers.observe.cache import BOUND, Surroundings, listed
from workers.observe.parse import hotplugged

NOBODY = Witness()
CLAIM = "persistentVolumeClaim"
_CLAIMS = "persistentvolumeclaims"
_CLASS_TTL = 60.0  # seconds; a StorageClass is edited once in months, and attachRequired of a CSIDriver is immutable
_LABEL = 63  # characters of a label's value
_HANDLE = re.compile(r"0001-([0-9a-f]{4})-(.+)")
_STATE = "persistent-state-for"  # KubeVirt's label, and how it named the claim before there was the label


class Disks:
    """Reads for the volumes of one VM. Methods raise ClusterError.

    `remembered`: what was read within the last minutes is enough. Never before something is released.
    """

    def __init__(self, cluster: Cluster, cache: Surroundings, namespace: str, *, remembered: bool = False) -> None:
        self._cluster, self._cache, self._namespace, self._remembered = cluster, cache, namespace, remembered

    def all(self, vm: str, volumes: Sequence[Obj], witness: Witness = NOBODY) -> tuple[Volume, ...]:
        """Those of a spec, what only the witness names, and the claim that keeps the state of a vTPM or EFI."""
        of_spec = [self._volume(spec) for spec in volumes]
        lost_only = [replace(self._volume(spec), left=True) for spec in others(volumes, witness.volumes)]
        claims = {volume.claim for volume in (*of_spec, *lost_only)}
        other_claims = [claim for claim in witness.claims if claim not in claims]
        states = self._states(vm, other_claims, left=not witness.state) if witness.state or other_claims else []
        pod_claims = [claim for claim in other_claims if claim not in {volume.claim for volume in states}]
        of_pods = [self._on_claim(Volume(name, CLAIM, claim=name, named=False)) for name in pod_claims]
        return (*of_spec, *states, *lost_only, *of_pods)

    def _states(self, vm: str, used: Sequence[str], *, left: bool) -> list[Volume]:
        """The state claim that is in use, as far as that is known, else every one that could be the next instance's."""
        labels = f"{_STATE}={vm}"  # of a name that is too long for a label there is only the claim of the old name
        claims = listed(self._cluster, _CLAIMS, namespace=self._namespace, labels=labels) if len(vm) <= _LABEL else []
        names = states_of(vm, claims, used)
        wanted = [name for name in names if name in used] if left else names
        return [self._on_claim(Volume("state", "persistentState", claim=name, left=left)) for name in wanted]

    def _find(self, resource: str, name: str, namespace: str = "") -> Obj | None:
        """By a name that another object gives: None for what is no valid name."""
        if not is_name(name):
            return None
        if self._remembered:
            cached = self._cache.find(self._cluster, resource, name, namespace, BOUND)
            if resource != _CLAIMS or _is_bound(cached):
                return cached
        obj = self._cluster.find(resource, name, namespace)
        self._cache.remember(resource, name, namespace, obj)
        return obj

    def _volume(self, spec: Obj) -> Volume:
        kind = _kind(spec)
        source = part(spec, kind)
        volume = Volume(text(spec, "name"), kind, claim=_claim(kind, source), hotplugged=hotplugged(spec))
        if not volume.claim:
            return volume
        # KubeVirt puts an overlay on an ephemeral volume's claim and only reads from it.
        read_only = kind == "ephemeral" or bool(source.get("readOnly"))
        return self._on_claim(replace(volume, read_only=read_only))

    def _on_claim(self, volume: Volume) -> Volume:
        claim = volume.claim
        pvc = self._find(_CLAIMS, claim, self._namespace)
        if pvc is None:
            return replace(volume, trouble=f"claim {claim} is missing")
        if not _is_bound(pvc):
            return replace(volume, trouble=f"claim {claim} is {text(pvc, 'status', 'phase') or 'not bound'}")
        pv = self._find("persistentvolumes", text(pvc, "spec", "volumeName"))
        if pv is None:
            return replace(volume, trouble=f"the PersistentVolume of claim {claim} is missing")
        volume = replace(_with_pv(volume, pv), bound=_bound(pvc, pv))
        if other := _of_another(pvc, pv):
            return replace(volume, trouble=f"claim {claim} names volume {volume.pv}, which is bound to {other}")
        return self._with_driver(volume, pv)

    def _with_driver(self, volume: Volume, pv: Obj) -> Volume:
        if not volume.driver:
            return volume
        if not is_name(volume.driver):
            return replace(volume, trouble=f"no CSIDriver can bear the name of its driver, {volume.driver[:60]!r}")
        csi_driver = self._cache.find(self._cluster, "csidrivers", volume.driver, ttl=_CLASS_TTL)
        attaches = part(csi_driver, "spec").get("attachRequired") is not False  # Kubernetes' default is true
        replicas = self._replicas(pv) if volume.driver == HWAMEISTOR else None
        return replace(volume, attaches=attaches, replicas=replicas, fence=self._asks_for_fence(pv))

    def _asks_for_fence(self, pv: Obj) -> bool:
        """By an annotation of its StorageClass."""
        return text(self._class(pv), "metadata", "annotations", REQUIRE_FENCE_ANNOTATION) == "true"

    def _replicas(self, pv: Obj) -> Replicas | None:
        """As HwameiStor says, else the PersistentVolume, else the StorageClass; None when none gives a number."""
        try:
            local_volume = self._find("localvolumes", text(pv, "spec", "csi", "volumeHandle"))
        except NotServed:
            local_volume = None
        count = part(local_volume, "spec").get("replicaNumber") or self._parameter(pv)
        if not str(count or "").isdecimal():
            return None
        return Replicas(int(count), self._synced(words(local_volume, "status", "replicas")))

    def _parameter(self, pv: Obj) -> Any:
        attributes = part(pv, "spec", "csi", "volumeAttributes")
        if "replicaNumber" in attributes:
            return attributes["replicaNumber"]
        return part(self._class(pv), "parameters").get("replicaNumber")

    def _class(self, pv: Obj) -> Obj:
        """The volume's StorageClass; {} without one."""
        name = text(pv, "spec", "storageClassName")
        ttl = BOUND if self._remembered else _CLASS_TTL
        return (self._cache.find(self._cluster, "storageclasses", name, ttl=ttl) if is_name(name) else None) or {}

    def _synced(self, names: Sequence[str]) -> tuple[str, ...]:
        """The nodes of those replicas that are Ready and synced."""
        replicas = [self._find("localvolumereplicas", name) for name in names]
        synced = [
            r for r in replicas if text(r, "status", "state") == "Ready" and part(r, "status").get("synced") is True
        ]
        return tuple(text(replica, "spec", "nodeName") for replica in synced)


def claims_of(vm: str, template: Obj, claims: Sequence[Obj], *, state: bool) -> list[str]:
    """The names of a VM's claims. `claims`: those of its namespace; `state`: it keeps state in one."""
    names = [claim for spec in parts(template, "volumes") if (claim := claim_of(spec))]
    labelled = [claim for claim in claims if text(claim, "metadata", "labels", _STATE) == vm]
    return names + (states_of(vm, labelled, names) if state or keeps_state(template) else [])


def states_of(vm: str, labelled: Sequence[Obj], used: Sequence[str]) -> list[str]:
    """The claims that may keep the state. `labelled`: those with the label of this VM; `used`: claims in use.

    Source: PVCForVMI in kubevirt, pkg/storage/backend-storage: none that is being deleted, a labelled one before the
    one of the old name.
    """
    alive = [claim["metadata"] for claim in labelled if not part(claim, "metadata").get("deletionTimestamp")]
    names = [str(meta["name"]) for meta in alive] or [f"{_STATE}-{vm}"]
    return [name for name in names if name in used] or names


def others(volumes: Sequence[Obj], lost: Sequence[Obj]) -> list[Obj]:
    """Of the lost instance's volumes the claims that are not among those of a spec."""
    claims = {claim_of(spec) for spec in volumes}
    return [spec for spec in lost if (claim := claim_of(spec)) and claim not in claims]


def claim_of(spec: Obj) -> str:
    """The claim of a volume of a spec, "" where it has none."""
    kind = _kind(spec)
    return _claim(kind, part(spec, kind)) if kind else ""


def _kind(spec: Obj) -> str:
    return next((key for key in spec if key != "name"), "")


def _is_bound(claim: Obj | None) -> bool:
    """Only then will it lead to the same volume in some minutes, too."""
    return text(claim, "status", "phase") == "Bound"


def _claim(kind: str, source: Obj) -> str:
    if kind == "dataVolume":
        return text(source, "name")
    return text(source, "persistentVolumeClaim", "claimName") if kind == "ephemeral" else text(source, "claimName")


def _bound(pvc: Obj, pv: Obj) -> bool:
    """Do both name each other, by uid?"""
    uid = text(pvc, "metadata", "uid")
    return bool(uid) and uid == text(pv, "spec", "claimRef", "uid") and not _of_another(pvc, pv)


def _of_another(pvc: Obj, pv: Obj) -> str:
    """The claim that the volume names, if that is another one."""
    ref = part(pv, "spec", "claimRef")
    same = [text(ref, field) in {"", text(pvc, "metadata", field)} for field in ("namespace", "name", "uid")]
    return "" if all(same) else f"{text(ref, 'namespace')}/{text(ref, 'name')}"


def _cluster_id(csi: Obj) -> str:
    """Of the storage cluster: as the PV says, else as ceph-csi writes it into the handle; "" where neither does.

    The handle begins with its version and the ID's length, both four hex digits (ceph-csi,
    `internal/util/volid.go`: 0001-0009-rook-ceph-...).
    """
    match = _HANDLE.match(text(csi, "volumeHandle"))
    length = int(match[1], 16) if match else 0
    rest = match[2] if match else ""
    return text(csi, "volumeAttributes", "clusterID") or (rest[:length] if rest[length : length + 1] == "-" else "")


def _with_pv(volume: Volume, pv: Obj) -> Volume:
    spec, csi = part(pv, "spec"), part(pv, "spec", "csi")
    return replace(
        volume,
        pv=pv["metadata"]["name"],
        source=next((kind for kind in SOURCES if spec.get(kind) is not None), "another"),
        driver=text(csi, "driver"),
        handle=text(csi, "volumeHandle"),
        cluster=_cluster_id(csi),
        modes=words(spec, "accessModes"),
        read_only=volume.read_only or bool(csi.get("readOnly")),
        admits=parts(without_nulls(spec), "nodeAffinity", "required", "nodeSelectorTerms") or (),
    )
