"""Reads the doctor's facts. Whatever cannot be read is a fact, too: `examine` raises nothing."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cache, partial
from typing import Protocol, TypeVar

from redis import Redis

from reactor.adapters.kubernetes.cluster import Cluster, ConfigMapWriter, Survey
from reactor.adapters.redis.clock_offsets import clocks
from reactor.adapters.redis.process_reports import reports
from reactor.adapters.redis.queue_metrics import figures
from reactor.adapters.redis.server import server
from reactor.model.errors import Forbidden, SettingsError, StoreRefused, VmDriftError
from reactor.model.fence_drill import FenceDrill
from reactor.model.node import NodeView, node_view
from reactor.model.times import Clock
from reactor.process import explain
from reactor.settings import Settings, env_names
from reactor.wiring import Wiring
from vmdrift.doctor.deletions import rehearsed
from vmdrift.doctor.facts import ClusterFacts, Configured, Facts, KubeVirt, RedisFacts, Skew, Unreadable
from vmdrift.doctor.needs import OPTIONAL, Right, provided, rights, used
from workers import observe
from workers.fencing.drill import Tried, drill_node
from workers.fencing.providers.provider import Provider
from workers.fencing.providers.registry import provider, ready
from workers.observe.cache import listed

_Fact = TypeVar("_Fact")
_DELETES = "drifts"  # the role that deletes launchers and VolumeAttachments
_WHOLE_SECONDS = 0.5  # an HTTP date is cut to whole seconds: give or take half of one


class ExaminedCluster(Cluster, Survey, ConfigMapWriter, Protocol):
    """All in one: the objects, what we may do, and what could be written."""


def examine(env: Mapping[str, str], roles: Sequence[str], clock: Clock = time.time, *, fencing: bool = False) -> Facts:
    """All facts, from the environment on. `roles`: whose rights are checked; none: those of all roles in use.

    `fencing`: every provider of every healthy node is tried, one node after the other; by the role that deletes, what
    it deletes.
    """
    configuration = configured(env)
    wrong = configuration.wrong or {}
    wiring = Wiring(configuration.settings, env.get("KUBECONFIG", ""))
    redis = Unreadable(wrong["VMDRIFT_REDIS_URL"]) if "VMDRIFT_REDIS_URL" in wrong else _redis(wiring, clock)
    deletes = fencing and tuple(roles) == (_DELETES,)
    roles = roles or used(configuration.settings)
    cluster = _cluster(wiring, roles, clock)
    drills = _or_unreadable(lambda: _drills(wiring, clock)) if fencing and not deletes else None
    deletions = _or_unreadable(lambda: tuple(rehearsed(wiring.cluster))) if deletes else None
    return Facts(configuration, redis, cluster, tuple(roles), drills, deletions)


def _drills(wiring: Wiring, clock: Clock) -> tuple[FenceDrill, ...]:
    """Whoever was refused twice is not tried here either, where Redis says so."""
    settings, nodes = wiring.settings, _nodes(wiring.cluster)
    named = cache(lambda name: _provider(name, wiring))
    tried = Tried(settings.to_policy(), wiring.cluster, named)
    before = _or_unreadable(partial(_last_drills, wiring))
    if isinstance(before, Unreadable):
        before = []
    healthy = [node for node in nodes if node.ready == "True"]
    return tuple(drill for node in healthy for drill in drill_node(node, nodes, before, tried, clock()))


def configured(env: Mapping[str, str]) -> Configured:
    """The settings, and what is wrong with them."""
    settings, wrong = Settings.read_what_can_be(env)
    names = {name for field in fields(Settings) for name in env_names(field)}
    set_names = sorted(name for name in names if env.get(name))
    unknown_names = tuple(Settings.unknown(env))
    return Configured(settings, tuple(set_names), {**wrong, **_lacking(settings)}, unknown_names)


def _provider(name: str, wiring: Wiring) -> Provider:
    memory = wiring.plug_memory if name == "fence-agent" else None
    return provider(name, wiring.cluster, wiring.settings, memory=memory)


def _last_drills(wiring: Wiring) -> list[FenceDrill]:
    return wiring.store.drills.all()


def _lacking(settings: Settings) -> Mapping[str, str]:
    """What the providers of VMDRIFT_FENCING need besides and lack: the error, by the setting's name."""
    errors: dict[str, str] = {}
    for name in settings.fencing:
        try:
            ready(name, settings)
        except SettingsError as error:
            errors[str(error).partition(":")[0]] = str(error)
    return errors


def _redis(wiring: Wiring, clock: Clock) -> RedisFacts | Unreadable:
    def read() -> RedisFacts:
        redis = wiring.redis
        with _timed(clock) as timing:
            info = server(redis)
        skew = Unreadable("this server does not report its time") if info.time is None else timing.skew(info.time)
        now = clock() if info.time is None else info.time
        queues = _or_unreadable(lambda: tuple(figures(redis, now)))
        return RedisFacts(
            info, queues, skew, _or_unreadable(lambda: _deaf(redis, now)), _or_unreadable(lambda: clocks(redis))
        )

    return _or_unreadable(read)


def _deaf(redis: Redis, now: float) -> float | None:
    heard = reports(redis).heard_at
    return None if heard is None else now - heard


def _cluster(wiring: Wiring, roles: Sequence[str], clock: Clock) -> ClusterFacts | Unreadable:
    return _or_unreadable(lambda: cluster_facts(wiring.cluster, wiring.cluster.host, wiring.settings, roles, clock))


def cluster_facts(
    cluster: ExaminedCluster, host: str, settings: Settings, roles: Sequence[str], clock: Clock
) -> ClusterFacts:
    """The facts of a cluster that answers. Raises ClusterError when it does not even list what it serves."""
    with _timed(clock) as timing:
        has_kubevirt = cluster.serves("virtualmachines")
    server_time = cluster.time()
    skew = (
        Unreadable("its responses have no Date header")
        if server_time is None
        else timing.skew(server_time + _WHOLE_SECONDS, _WHOLE_SECONDS)
    )
    wanted = OPTIONAL & {right.resource for right in rights(roles, settings)}
    wanted |= {resource for role in roles for resource in provided(role, settings)}
    absent = tuple(sorted(resource for resource in wanted if not cluster.serves(resource)))
    return ClusterFacts(
        host,
        skew,
        _or_unreadable(lambda: _kubevirt(cluster)) if has_kubevirt else None,
        _or_unreadable(lambda: _nodes(cluster)),
        _or_unreadable(lambda: _manager(cluster, clock)),
        _or_unreadable(lambda: _allowed(cluster, settings, roles, absent)),
        absent,
        _config_maps(cluster, settings, roles),
        _or_unreadable(cluster.version),
    )


def _config_maps(cluster: ConfigMapWriter, settings: Settings, roles: Sequence[str]) -> dict[str, Unreadable | None]:
    """A dry run of each write that these roles make; None where all is well."""
    names = [right.name for right in rights(roles, settings) if (right.verb, right.resource) == ("patch", "configmaps")]
    return {name: _or_unreadable(partial(cluster.rehearse, name, settings.namespace)) for name in sorted(names)}


def _kubevirt(cluster: ExaminedCluster) -> KubeVirt:
    if not cluster.serves("kubevirts"):
        return KubeVirt("", "")
    objects = [obj for page in cluster.pages("kubevirts", limit=1) for obj in page.items]
    status = objects[0].get("status") or {} if objects else {}
    return KubeVirt(str(status.get("observedKubeVirtVersion") or ""), str(status.get("phase") or ""))


def _nodes(cluster: Cluster) -> tuple[NodeView, ...]:
    return tuple(node_view(node) for node in listed(cluster, "nodes"))


def _manager(cluster: Cluster, clock: Clock) -> Skew | Unreadable | None:
    manager = observe.manager(cluster, clock)
    if manager is None:
        return None
    if manager.ahead is None:
        return Unreadable("its Lease is more than 10 s off the API server's clock: it is down, or its clock is wrong")
    return Skew(manager.ahead, 0.0)


def _allowed(cluster: Survey, settings: Settings, roles: Sequence[str], absent: Sequence[str]) -> dict[Right, bool]:
    wanted = [right for right in rights(roles, settings) if right.resource not in absent]
    # These are needed in one namespace only; everything else in all.
    places = {"configmaps": settings.namespace, "baremetalhosts": settings.metal3_namespace}
    return {
        right: cluster.may(right.verb, right.resource, places.get(right.resource, ""), right.name) for right in wanted
    }


def _or_unreadable(read: Callable[[], _Fact]) -> _Fact | Unreadable:
    try:
        return read()
    except VmDriftError as error:
        return Unreadable(explain(error), isinstance(error, Forbidden | StoreRefused))


class _Timing:
    """Between which moments of this machine's clock a request was answered."""

    sent_at = answered_at = 0.0

    def skew(self, other: float, within: float = 0.0) -> Skew:
        """The skew of a clock that showed `other` in between."""
        half = (self.answered_at - self.sent_at) / 2
        return Skew(other - self.sent_at - half, half + within)


@contextmanager
def _timed(clock: Clock) -> Iterator[_Timing]:
    timing = _Timing()
    timing.sent_at = clock()
    yield timing
    timing.answered_at = clock()
