"""What the VMs of one lost node need, read at once: of each kind a list, and by its name only what that does not hold.

A list costs one request for up to 500 objects, and may bring many that nobody asked for. So of each no more is read
than a few times what is wanted; in a cluster or namespace where that is not enough, the rest is read by its name.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice

from reactor.adapters.kubernetes.cluster import PAGE, Cluster, Page
from reactor.model.drift import Record
from reactor.model.errors import ClusterError, ClusterUnreachable, Rejected
from reactor.model.names import is_name
from reactor.model.objects import JsonObject, text
from workers.decide.observation import Neighbour
from workers.observe.cache import placed
from workers.observe.label_selectors import has, labels_of, requirements
from workers.observe.launchers import UNREADABLE
from workers.observe.parse import claims_of

_VMIS, _VMS, _PODS = "virtualmachineinstances", "virtualmachines", "pods"
_CLAIMS, _VOLUMES = "persistentvolumeclaims", "persistentvolumes"
_ON_NODE, _OF_INSTANCE = "kubevirt.io/nodeName", "kubevirt.io/created-by"
_LONGEST_LABEL = 63
_WORTH = 3  # objects, from which on a list is tried
_SPARE = 4  # times as many objects as are wanted may be read
_LARGE, _SMALL = 100, PAGE  # objects that may be read in any case: of a kind whose objects are large, and of others
Names = Collection[str]


class Lists:
    """A Cluster. It shows what was there when it was read; nothing is read twice. Methods raise ClusterError.

    `node`: the lost one's name; `before` is called before each request.
    """

    def __init__(self, cluster: Cluster, node: str, before: Callable[[], None]) -> None:
        self._cluster, self._node, self._before = cluster, node, before
        self._named: dict[tuple[str, str, str], JsonObject | None] = {}
        self._pods: dict[str, list[JsonObject]] = {}
        self.neighbours: dict[str, tuple[Neighbour, ...]] = {}

    def read(self, records: Sequence[Record]) -> None:
        """What these VMs need, as far as lists bring it. Raises ClusterUnreachable."""
        by_namespace: dict[str, list[Record]] = {}
        for record in records:
            by_namespace.setdefault(record.drift.vm.namespace, []).append(record)
        self._instances(records)
        for namespace, own in by_namespace.items():
            self._list(_VMS, namespace, {r.drift.vm.name for r in own if not r.drift.vm.is_instance}, _LARGE)
            self._read_pods(namespace, {record.vmi_uid for record in own})
            self._list(_CLAIMS, namespace, self._claims(namespace), _SMALL)
        self._list(_VOLUMES, "", self._volumes(), _SMALL)

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """As the Cluster's."""
        key = resource, namespace, name
        if key not in self._named:
            self._before()
            self._named[key] = self._cluster.find(resource, name, namespace)
        return self._named[key]

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Iterator[Page]:
        """As the Cluster's. Of a namespace's pods by what they are selected here: by instance, and by node."""
        known = self._pods.get(namespace) if resource == _PODS and (labels or fields) else None
        if known is None:
            yield from self._pages(resource, namespace, labels, fields, limit)
            return
        node = fields.removeprefix("spec.nodeName=")
        wanted = requirements(labels)
        yield Page([pod for pod in known if node in {"", text(pod, "spec", "nodeName")} and has(pod, wanted)], "")

    def delete(self, resource: str, name: str, namespace: str = "", **more: object) -> None:  # noqa: ARG002
        """Nothing is changed."""
        raise Rejected("a forecast changes nothing")

    def time(self) -> float | None:
        """As the Cluster's."""
        return self._cluster.time()

    def _pages(self, resource: str, namespace: str, labels: str, fields: str, limit: int) -> Iterator[Page]:
        self._before()
        for page in self._cluster.pages(resource, namespace=namespace, labels=labels, fields=fields, limit=limit):
            yield page
            self._before()

    def _instances(self, records: Sequence[Record]) -> None:
        """KubeVirt gives an instance its node as a label."""
        wanted = {(record.drift.vm.namespace, record.drift.vm.name) for record in records}
        if len(wanted) < _WORTH or len(self._node) > _LONGEST_LABEL:
            return
        for page in self._if_allowed(_VMIS, "", f"{_ON_NODE}={self._node}", PAGE):
            self._keep(_VMIS, page.items, wanted)

    def _list(self, resource: str, namespace: str, names: Names, least: int) -> None:
        """Of all objects of the kind at least so many, if there are, and as many as these are likely to be among."""
        missing = {(namespace, name) for name in names if (resource, namespace, name) not in self._named}
        if len(missing) < _WORTH:
            return
        most = max(least, _SPARE * len(missing))
        limit = min(PAGE, most)
        for page in islice(self._if_allowed(resource, namespace, "", limit), most // limit):
            self._keep(resource, page.items, missing)
            missing = {place for place in missing if (resource, *place) not in self._named}
            if not missing:
                return

    def _if_allowed(self, resource: str, namespace: str, labels: str, limit: int) -> Iterator[Page]:
        """Where a list is refused, as to those who have the rights of an older version, all is read by its name."""
        try:
            yield from self._pages(resource, namespace, labels, "", limit)
        except ClusterUnreachable:
            raise
        except ClusterError:
            return

    def _keep(self, resource: str, items: Sequence[JsonObject], wanted: Collection[tuple[str, str]]) -> None:
        for obj in items:
            namespace, name = text(obj, "metadata", "namespace"), text(obj, "metadata", "name")
            if (namespace, name) in wanted:
                self._named[resource, namespace, name] = obj

    def _read_pods(self, namespace: str, instances: Names) -> None:
        """All of the namespace, because any of them may keep a VM away from a node; most only as that is judged.

        Where one of them makes trouble, or a right is missing, each VM is read by itself: it costs no other VM then.
        """
        pods, neighbours = list[JsonObject](), list[Neighbour]()
        try:
            for page in self._pages(_PODS, namespace, "", "", PAGE):
                if not all(map(_is_labelled, page.items)):
                    return
                pods += [
                    pod for pod in page.items if self._is_there(pod) or labels_of(pod).get(_OF_INSTANCE) in instances
                ]
                neighbours += placed(page.items)
        except ClusterUnreachable:
            raise
        except UNREADABLE:
            return
        self._pods[namespace], self.neighbours[namespace] = pods, tuple(neighbours)
        self._named |= {(_PODS, namespace, text(pod, "metadata", "name")): pod for pod in pods}

    def _is_there(self, pod: JsonObject) -> bool:
        return text(pod, "spec", "nodeName") == self._node

    def _claims(self, namespace: str) -> Names:
        """Of the pods on the lost node."""
        try:
            return frozenset().union(*map(claims_of, filter(self._is_there, self._pods.get(namespace, ()))))
        except UNREADABLE:
            return frozenset()

    def _volumes(self) -> frozenset[str]:
        """The PersistentVolumes of the claims that were found."""
        claims = (obj for (resource, _, _), obj in self._named.items() if resource == _CLAIMS)
        return frozenset(filter(is_name, (text(claim, "spec", "volumeName") for claim in claims)))


def _is_labelled(pod: JsonObject) -> bool:
    """Can it be selected by its labels, as `pages` does? One of which that is not so would end that for all VMs."""
    return all(isinstance(value, str) for value in labels_of(pod).values())
