"""A whole cluster at one moment: everything that judging its VMs needs, read once from its API server or from a dump.

It can be read like the cluster itself, and never changed. A kind that a dump does not hold is not an empty kind: to
read it is an error, so that nothing counts as fine that was not read.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar

from reactor.adapters.kubernetes.cluster import PAGE, Cluster, Page
from reactor.model.errors import BadInput, Forbidden, NotServed, Rejected
from reactor.model.lease import NODE_LEASES, renewal
from reactor.model.names import named
from reactor.model.node import NodeView, node_view
from reactor.model.objects import JsonObject, text, words
from vmdrift.snapshot.allowed_fields import is_needed
from vmdrift.snapshot.dump_file import DUMP_COMMAND, MAKE, Dump, about, read_dump
from vmdrift.snapshot.dump_time import written_at
from vmdrift.snapshot.kinds import EXPECTED, KINDS, NEEDED, OPTIONAL
from vmdrift.snapshot.readonly import ReadOnly
from workers.decide.observation import Neighbour
from workers.observe.cache import listed, placed
from workers.observe.label_selectors import has, labels_of, requirements

__all__ = ["DUMP_COMMAND", "ClusterSnapshot", "Objects", "everything", "from_cluster", "from_dump", "snapshot"]

Objects = Mapping[str, Sequence[JsonObject]]  # resource -> all objects of it
Keep = Callable[[str, JsonObject], JsonObject]  # resource and object -> what of it is kept
_CLAIMS = "persistentvolumeclaims"
_T = TypeVar("_T")
_Key = tuple[str, str, str]  # resource, namespace, name


class ClusterSnapshot(ReadOnly):
    """A Cluster of what was read. `at`: when that was, seconds since the epoch. Methods raise Rejected.

    `partial`: it is a dump of whatever somebody chose, so that what it does not hold may well be there. `forbidden`:
    the kinds that we may not read. `vm_labels`: VirtualMachines bear their labels.
    """

    def __init__(
        self,
        objects: Objects,
        at: float,
        *,
        partial: bool = False,
        forbidden: Collection[str] = (),
        vm_labels: bool = True,
    ) -> None:
        self.vm_labels = vm_labels
        self._objects, self.at, self.partial, self._forbidden = objects, at, partial, frozenset(forbidden)
        self._named: dict[_Key, JsonObject] = {
            (resource, _namespace(obj), obj["metadata"]["name"]): obj
            for resource, of_kind in objects.items()
            for obj in of_kind
        }
        self._namespaces = {(resource, namespace) for resource, namespace, _ in self._named}
        self._found_out: dict[Hashable, Any] = {}
        self._by_label: dict[tuple[str, str], dict[str, list[JsonObject]]] = {}
        self._on_node: dict[str, list[JsonObject]] = defaultdict(list)
        for pod in objects.get("pods", ()):
            self._on_node[text(pod, "spec", "nodeName")].append(pod)

    @property
    def objects(self) -> Objects:
        """All that was read, by resource; nobody changes it."""
        return self._objects

    @property
    def absent(self) -> tuple[str, ...]:
        """What every cluster has and this snapshot has not, such as a dump that was made without it."""
        kinds = [kind.resource for kind in EXPECTED if kind.resource not in self._objects]
        return (*kinds, *([f"leases of {NODE_LEASES}"] if "leases" not in kinds and self._lacks_leases else []))

    @property
    def called(self) -> str:
        """What it is a snapshot of, for sentences."""
        return "the dump" if self.partial else "the cluster"

    @cached_property
    def _lacks_leases(self) -> str:
        """Every kubelet has a Lease: which of them this dump lacks, "" if it holds most of them or is not partial."""
        ready = [view.name for view in self.nodes if view.ready == "True"] if self.partial else []
        leased = sum(("leases", NODE_LEASES, name) in self._named for name in ready)
        if 2 * leased > len(ready) or not ready:
            return ""
        which = f"the Leases of only {leased} of {len(ready)} nodes that are Ready" if leased else "no Lease of a node"
        return f"{which} (namespace {NODE_LEASES})"

    @cached_property
    def renewals(self) -> Mapping[str, float]:
        """When each node last renewed its Lease."""
        leases = listed(self, "leases", namespace=NODE_LEASES)
        return dict(map(renewal, leases))

    @cached_property
    def instances_by_node(self) -> Mapping[str, Sequence[JsonObject]]:
        """VM instances, by the node that they name; "" has none yet."""
        found: dict[str, list[JsonObject]] = defaultdict(list)
        for vmi in listed(self, "virtualmachineinstances"):
            found[named_node(vmi)].append(vmi)
        return found

    def neighbours(self, namespace: str) -> tuple[Neighbour, ...]:
        """As workers.observe reads them."""
        read = partial(listed, self, "pods", namespace=namespace)
        return self.once(("neighbours", namespace), lambda: tuple(placed(read())))

    def once(self, key: Hashable, find_out: Callable[[], _T]) -> _T:
        """What was found out under this key: a snapshot never changes."""
        if key not in self._found_out:
            self._found_out[key] = find_out()
        found: _T = self._found_out[key]
        return found

    @cached_property
    def nodes(self) -> tuple[NodeView, ...]:
        """All nodes."""
        return tuple(node_view(node) for node in self._objects["nodes"])

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """As the Cluster's."""
        key = resource, namespace, named(name)
        if resource != "configmaps":  # interventions; a dump need not have them, and then there are none
            self._require(resource, namespace)
        obj = self._named.get(key)
        if obj is None and self.partial and self._may_exist(resource, namespace):
            raise Rejected(f"the dump holds no {resource} {f'of namespace {namespace}' if namespace else name}")
        return obj

    def there(self, resource: str, name: str, namespace: str) -> JsonObject | None:
        """The object, or None where it was not read, for whatever reason."""
        return self._named.get((resource, namespace, name))

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
        self._require(resource, namespace)
        wanted = requirements(labels)
        candidates = self._candidates(resource, wanted, fields)
        yield Page([obj for obj in candidates if namespace in {"", _namespace(obj)} and has(obj, wanted)], "")

    def time(self) -> float | None:
        """When it was read."""
        return self.at

    def _require(self, resource: str, namespace: str) -> None:
        if resource in self._forbidden:
            raise Rejected(f"to list {resource} is forbidden")
        if resource not in self._objects:
            raise Rejected(f"the dump holds no {resource}")
        if (resource, namespace) == ("leases", NODE_LEASES) and self._lacks_leases:
            raise Rejected(f"the dump holds {self._lacks_leases}")

    def _may_exist(self, resource: str, namespace: str) -> bool:
        """A VM's namespace exists; and so may a claim, where the dump holds none of its namespace."""
        return resource == "namespaces" or (resource == _CLAIMS and (resource, namespace) not in self._namespaces)

    def _candidates(self, resource: str, wanted: Mapping[str, frozenset[str]], fields: str) -> Sequence[JsonObject]:
        """As few objects as possible, among which are all that are wanted."""
        if fields.startswith("spec.nodeName="):
            return self._on_node.get(fields.partition("=")[2], ())
        if not wanted:
            return self._objects[resource]
        key, values = list(wanted.items())[-1]
        if (resource, key) not in self._by_label:
            index = self._by_label[resource, key] = defaultdict(list)
            for obj in self._objects[resource]:
                index[text(labels_of(obj), key)].append(obj)
        return [obj for value in sorted(values) for obj in self._by_label[resource, key].get(value, ())]


def named_node(vmi: JsonObject) -> str:
    """Where an instance says that it runs, "" where it has no node yet."""
    return text(vmi, "status", "nodeName") or text(vmi, "metadata", "labels", "kubevirt.io/nodeName")


def _namespace(obj: JsonObject) -> str:
    return obj["metadata"].get("namespace") or ""


def from_cluster(cluster: Cluster, now: float) -> ClusterSnapshot:
    """Everything, as it is now. Raises ClusterError."""
    return snapshot(everything(cluster, now))


def everything(cluster: Cluster, now: float, keep: Keep = lambda _, obj: obj) -> Dump:
    """All objects of the kinds that are read; of each what `keep` makes of it. Raises ClusterError.

    Without HwameiStor its kinds are simply empty. What we may not list is lacking, as in a dump.
    """
    objects, forbidden = dict[str, list[JsonObject]](), list[str]()
    for kind in KINDS:
        try:
            pages = cluster.pages(kind.resource)
            needed = (obj for page in pages for obj in page.items if is_needed(kind.resource, obj))
            objects[kind.resource] = [keep(kind.resource, _slim(obj)) for obj in needed]
        except NotServed:
            if kind not in OPTIONAL:
                raise
            objects[kind.resource] = []
        except Forbidden:
            if kind in NEEDED:
                raise
            forbidden.append(kind.resource)
    return Dump(objects, about(objects, now, forbidden))


def from_dump(path: str) -> ClusterSnapshot:
    """What `vmdrift dump` or `kubectl get ... -A -o json` wrote, in a file, or standard input for "-". BadInput."""
    return snapshot_of(usable_dump(path), path)


def usable_dump(path: str) -> Dump:
    """A dump that holds what there is no answer without. Raises BadInput."""
    name, dump = "standard input" if path == "-" else path, read_dump(path)
    if lacking := [kind.resource for kind in NEEDED if kind.resource not in dump.objects]:
        raise BadInput(f"{name} holds no {', '.join(lacking)}; {MAKE}")
    return dump


def snapshot_of(dump: Dump, name: str) -> ClusterSnapshot:
    """The snapshot of a dump; BadInput with its name."""
    try:
        return snapshot(dump)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{name}: it contains a malformed object: {error!r}") from error


def snapshot(dump: Dump) -> ClusterSnapshot:
    """The snapshot of what was read."""
    objects = {resource: [_slim(obj) for obj in of_kind] for resource, of_kind in dump.objects.items()}
    if not dump.about:
        return ClusterSnapshot(objects, written_at(objects), partial=True)
    forbidden, labels = words(dump.about, "forbidden"), "vm_labels" in dump.about
    return ClusterSnapshot(objects, dump.about["read_at"], forbidden=forbidden, vm_labels=labels)


def _slim(obj: JsonObject) -> JsonObject:
    """Without managedFields, which are half of an object."""
    obj["metadata"].pop("managedFields", None)
    return obj
