"""The one place where a process' connections, and the adapters on them, are made: from settings, and KUBECONFIG.

Each is made when it is first used, and raises SettingsError, StoreError, ClusterError then; importing makes none.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from redis import Redis

from reactor import timing
from reactor.adapters.redis import connection as redis_connection
from reactor.adapters.redis.audits import RedisAudits
from reactor.adapters.redis.changes import RedisChanges
from reactor.adapters.redis.clock_offsets import Comparer
from reactor.adapters.redis.coverage import RedisCoverage
from reactor.adapters.redis.inbox import FSYNC_WAIT, RedisInbox
from reactor.adapters.redis.outbox import RedisOutbox
from reactor.adapters.redis.plug_memory import RedisPlugMemory
from reactor.adapters.redis.process_reports import Reporter, Requests
from reactor.adapters.redis.store import RedisStore
from reactor.adapters.redis.summaries import RedisSummaries
from reactor.adapters.redis.witness_reports import RedisWitnessReports
from reactor.adapters.rq import RqQueue
from reactor.adapters.sink import HttpSink
from reactor.model.times import Clock
from reactor.settings import Settings

if TYPE_CHECKING:  # the Kubernetes client takes half a second, and many a command does without a cluster
    from reactor.adapters.kubernetes.cluster import KubernetesCluster
    from reactor.adapters.kubernetes.interventions import InterventionsConfigMap


@dataclass(frozen=True)
class Wiring:
    """Of one process. `kubeconfig`: a path, "" in a pod. `before_call` runs before each API request (heartbeats)."""

    settings: Settings
    kubeconfig: str
    before_call: Callable[[], None] = lambda: None

    @classmethod
    def of(cls, settings: Settings, before_call: Callable[[], None] = lambda: None) -> Self:
        """With the cluster that the environment names."""
        return cls(settings, os.environ.get("KUBECONFIG", ""), before_call)

    def beside(self) -> Self:
        """For another thread: connections and adapters of its own, whose API requests are counted with these."""
        other = replace(self, before_call=lambda: None)
        other.__dict__["requests"] = self.requests  # where cached_property keeps it
        return other

    def shown(self) -> Self:
        """For what somebody waits to see: a Redis that does not answer soon is away. Raises StoreError."""
        other = replace(self)
        redis = redis_connection.connect(self.settings.redis_url, within=timing.REDIS_SHOWN)
        other.__dict__["redis"] = redis
        return other

    def connection(self) -> Redis:
        """A new one: the caller closes it."""
        return redis_connection.connect(self.settings.redis_url)

    @cached_property
    def redis(self) -> Redis:
        """For as long as the process lives. It has answered once."""
        return self.connection()

    @cached_property
    def clock(self) -> Clock:
        """Redis', which all processes share."""
        return redis_connection.shared_clock(self.redis)

    @cached_property
    def store(self) -> RedisStore:
        """Outages, drifts, locks."""
        return RedisStore(self.redis, self.settings.history_ttl)

    @cached_property
    def coverage(self) -> RedisCoverage:
        """What the waker has seen."""
        return RedisCoverage(self.redis)

    @cached_property
    def summaries(self) -> RedisSummaries:
        """All Nodes and Leases as the watchers hold them."""
        return RedisSummaries(self.redis)

    @cached_property
    def audits(self) -> RedisAudits:
        """What the last audit found."""
        return RedisAudits(self.redis)

    @cached_property
    def witness_reports(self) -> RedisWitnessReports:
        """What watchers heard of suspected nodes."""
        return RedisWitnessReports(self.redis)

    @cached_property
    def plug_memory(self) -> RedisPlugMemory:
        """Which plugs of fence agents were read as on."""
        return RedisPlugMemory(self.redis, self.clock)

    @cached_property
    def queue(self) -> RqQueue:
        """The job queue."""
        return RqQueue(self.redis, self.clock, self.settings.history_ttl)

    @cached_property
    def inbox(self) -> RedisInbox:
        """Where accepted events wait, and their results are kept."""
        settings = self.settings
        return RedisInbox(self.redis, self.clock, settings.dedup_ttl, FSYNC_WAIT, settings.sender_bytes)

    @cached_property
    def outbox(self) -> RedisOutbox:
        """Outgoing events."""
        return RedisOutbox(self.redis, self.settings.history_ttl)

    @cached_property
    def changes(self) -> RedisChanges:
        """Changes that are reported as Kubernetes Events."""
        return RedisChanges(self.redis)

    @cached_property
    def sink(self) -> HttpSink:
        """Where events are delivered."""
        return HttpSink(self.settings, time.time)

    @cached_property
    def requests(self) -> Requests:
        """The API requests of this process."""
        return Requests()

    @cached_property
    def cluster(self) -> "KubernetesCluster":
        """The API server. No request is sent yet."""
        from reactor.adapters.kubernetes import cluster as kubernetes_cluster  # noqa: PLC0415 - see above

        return kubernetes_cluster.connect(
            self.kubeconfig,
            self.settings.api_timeout,
            self.before_call,
            self.requests.count,
            context=self.settings.kube_context,
        )

    @cached_property
    def wishes(self) -> "InterventionsConfigMap":
        """Where holds and cancels are stored."""
        from reactor.adapters.kubernetes import cluster as kubernetes_cluster  # noqa: PLC0415 - see above
        from reactor.adapters.kubernetes.interventions import InterventionsConfigMap  # noqa: PLC0415 - same

        return InterventionsConfigMap(
            self.cluster, self.settings.namespace, kubernetes_cluster.served_clock(self.cluster)
        )

    def reporter(self, role: str) -> Reporter:
        """What this process, one of this role, reports about itself from time to time."""
        return Reporter(self.redis, role, self.requests, look=Comparer(self.redis, role).look)
