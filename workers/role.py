"""The processes: a worker for one queue, or a scheduler. One that loses Redis waits for it and goes on."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog
from redis.exceptions import RedisError

from reactor.doors import cluster as cluster_door
from reactor.doors import redis as redis_door
from reactor.doors.changes import RedisChanges
from reactor.doors.clocks import Comparer
from reactor.doors.cluster import Cluster
from reactor.doors.queue import DRIFTS, EVENTS, FENCING, OUTGOING
from reactor.doors.reports import Reporter, Requests
from reactor.model.errors import ClusterError, StoreError
from reactor.model.fencing import CLAIMS, CONFIG_MAP
from reactor.model.times import Clock
from reactor.process import Stop
from reactor.settings import Settings
from workers import fencing
from workers.hints import look_after
from workers.kubevents import Teller
from workers.notebooks import writable
from workers.outbox import collect
from workers.rq import fence_tools, inbox, post_office, requests, tools
from workers.rq_scheduler import Scheduler
from workers.rq_worker import Worker

log = structlog.get_logger()

_AGAIN = 1.0  # seconds until Redis is tried again


def work_events(settings: Settings) -> None:
    """A worker of the queue `events`, until SIGTERM or SIGINT."""
    reporter = _reporter(settings, "intake", requests())
    check(tools().cluster, INTAKE)
    if "event" in settings.fencing:
        writable(tools().claims, CLAIMS, settings.namespace)
    _work(EVENTS, settings, reporter, _chores(settings))


def _reporter(settings: Settings, role: str, counted: Requests) -> Reporter:
    redis = redis_door.connect(settings.redis_url)
    return Reporter(redis, role, counted, look=Comparer(redis, role).look)


def _chores(settings: Settings) -> Callable[[], object]:
    """Who only observes changes nothing in the cluster, and be it by an Event."""
    if settings.policy != "auto":
        return lambda: look_after(inbox(), tools())
    cluster = cluster_door.connect(os.environ.get("KUBECONFIG", ""), settings.api_timeout, counted=requests().count)
    redis = redis_door.connect(settings.redis_url)
    teller = Teller(RedisChanges(redis), cluster, redis_door.shared_clock(redis))
    return lambda: (look_after(inbox(), tools()), teller.tell())


def work_drifts(settings: Settings) -> None:
    """A worker of the queue `drifts`, until SIGTERM or SIGINT."""
    reporter = _reporter(settings, "drifts", requests())
    check(tools().cluster, DRIFT)
    tools().around.interventions(tools().cluster)  # a right that is missing must not show in the night
    _work(DRIFTS, settings, reporter)


def work_fencing(settings: Settings) -> None:
    """A worker of the queue `fencing`, until SIGTERM or SIGINT. SettingsError for a provider that lacks a setting."""
    reporter = _reporter(settings, "fencing", requests())
    for name in settings.fencing:
        fence_tools().providers(name)
    check(fence_tools().cluster, FENCE)
    fence_tools().tools.around.fencings(fence_tools().cluster)  # a right that is missing must not show in the night
    for name in (CONFIG_MAP, CLAIMS):
        writable(fence_tools().cluster, name, settings.namespace)
    _work(
        FENCING, settings, reporter, every(settings.resync, lambda: fencing.look_after(fence_tools()), time.monotonic)
    )


def every(seconds: float, chore: Callable[[], object], clock: Clock) -> Callable[[], object]:
    """The chore, done at most once in so many seconds. A cluster that is away is asked again the next time."""
    due = [clock()]

    def do() -> None:
        if clock() >= due[0]:
            due[0] = clock() + seconds
            with suppress(ClusterError):
                chore()

    return do


def work_outgoing(settings: Settings) -> None:
    """A worker of the queue `outgoing`, until SIGTERM or SIGINT. SettingsError without a sink; it needs no cluster."""
    office = post_office()
    _work(OUTGOING, settings, _reporter(settings, "outgoing", Requests()), lambda: collect(office))


def schedule(settings: Settings) -> None:
    """A scheduler of all queues, until SIGTERM or SIGINT."""
    redis_door.connect(settings.redis_url)

    def once(stop: Stop) -> None:
        Scheduler([EVENTS, DRIFTS, FENCING, OUTGOING], redis_door.connect(settings.redis_url), stop).work()

    _go_on("scheduler", settings, once)


def _work(queue: str, settings: Settings, reporter: Reporter, chore: Callable[[], object] = lambda: None) -> None:
    def once(stop: Stop) -> None:
        # A connection of its own: RQ stretches its time-outs to those of a blocking read.
        Worker(queue, redis_door.connect(settings.redis_url), stop, chore, reporter).work(logging_level="ERROR")

    _go_on(f"worker of {queue}", settings, once)


def _go_on(who: str, settings: Settings, once: Callable[[Stop], None]) -> None:
    """Call `once` until the process is asked to stop; say once per change what keeps it from working."""
    stop, trouble = Stop(settings.heartbeat_file), ""
    stop.listen()
    while not stop.asked():
        why = _trouble_of(once, stop)
        if stop.asked():
            return
        if why != trouble:
            log.warning("Redis is away; trying again", who=who, why=why)
        trouble = why
        time.sleep(_AGAIN)


def _trouble_of(once: Callable[[Stop], None], stop: Stop) -> str:
    try:
        once(stop)
    except (RedisError, OSError, StoreError) as error:
        return str(error)
    return "RQ's loop ended"


@dataclass(frozen=True, slots=True)
class Reads:
    """What a role cannot do without: kinds that it reads one by one, and kinds of which it lists those of a node."""

    namespaced: tuple[str, ...]
    others: tuple[str, ...]
    lists: tuple[str, ...]


INTAKE = Reads(
    ("virtualmachines", "virtualmachineinstances"), ("nodes",), ("pods", "persistentvolumes", "volumeattachments")
)
DRIFT = Reads(
    ("virtualmachines", "virtualmachineinstances", "pods", "persistentvolumeclaims"),
    ("nodes", "persistentvolumes", "volumeattachments"),
    ("pods",),
)
FENCE = replace(DRIFT, lists=("pods", "volumeattachments"))  # before a fence it judges as a drift does


def check(cluster: Cluster, reads: Reads) -> None:
    """Ask once for each kind, so that a missing kind or permission shows at start.

    Raises NotServed without KubeVirt, Forbidden without the verb, Unauthorized, ClusterUnreachable.
    """
    name = "vmdrift-start-check"
    for resource in reads.namespaced:
        cluster.find(resource, name, "default")
    for resource in reads.others:
        cluster.find(resource, name)
    for resource in reads.lists:
        next(cluster.pages(resource, fields=f"spec.nodeName={name}" if resource == "pods" else "", limit=1))
