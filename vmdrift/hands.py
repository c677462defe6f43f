"""What a person's intervention is made with on the command line, and who makes it."""

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
from reactor.doors.inbox import RedisInbox
from reactor.doors.queue import RqQueue
from reactor.doors.store import RedisStore
from reactor.doors.wishes import Wishes
from reactor.interventions import Interventions, Person
from reactor.settings import Settings


@dataclass(frozen=True)
class Hands:
    """What an intervention is made with. Redis is connected when it is first needed: a hold does without."""

    settings: Settings
    cluster: KubernetesCluster

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises SettingsError, ClusterError."""
        return cls(settings, cluster_door.connect(os.environ.get("KUBECONFIG", ""), settings.api_timeout))

    @cached_property
    def redis(self) -> Redis:
        """Raises SettingsError, StoreError."""
        return redis_door.connect(self.settings.redis_url)

    @cached_property
    def wishes(self) -> Wishes:
        """Where holds and cancels are written down."""
        return Wishes(self.cluster, self.settings.namespace, cluster_door.served_clock(self.cluster))

    @cached_property
    def store(self) -> RedisStore:
        """What is known of outages and drifts."""
        return RedisStore(self.redis, self.settings.history_ttl)

    @cached_property
    def inbox(self) -> RedisInbox:
        """By which the workers are told."""
        settings = self.settings
        return RedisInbox(self.redis, redis_door.shared_clock(self.redis), settings.dedup_ttl, settings.fsync_wait)

    @cached_property
    def queue(self) -> RqQueue:
        """The processes'."""
        return RqQueue(self.redis, redis_door.shared_clock(self.redis), self.settings.history_ttl)

    @cached_property
    def interventions(self) -> Interventions:
        """This person's."""
        return Interventions(Person(who(), "cli"), self.wishes, lambda: self.store, lambda: self.inbox)


def who() -> str:
    """As the machine knows the person; the API server's own audit log knows better."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        name = f"user-{os.getuid()}"
    return f"{name}@{socket.gethostname()}"
