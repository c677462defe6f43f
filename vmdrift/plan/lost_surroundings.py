"""What a drift reads around its VM, of a node that is supposed to be lost.

An audit supposes that of every node; most of it is the same each time.
"""

from collections.abc import Iterator, Mapping

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.node import NodeView
from vmdrift.plan.what_if import IfLost
from workers.decide.observation import Neighbour
from workers.observe.cache import Surroundings, placed


class LostSurroundings(Surroundings):
    """What its loss does not change is the snapshot's, and parsed once."""

    def __init__(self, lost: IfLost) -> None:
        super().__init__(lambda: lost.now)
        self._lost = lost

    def nodes(self, _: Cluster, *, own: bool = False) -> tuple[NodeView, ...]:  # noqa: ARG002 - there is but one list
        """Its own view of the lost one."""
        lost = self._lost.node
        return self.once("nodes", lambda: tuple(lost if v.name == lost.name else v for v in self._lost.there.nodes))

    def renewals(self, _: Cluster, *, own: bool = False) -> Mapping[str, float]:  # noqa: ARG002 - same
        """A loss changes none of them."""
        return self._lost.there.renewals

    def neighbours(self, cluster: Cluster, namespace: str) -> tuple[Neighbour, ...]:
        """Its own view of those on the lost node."""
        return self.once(("neighbours", namespace), lambda: tuple(self._as_they_would_be(cluster, namespace)))

    def _as_they_would_be(self, cluster: Cluster, namespace: str) -> Iterator[Neighbour]:
        """In their order; those of the lost node are leaving, or gone."""
        node = self._lost.node.name
        changed = {pod.uid: pod for pod in placed(self.pods_on(cluster, node, namespace))}
        for pod in self._lost.there.neighbours(namespace):
            if pod.node != node:
                yield pod
            elif pod.uid in changed:
                yield changed[pod.uid]
