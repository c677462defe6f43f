"""Where the doctor's facts come from. Whatever cannot be read is a fact, too; nothing here raises."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from typing import Protocol, TypeVar

from redis import Redis

from reactor.adapters.kubernetes.cluster import Cluster, ConfigMapWriter, Survey
from reactor.adapters.redis.clock_offsets import clocks
from reactor.adapters.redis.process_reports import reports
from reactor.adapters.redis.queue_metrics import figures
from reactor.adapters.redis.server import server
from reactor.model.errors import Forbidden, SettingsError, StoreRefused, VmDriftError
from reactor.model.node import NodeView, node_view
from reactor.model.times import Clock
from reactor.process import explain
from reactor.settings import Settings, env_names
from reactor.wiring import Wiring
from vmdrift.doctor.facts import ClusterFacts, Configured, Facts, KubeVirt, RedisFacts, Skew, Unreadable
from vmdrift.doctor.needs import OPTIONAL, Right, provided, rights, used
from workers import observe
from workers.fencing.providers.registry import ready
from workers.observe.cache import listed

_Fact = TypeVar("_Fact")
_WHOLE_SECONDS = 0.5  # an HTTP date is cut to whole seconds: give or take half of one


class Surveyed(Cluster, Survey, ConfigMapWriter, Protocol):
    """All in one: what there is, what we may do, and what could be written."""


def examine(env: Mapping[str, str], roles: Sequence[str], clock: Clock = time.time) -> Facts:
    """Everything, from the environment on. `roles`: whose rights are looked at; none: all that are in use."""
    found = configured(env)
    wrong = found.wrong or {}
    wiring = Wiring(found.settings, env.get("KUBECONFIG", ""))
    redis = Unreadable(wrong["VMDRIFT_REDIS_URL"]) if "VMDRIFT_REDIS_URL" in wrong else _redis(wiring, clock)
    roles = roles or used(found.settings)
    return Facts(found, redis, _cluster(wiring, roles, clock), tuple(roles))


def configured(env: Mapping[str, str]) -> Configured:
    """The settings."""
    settings, wrong = Settings.read_what_can_be(env)
    known = {name for row in fields(Settings) for name in env_names(row)}
    given = sorted(name for name in known if env.get(name))
    strange = tuple(Settings.unknown(env))
    return Configured(settings, tuple(given), {**wrong, **_lacking(settings)}, strange)


def _lacking(settings: Settings) -> Mapping[str, str]:
    """What a provider of VMDRIFT_FENCING wants besides, by the setting's name."""
    found: dict[str, str] = {}
    for name in settings.fencing:
        try:
            ready(name, settings)
        except SettingsError as error:
            found[str(error).partition(":")[0]] = str(error)
    return found


def _redis(wiring: Wiring, clock: Clock) -> RedisFacts | Unreadable:
    def read() -> RedisFacts:
        redis = wiring.redis
        with _timed(clock) as took:
            told = server(redis)
        skew = Unreadable("this server does not tell its time") if told.time is None else took.skew(told.time)
        now = clock() if told.time is None else told.time
        queues = _told(lambda: tuple(figures(redis, now)))
        return RedisFacts(told, queues, skew, _told(lambda: _deaf(redis, now)), _told(lambda: clocks(redis)))

    return _told(read)


def _deaf(redis: Redis, now: float) -> float | None:
    heard = reports(redis).heard_at
    return None if heard is None else now - heard


def _cluster(wiring: Wiring, roles: Sequence[str], clock: Clock) -> ClusterFacts | Unreadable:
    return _told(lambda: surveyed(wiring.cluster, wiring.cluster.host, wiring.settings, roles, clock))


def surveyed(cluster: Surveyed, host: str, settings: Settings, roles: Sequence[str], clock: Clock) -> ClusterFacts:
    """Of a cluster that can be asked. Raises ClusterError when it does not even say what it serves."""
    with _timed(clock) as took:
        there = cluster.serves("virtualmachines")
    at = cluster.time()
    skew = Unreadable("its answers bear no date") if at is None else took.skew(at + _WHOLE_SECONDS, _WHOLE_SECONDS)
    wanted = OPTIONAL & {right.resource for right in rights(roles, settings)}
    wanted |= {resource for role in roles for resource in provided(role, settings)}
    absent = tuple(sorted(resource for resource in wanted if not cluster.serves(resource)))
    return ClusterFacts(
        host,
        skew,
        _told(lambda: _kubevirt(cluster)) if there else None,
        _told(lambda: _nodes(cluster)),
        _told(lambda: _manager(cluster, clock)),
        _told(lambda: _allowed(cluster, settings, roles, absent)),
        absent,
        _notebooks(cluster, settings, roles),
    )


def _notebooks(cluster: ConfigMapWriter, settings: Settings, roles: Sequence[str]) -> dict[str, Unreadable | None]:
    """A dry run of each write that these roles make; None where all is well."""
    written = [one.name for one in rights(roles, settings) if (one.verb, one.resource) == ("patch", "configmaps")]
    return {name: _told(partial(cluster.rehearse, name, settings.namespace)) for name in sorted(written)}


def _kubevirt(cluster: Surveyed) -> KubeVirt:
    if not cluster.serves("kubevirts"):
        return KubeVirt("", "")
    found = [obj for page in cluster.pages("kubevirts", limit=1) for obj in page.items]
    status = found[0].get("status") or {} if found else {}
    return KubeVirt(str(status.get("observedKubeVirtVersion") or ""), str(status.get("phase") or ""))


def _nodes(cluster: Cluster) -> tuple[NodeView, ...]:
    return tuple(node_view(node) for node in listed(cluster, "nodes"))


def _manager(cluster: Cluster, clock: Clock) -> Skew | Unreadable | None:
    found = observe.manager(cluster, clock)
    if found is None:
        return None
    if found.ahead is None:
        return Unreadable("its Lease is more than 10 s off the API server's clock: it is away, or its clock is wrong")
    return Skew(found.ahead, 0.0)


def _allowed(cluster: Survey, settings: Settings, roles: Sequence[str], absent: Sequence[str]) -> dict[Right, bool]:
    wanted = [right for right in rights(roles, settings) if right.resource not in absent]
    # Only the ConfigMap has a namespace of its own; everything else is needed in all.
    places = {right: settings.namespace if right.resource == "configmaps" else "" for right in wanted}
    return {right: cluster.may(right.verb, right.resource, places[right], right.name) for right in wanted}


def _told(read: Callable[[], _Fact]) -> _Fact | Unreadable:
    try:
        return read()
    except VmDriftError as error:
        return Unreadable(explain(error), isinstance(error, Forbidden | StoreRefused))


class _Took:
    """Between which moments of this machine's clock something was answered."""

    asked = answered = 0.0

    def skew(self, other: float, within: float = 0.0) -> Skew:
        """Of a clock that showed `other` in between."""
        half = (self.answered - self.asked) / 2
        return Skew(other - self.asked - half, half + within)


@contextmanager
def _timed(clock: Clock) -> Iterator[_Took]:
    took = _Took()
    took.asked = clock()
    yield took
    took.answered = clock()
