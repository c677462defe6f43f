"""Who did what when, sent on: as a CloudEvent, and as a Kubernetes Event about the node or VM concerned.

A chore of the intake workers: who faces the network, or types a command, may write neither.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from reactor.adapters.cloudevents import encode
from reactor.adapters.kubernetes.cluster import Cluster, EventWriter
from reactor.adapters.redis.store import Store
from reactor.model.deed import Deed
from reactor.model.errors import ClusterError, ClusterUnreachable
from reactor.model.intervention import ALL
from reactor.model.names import is_name
from reactor.model.objects import JsonObject, text
from reactor.model.times import Clock
from workers.delivery.core_events import NORMAL, core_event

log = structlog.get_logger()

_AT_ONCE = 20  # deeds of one round
_OLD = 3600.0  # seconds; Kubernetes itself forgets an Event after an hour


class EventedCluster(Cluster, EventWriter, Protocol):
    """One that can be read, and takes Events."""


@dataclass(frozen=True, slots=True)
class DeedReporter:
    """`source`: of the CloudEvents, asked for when there is something to send. `cluster` None: no Kubernetes Events."""

    store: Store
    cluster: EventedCluster | None
    source: Callable[[], str]
    clock: Clock

    def tell(self) -> int:
        """One round; how many were sent on. StoreError, ClusterUnreachable: the rest comes with the next one.

        At least once: the same deed has the same id.
        """
        told = 0
        for entry, deed in self.store.deeds.untold(_AT_ONCE):
            if deed:
                self.store.publish([encode(deed.event(self.source()))], [])
                self._announce(deed)
            self.store.deeds.told(entry)
            told += deed is not None
        return told

    def _announce(self, deed: Deed) -> None:
        if self.cluster is None or self.clock() - deed.at > _OLD:
            return
        try:
            for event in self._events(deed, self.cluster):
                self.cluster.announce(event)
        except ClusterUnreachable:
            raise
        except ClusterError as error:  # without the right, or of a namespace that is being deleted
            log.warning("Kubernetes Event cannot be written", why=str(error), vm=deed.name)

    def _events(self, deed: Deed, cluster: Cluster) -> Iterator[JsonObject]:
        if deed.target == ALL:
            outages = [outage for i in deed.outages if (outage := self.store.outage(i))]
            nodes = [outage.outage.node for outage in outages]
            yield from (of_object("Node", "", node.name, node.uid, deed) for node in nodes)
        else:
            yield from _of_target(deed, cluster)


def _of_target(deed: Deed, cluster: Cluster) -> Iterator[JsonObject]:
    kind, *names = deed.target.split("/")
    if not all(map(is_name, names)):
        return
    if kind == "node":
        resources, namespace, name = {"nodes": "Node"}, "", names[0]
    else:
        resources = {"virtualmachines": "VirtualMachine", "virtualmachineinstances": "VirtualMachineInstance"}
        namespace, name = names
    for resource, object_kind in resources.items():
        obj = cluster.find(resource, name, namespace)
        if uid := text(obj, "metadata", "uid"):
            yield of_object(object_kind, namespace, name, uid, deed)
            return


def of_object(kind: str, namespace: str, name: str, uid: str, deed: Deed) -> JsonObject:
    """The core/v1 Event about this object."""
    about = {"kind": kind, "apiVersion": "kubevirt.io/v1" if namespace else "v1", "name": name, "uid": uid}
    about |= {"namespace": namespace} if namespace else {}
    return core_event(
        about,
        namespace or "default",
        same=f"{deed.id} {uid}",
        reason="Drift" + "".join(word.capitalize() for word in deed.what.split("-")),
        message=deed.sentence,
        kind=NORMAL,
        at=deed.at,
    )
