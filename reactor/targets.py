"""Nodes and VMs that a person names: are they there, and if not, which one is meant?

The command line reads the cluster. The receiver, which faces the network, may read no Node and no VM: it knows the
nodes of the watchers' summary, which is there while an outage is open, and what open outages name.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.adapters.redis.store import Store
from reactor.model.errors import ClusterError, NotDone, StoreError
from reactor.model.identity import Outage
from reactor.model.intervention import ALL, node_target, vm_target
from reactor.model.names import is_name
from reactor.model.objects import text
from reactor.model.similar import did_you_mean

NodeNames = Callable[[], frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class Targets:
    """`nodes`: the names of all Nodes as a watcher knows them; None while none says. Methods raise no StoreError."""

    cluster: Cluster
    store: Callable[[], Store]
    nodes: NodeNames = lambda: None

    def exists(self, target: str) -> bool | None:
        """None where it cannot be looked up."""
        with suppress(ClusterError):
            return _exists_in(self.cluster, target)
        if target in self._concerned():
            return True
        nodes = self.nodes()
        return target.partition("/")[2] in nodes if nodes is not None and target.startswith("node/") else None

    def required(self, target: str, name: str) -> bool | None:
        """`exists`; NotDone for what is surely not there: a slip of the pen holds nothing.

        A node that was deleted while it is lost is there in its outage.
        """
        exists = self.exists(target)
        if exists is False and target not in self._concerned():
            kind = "VM" if target.startswith("vm/") else "node"
            raise NotDone(f"there is no {kind} {name}{self.meant(target)}")
        return exists

    def meant(self, target: str) -> str:
        """A question what may be meant; "" where nothing is like it."""
        prefix, _, name = target.partition("/")
        known = {other.partition("/")[2] for other in self._concerned() if other.startswith(f"{prefix}/")}
        with suppress(ClusterError):
            known.update(_names_like(self.cluster, target))
        return did_you_mean(name, known | (self.nodes() or frozenset()) if prefix == "node" else known)

    def _concerned(self) -> set[str]:
        """What open outages name: there is no doubt about that."""
        with suppress(StoreError):
            store = self.store()
            return {target for outage in store.outages() for target in named_by(outage.outage, store)}
        return set()


def named_by(outage: Outage, store: Store) -> Iterator[str]:
    """The lost node and its VMs, as targets; StoreError."""
    yield node_target(outage.node.name)
    yield from (vm_target(record.drift.vm) for record in store.records(outage.id))


def _exists_in(cluster: Cluster, target: str) -> bool:
    kind, *names = target.split("/")
    if target == ALL:
        return True
    if not all(map(is_name, names)):
        return False
    if kind == "node":
        return cluster.find("nodes", *names) is not None
    namespace, name = names
    vm = cluster.find("virtualmachines", name, namespace)
    return vm is not None or cluster.find("virtualmachineinstances", name, namespace) is not None


def _names_like(cluster: Cluster, target: str) -> Iterable[str]:
    """Of all nodes, or of all VMs in that namespace; ClusterError."""
    kind, *names = target.split("/")
    resource, namespace = ("nodes", "") if kind == "node" else ("virtualmachines", names[0])
    for page in cluster.pages(resource, namespace=namespace):
        for obj in page.items:
            name = text(obj, "metadata", "name")
            yield f"{namespace}/{name}" if namespace else name
