"""The cluster as a pass sees it while it has its VM's lock: the lock is renewed, and is ours at every deletion.

However slow the API server is, a pass that is alive keeps its lock; one that was paused for longer than the lock lasts
notices before it destroys anything.
"""

from collections.abc import Callable, Iterator

from reactor.adapters.kubernetes.cluster import Cluster, Page
from reactor.model.objects import JsonObject
from reactor.model.times import Clock


class LockedCluster:
    """A Cluster.

    `renew` raises LockLost; it is called when `every` seconds have passed at a read, and before each deletion.
    """

    def __init__(self, cluster: Cluster, renew: Callable[[], None], clock: Clock, every: float) -> None:
        self._cluster, self._renew, self._clock, self._every = cluster, renew, clock, every
        self._renewed = clock()

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """As the Cluster does."""
        self._renew_if_due()
        return self._cluster.find(resource, name, namespace)

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = 500
    ) -> Iterator[Page]:
        """As the Cluster does."""
        for page in self._cluster.pages(resource, namespace=namespace, labels=labels, fields=fields, limit=limit):
            self._renew_if_due()
            yield page

    def delete(  # noqa: PLR0913 - what it destroys, and the preconditions, each by its name
        self, resource: str, name: str, namespace: str = "", *, uid: str, grace: int | None = None, version: str = ""
    ) -> None:
        """As the Cluster does, if the lock is ours."""
        self._renew()
        self._cluster.delete(resource, name, namespace, uid=uid, grace=grace, version=version)

    def time(self) -> float | None:
        """As the Cluster does."""
        return self._cluster.time()

    def _renew_if_due(self) -> None:
        if self._clock() - self._renewed >= self._every:
            self._renew()
            self._renewed = self._clock()
