"""What a person's intervention is made with: where it is written down, whom it is about, who makes it."""

import getpass
import os
import socket
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from redis import Redis

from reactor.doors import cluster as cluster_door
from reactor.doors import redis as redis_door
from reactor.doors.cluster import KubernetesCluster
from reactor.doors.queue import RqQueue, drift_entry
from reactor.doors.store import RedisStore
from reactor.doors.wishes import Wishes
from reactor.model.drift import Record
from reactor.model.errors import NotDone
from reactor.model.times import Clock
from reactor.settings import Settings
from workers.drift import begin_anew


@dataclass(frozen=True)
class Hands:
    """What an intervention is made with. `redis` is connected when it is first needed."""

    settings: Settings
    cluster: KubernetesCluster

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises SettingsError, ClusterError."""
        return cls(settings, cluster_door.connect(os.environ.get("KUBECONFIG", ""), settings.api_timeout))

    def redis(self) -> Redis:
        """Raises SettingsError, StoreError."""
        return redis_door.connect(self.settings.redis_url)

    @property
    def wishes(self) -> Wishes:
        """Where holds and cancels are written down."""
        return Wishes(self.cluster, self.settings.namespace, cluster_door.served_clock(self.cluster))

    def records(self, vm: str) -> list[Record]:
        """The VM's drifts in all open outages, newest last."""
        store = RedisStore(self.redis(), self.settings.history_ttl)
        found = [record for outage in store.outages() for record in store.records(outage.outage.id)]
        return sorted((r for r in found if str(r.drift.vm) == vm), key=lambda record: record.created_at)

    def wake(self, record: Record) -> None:
        """Its next look is now."""
        self.queue().wake(drift_entry(record.drift), self.clock())

    @cached_property
    def clock(self) -> Clock:
        """Redis', which all processes share."""
        return redis_door.shared_clock(self.redis())

    def queue(self) -> RqQueue:
        """The processes'."""
        return RqQueue(self.redis(), self.clock, self.settings.history_ttl)

    def begin_anew(self, record: Record) -> None:
        """An ended drift, under its lock, so that no pass writes over it. NotDone while one looks at it."""
        store = RedisStore(self.redis(), self.settings.history_ttl)
        if begin_anew(record, who(), store) is None:
            raise NotDone(f"{record.drift.vm}: a worker looks at it right now; try again")


def who() -> str:
    """As the machine knows the person; the API server's own audit log knows better."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        name = f"user-{os.getuid()}"
    return f"{name}@{socket.gethostname()}"
