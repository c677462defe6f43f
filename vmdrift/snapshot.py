"""A whole cluster held still: everything that judging its VMs needs, read once from its API server or from a dump.

It can be asked like the cluster itself, and never changed. A kind that a dump does not hold is not an empty kind: to
ask for it is an error, so that nothing is taken for fine that nobody looked at.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from reactor.doors.cluster import PAGE, Cluster, Obj, Page
from reactor.model.errors import BadInput, NotServed, Rejected
from reactor.model.names import named
from reactor.model.node import NodeView, node_view
from reactor.model.times import parse_time
from workers.surroundings import NODE_LEASES, listed, renewed

_NEEDED = {
    "Node": "nodes",
    "Pod": "pods",
    "VirtualMachine": "virtualmachines",
    "VirtualMachineInstance": "virtualmachineinstances",
}
_EXPECTED = {
    "Namespace": "namespaces",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PersistentVolume": "persistentvolumes",
    "CSIDriver": "csidrivers",
    "StorageClass": "storageclasses",
    "VolumeAttachment": "volumeattachments",
    "Lease": "leases",
}
_OPTIONAL = {
    "LocalVolume": "localvolumes",
    "LocalVolumeReplica": "localvolumereplicas",
    "VirtualMachineInstanceReplicaSet": "virtualmachineinstancereplicasets",
}
_KINDS: Mapping[str, str] = {**_NEEDED, **_EXPECTED, **_OPTIONAL}
DUMP_COMMAND = (
    "kubectl get nodes,namespaces,vm,vmi,vmirs,pods,pvc,pv,csidrivers,storageclasses,volumeattachments,leases"
    " -A -o json > dump.json"
)

Objects = Mapping[str, Sequence[Obj]]  # resource -> all objects of it
_Key = tuple[str, str, str]  # resource, namespace, name


class ReadOnly:
    """The half of a Cluster that changes things or waits for changes, refused."""

    def watch(self, resource: str, version: str, silence: float) -> Iterator[tuple[str, Obj]]:  # noqa: ARG002
        """Nothing changes here."""
        raise Rejected("a snapshot cannot be watched")

    def delete(  # noqa: PLR0913 - the Cluster's
        self,
        resource: str,  # noqa: ARG002
        name: str,  # noqa: ARG002
        namespace: str = "",  # noqa: ARG002
        *,
        uid: str,  # noqa: ARG002
        grace: int | None = None,  # noqa: ARG002
        version: str = "",  # noqa: ARG002
    ) -> None:
        """Nothing is changed here."""
        raise Rejected("a snapshot is never changed")


class Snapshot(ReadOnly):
    """A Cluster of what was read. `at`: when that was, seconds since the epoch. Methods raise Rejected."""

    def __init__(self, objects: Objects, at: float) -> None:
        self._objects, self.at = objects, at
        self._named: dict[_Key, Obj] = {
            (resource, obj["metadata"].get("namespace", ""), obj["metadata"]["name"]): obj
            for resource, found in objects.items()
            for obj in found
        }
        self._by_label: dict[tuple[str, str], dict[str, list[Obj]]] = {}
        self._on_node: dict[str, list[Obj]] = defaultdict(list)
        for pod in objects.get("pods", ()):
            self._on_node[pod.get("spec", {}).get("nodeName", "")].append(pod)

    @property
    def absent(self) -> tuple[str, ...]:
        """The kinds that every cluster has and that this snapshot does not, as a dump that was made without them."""
        return tuple(resource for resource in _EXPECTED.values() if resource not in self._objects)

    @cached_property
    def nodes(self) -> tuple[NodeView, ...]:
        """All nodes."""
        return tuple(node_view(node) for node in self._objects["nodes"])

    def find(self, resource: str, name: str, namespace: str = "") -> Obj | None:
        """As the Cluster's."""
        key = resource, namespace, named(name)
        if resource != "configmaps":  # people's wishes; a dump need not have them, and then nobody has any
            self._know(resource)
        return self._named.get(key)

    def pages(
        self,
        resource: str,
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        limit: int = PAGE,  # noqa: ARG002 - the Cluster's
    ) -> Iterator[Page]:
        """As the Cluster's; the selectors are those that this project uses."""
        self._know(resource)
        wanted = _requirements(labels)
        found = self._some(resource, wanted, fields)
        yield Page([obj for obj in found if _matches(obj, namespace, wanted)], "")

    def time(self) -> float | None:
        """When it was read."""
        return self.at

    def _know(self, resource: str) -> None:
        if resource not in self._objects:
            raise Rejected(f"the dump holds no {resource}")

    def _some(self, resource: str, wanted: Mapping[str, frozenset[str]], fields: str) -> Sequence[Obj]:
        """As few objects as possible that hold all those that are wanted."""
        if fields.startswith("spec.nodeName="):
            return self._on_node.get(fields.partition("=")[2], ())
        if not wanted:
            return self._objects[resource]
        key, values = list(wanted.items())[-1]
        if (resource, key) not in self._by_label:
            index = self._by_label[resource, key] = defaultdict(list)
            for obj in self._objects[resource]:
                index[obj["metadata"].get("labels", {}).get(key, "")].append(obj)
        return [obj for value in sorted(values) for obj in self._by_label[resource, key].get(value, ())]


def _requirements(labels: str) -> Mapping[str, frozenset[str]]:
    """`a=b,c in (d,e)` as which label may have which values."""
    found = re.findall(r"([^,=()\s]+)(?:=([^,]*)| in \(([^)]*)\))", labels)
    return {key: frozenset(several.split(",")) if several else frozenset({one}) for key, one, several in found}


def _matches(obj: Obj, namespace: str, wanted: Mapping[str, frozenset[str]]) -> bool:
    meta = obj["metadata"]
    labels = meta.get("labels", {})
    return namespace in {"", meta.get("namespace", "")} and all(
        labels.get(key) in values for key, values in wanted.items()
    )


def from_cluster(cluster: Cluster, now: float) -> Snapshot:
    """Everything, as it is now. Raises ClusterError; without HwameiStor its kinds are simply empty."""
    objects: dict[str, list[Obj]] = {}
    for resource in _KINDS.values():
        try:
            objects[resource] = [_slim(obj) for obj in listed(cluster, resource)]
        except NotServed:
            if resource not in _OPTIONAL.values():
                raise
            objects[resource] = []
    return Snapshot(objects, now)


def from_dump(path: str) -> Snapshot:
    """A List as `kubectl get ... -A -o json` writes it, from a file, or standard input for "-". Raises BadInput."""
    name = "standard input" if path == "-" else path
    try:
        found = orjson.loads(sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes())
    except OSError as error:
        raise BadInput(f"{name}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{name} is no JSON ({error}); make it with: {DUMP_COMMAND}") from error
    items = found.get("items") if isinstance(found, dict) else None
    if not isinstance(items, list):
        raise BadInput(f"{name} is no List of objects; make it with: {DUMP_COMMAND}")
    objects: dict[str, list[Obj]] = defaultdict(list)
    for index, item in enumerate(items):
        kind = _checked(item, f"{name}: items[{index}]")
        if kind in _KINDS:
            objects[_KINDS[kind]].append(_slim(item))
    if lacking := [resource for resource in _NEEDED.values() if resource not in objects]:
        raise BadInput(f"{name} holds no {', '.join(lacking)}; make it with: {DUMP_COMMAND}")
    try:
        return Snapshot(dict(objects), _written_at(objects))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{name}: its nodes or leases are not what Kubernetes writes ({error!r})") from error


def _checked(item: Any, where: str) -> str:
    """The kind of something that is an object of Kubernetes at all."""
    meta = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(meta, dict) or not all(isinstance(meta.get(field), str) for field in ("name", "uid")):
        raise BadInput(f"{where} is no object with metadata.name and metadata.uid; make the dump with: {DUMP_COMMAND}")
    return str(item.get("kind", ""))


def _slim(obj: Obj) -> Obj:
    """Half of an object is who wrote which field of it."""
    obj["metadata"].pop("managedFields", None)
    return obj


def _written_at(objects: Objects) -> float:
    """When a dump was made: the controller manager renews its Lease every 2 s, kubelets theirs every 10 s."""
    metas = ((lease["metadata"], renewed(lease)) for lease in objects.get("leases", ()))
    leases = {(meta.get("namespace"), meta["name"]): stamp for meta, stamp in metas}
    manager = leases.get(("kube-system", "kube-controller-manager"))
    beats = [c.get("lastHeartbeatTime") for node in objects["nodes"] for c in node["status"].get("conditions") or ()]
    kubelets = [leases.get((NODE_LEASES, node["metadata"]["name"])) for node in objects["nodes"]]
    told = next((stamps for stamps in ([manager], kubelets, beats) if any(stamps)), [])
    return max((parse_time(stamp) for stamp in told if stamp), default=0.0)
