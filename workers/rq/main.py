"""The processes: a worker for one queue, or a scheduler. One that loses Redis waits for it and goes on."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import structlog
from redis.exceptions import RedisError

from reactor import roles
from reactor.adapters.kubernetes.cluster import Cluster
from reactor.adapters.redis.queue_metrics import is_crowded
from reactor.adapters.rq import DRIFTS
from reactor.in_thread import begun
from reactor.model.errors import ClusterError, StoreError
from reactor.model.fencing import CLAIMS, CONFIG_MAP
from reactor.model.times import Clock
from reactor.process import Stop
from reactor.settings import Settings
from reactor.wiring import Wiring
from workers.app import App
from workers.config_maps import writable
from workers.delivery.deeds import DeedReporter
from workers.delivery.kubernetes_events import ChangeReporter
from workers.delivery.sink import collect
from workers.fencing import run as fencing
from workers.fencing.drill import FenceDrilling, keep_drilling
from workers.intake.events import look_after
from workers.rq.scheduler import Scheduler
from workers.rq.worker import Worker

log = structlog.get_logger()

_AGAIN = 1.0  # seconds until Redis is tried again


def work_intake(settings: Settings) -> None:
    """A worker of the queue `events`, until SIGTERM or SIGINT."""
    wiring, app = _wired(settings)
    tools = app.tools()
    check(tools.cluster, INTAKE)
    if "event" in settings.fencing:
        writable(tools.claims, CLAIMS, settings.namespace)
    _work(roles.INTAKE, wiring, app, _chores(wiring, app))


def _wired(settings: Settings) -> tuple[Wiring, App]:
    wiring = Wiring.of(settings, Worker.beat_current)
    return wiring, App.of(wiring)


def _chores(wiring: Wiring, app: App) -> Callable[[], object]:
    """Unless the policy is auto nothing in the cluster is changed, not even by an Event."""
    source = lambda: app.tools().source  # noqa: E731 - it is asked of the API server once, when it is first needed
    acts = wiring.settings.policy == "auto"
    deeds = DeedReporter(wiring.store, wiring.cluster if acts else None, source, wiring.clock)
    if not acts:
        return lambda: (look_after(app.inbox(), app.tools()), _sent_on(deeds))
    crowded = partial(is_crowded, wiring.redis, DRIFTS)
    reporter = ChangeReporter(wiring.changes, wiring.cluster, wiring.clock, crowded)
    return lambda: (look_after(app.inbox(), app.tools()), reporter.tell(), _sent_on(deeds))


def _sent_on(deeds: DeedReporter) -> int:
    """What people did; a cluster that is away is tried again the next time."""
    with suppress(ClusterError):
        return deeds.tell()
    return 0


def work_drifts(settings: Settings) -> None:
    """A worker of the queue `drifts`, until SIGTERM or SIGINT."""
    wiring, app = _wired(settings)
    tools = app.tools()
    check(tools.cluster, DRIFT)
    tools.around.interventions(tools.cluster)  # so that a missing right shows at start
    _work(roles.DRIFTS, wiring, app)


def work_fencing(settings: Settings) -> None:
    """A worker of the queue `fencing`, until SIGTERM or SIGINT. SettingsError for a provider that lacks a setting."""
    wiring, app = _wired(settings)
    fence = app.fence()
    for name in settings.fencing:
        fence.providers(name)
    check(fence.cluster, FENCE)
    fence.tools.around.fencings(fence.cluster)  # so that a missing right shows at start
    for name in (CONFIG_MAP, CLAIMS):
        writable(fence.cluster, name, settings.namespace)
    chore = every(settings.resync, lambda: fencing.look_after(fence), time.monotonic)
    begun(partial(_drill, wiring.beside()), "fence drills")
    _work(roles.FENCING, wiring, app, chore)


def _drill(wiring: Wiring) -> None:
    """In a thread of its own, for as long as the process lives: it changes nothing that could be left half done."""
    keep_drilling(FenceDrilling(App.of(wiring).fence()).turn, lambda: False, time.sleep)


def every(seconds: float, chore: Callable[[], object], clock: Clock) -> Callable[[], object]:
    """The chore, done at most once in so many seconds. A cluster that is away is tried again the next time."""
    due = [clock()]

    def do() -> None:
        if clock() >= due[0]:
            due[0] = clock() + seconds
            with suppress(ClusterError):
                chore()

    return do


def work_outgoing(settings: Settings) -> None:
    """A worker of the queue `outgoing`, until SIGTERM or SIGINT. SettingsError without a sink; it needs no cluster."""
    wiring, app = _wired(settings)
    tools = app.delivery()
    _work(roles.OUTGOING, wiring, app, lambda: collect(tools))


def schedule(settings: Settings) -> None:
    """A scheduler of all queues, until SIGTERM or SIGINT."""
    wiring = Wiring.of(settings)
    wiring.connection().close()

    def once(stop: Stop) -> None:
        with wiring.connection() as redis:
            Scheduler(roles.BY_QUEUE, redis, stop).work()

    _run_until_stopped(roles.SCHEDULER.name, settings, once)


def _work(role: roles.Role, wiring: Wiring, app: App, chore: Callable[[], object] = lambda: None) -> None:
    reporter = wiring.reporter(role.name)

    def once(stop: Stop) -> None:
        # A connection of its own: RQ stretches its time-outs to those of a blocking read.
        with wiring.connection() as redis:
            Worker(role.queue, redis, stop, chore, reporter, app=app).work(logging_level="ERROR")

    _run_until_stopped(f"worker of {role.queue}", wiring.settings, once)


def _run_until_stopped(who: str, settings: Settings, once: Callable[[Stop], None]) -> None:
    """Call `once` until the process is asked to stop; log once per change what keeps it from working."""
    stop, trouble = Stop(settings.heartbeat_file), ""
    stop.listen()
    while not stop.asked():
        why = _trouble_of(once, stop)
        if stop.asked():
            return
        if why != trouble:
            log.warning("Redis is away, trying again", who=who, why=why)
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
