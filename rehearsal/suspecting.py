"""A watcher's suspicions in virtual time: its stream of Leases, and a look every second."""

from collections.abc import Callable, Sequence

from reactor.adapters.kubernetes.cluster import PAGE, Scope
from reactor.model.errors import ClusterError, Expired
from reactor.model.lease import NODE_LEASES
from reactor.model.node import NodeView
from reactor.model.times import Clock
from reactor.watch.leases import Leases, parse
from reactor.watch.list_watch import BOOKMARK, LISTED
from reactor.watch.suspecting import EVERY, Suspecting
from reactor.watch.witness import Witness
from rehearsal.twins.cluster import ApiCluster

_SCOPE = Scope(NODE_LEASES)


class LeaseStream:
    """As `reactor.watch.leases.follow_leases`, but whoever reads asks for what has come."""

    def __init__(self, cluster: ApiCluster, leases: Leases, steady: Clock) -> None:
        self._cluster, self._leases, self._steady = cluster, leases, steady
        self._version = ""

    def poll(self) -> None:
        """Take in what has come; a watch that breaks goes on at the next call."""
        try:
            if not self._version:
                self._list()
            for kind, obj in self._cluster.watch("leases", self._version, 0.0, _SCOPE):
                self._version = obj["metadata"]["resourceVersion"]
                self._leases.take(kind, [parse(obj)], self._steady())
            self._leases.take(BOOKMARK, [], self._steady())
        except Expired:
            self._version = ""
        except ClusterError:
            self._leases.missed(self._steady())

    def _list(self) -> None:
        pages = list(self._cluster.scoped("leases", _SCOPE, PAGE))
        self._leases.take(LISTED, [parse(obj) for page in pages for obj in page.items], self._steady())
        self._version = pages[-1].version


class Suspecter:
    """Reads, and looks, every second; and asks around, where it has a `witness`. `nodes`: what its watcher knows."""

    def __init__(
        self,
        stream: LeaseStream,
        suspecting: Suspecting,
        witness: Witness | None,
        nodes: Callable[[], Sequence[NodeView]],
    ) -> None:
        self._stream, self._suspecting, self._witness, self._nodes = stream, suspecting, witness, nodes
        self.due = 0.0

    def turn(self, now: float) -> None:
        """If it is time to."""
        if now >= self.due:
            self._stream.poll()
            self._suspecting.look()
            if self._witness:
                self._witness.turn(self._suspecting.suspected, self._nodes(), now)
            self.due = now + EVERY
