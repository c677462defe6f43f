"""What to do about a reason: REASONS says it for a node that is lost; while nothing has happened yet there is more."""

from collections.abc import Iterable

from reactor.model.advice import named
from reactor.model.identity import VmRef
from reactor.model.reason import REASONS
from workers.decide.observation import Volume

BEFOREHAND = {
    "node-local-volume": "Put the disk on storage that other nodes reach, or keep a backup.",
    "unsupported-storage": "If any node can attach this driver's volumes, name it in VMDRIFT_SHARED_CSI_DRIVERS; else "
    "put the disk on other storage.",
    "shared-volume-not-fenced": "Use ReadWriteOnce if the VM need not migrate live; else the node must be fenced, or "
    "VMDRIFT_ALLOW_UNFENCED_RWX=true takes the risk of two writers.",
    "not-fenced": "Name a provider that can prove this node dead (VMDRIFT_FENCING, docs/fencing.md), or do not require "
    "proof for this VM.",
    "not-terminating": "Limit the tolerationSeconds of the VM's toleration of node.kubernetes.io/unreachable, or set "
    "VMDRIFT_DELETE_UNEVICTED=true.",
    "run-strategy": "If the VM is to come back by itself: `kubectl -n NAMESPACE patch vm VM --type=merge -p "
    """'{"spec":{"running":null,"runStrategy":"Always"}}'`.""",
    "claim-used-by-pod": "Stop the pod that is named, or run it on another node.",
    "observe-only": "Change who says observe: the VM (`kubectl -n NAMESPACE annotate vm VM vmdrift.io/policy-`), its "
    "namespace (`kubectl annotate namespace NAMESPACE vmdrift.io/policy-`) or VMDRIFT_POLICY.",
    "too-many-nodes-lost": "Bring the lost nodes back, or raise VMDRIFT_MAX_UNREACHABLE.",
}


_IN_TREE = "Move its data to a claim of a CSI driver: no setting can name an in-tree volume."
_OUTSIDE = frozenset({"", "csi", "local", "hostPath"})  # sources of PersistentVolumes that no such advice is for


def change_of(vm: VmRef, reason: str, volumes: Iterable[Volume] = (), *, lost: bool, node: str = "") -> str:
    """The same, with the names of this VM, and of its node where that is known, in its commands."""
    return named(change(reason, volumes, lost=lost), vm, node)


def change(reason: str, volumes: Iterable[Volume] = (), *, lost: bool) -> str:
    """A sentence for an operator; `volumes`: of the VM that it is about; `lost`: the node is lost already."""
    if reason == "unsupported-storage" and any(volume.pv and volume.source not in _OUTSIDE for volume in volumes):
        return _IN_TREE
    operator = REASONS[reason].operator
    return operator if lost else BEFOREHAND.get(reason, operator)
