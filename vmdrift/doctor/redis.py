"""Findings about Redis and about the processes that work on its queues. Pure."""

from collections.abc import Iterator

from reactor.adapters.redis.memory import FOR_OTHERS
from reactor.adapters.redis.queue_metrics import QueueFigures
from reactor.adapters.redis.server import Server
from reactor.adapters.rq import FENCING, OUTGOING
from reactor.roles import BY_QUEUE
from reactor.settings import Settings, deaf_after
from vmdrift.doctor.facts import RedisFacts, Unreadable
from vmdrift.doctor.finding import Finding, failed, ok, sentence, unknown, warning

_REACH = (
    "Check that VMDRIFT_REDIS_URL is the same as for the roles, and that Redis runs and can be reached from here "
    "(NetworkPolicy: from a role's pod)."
)
_RIGHTS = "Run it as a Redis user that may read all of rq:* (each role's but the watcher's)."
_FENCE = "Run `vmdrift work fencing` (k8s/components/fencing; Helm: fencing.enabled), or set VMDRIFT_FENCING to none."


def redis_findings(facts: RedisFacts | Unreadable, settings: Settings) -> Iterator[Finding]:
    """The server first, then queue by queue."""
    if isinstance(facts, Unreadable):
        yield failed("Redis", sentence(facts.why), _REACH)
        yield unknown("queues", Unreadable("Redis gives no answer"), "Fix Redis first.")
        return
    yield from _server(facts.server)
    yield _watchers(facts.deaf, settings)
    if isinstance(facts.queues, Unreadable):
        yield unknown("queues", facts.queues, _RIGHTS)
        return
    for queue in facts.queues:
        yield _scheduler(queue)
        yield _workers(queue, settings)
        yield from _jobs(queue)
    if settings.fencing and FENCING not in {queue.name for queue in facts.queues}:
        yield failed(
            "workers",
            "None is alive: no lost node is proven dead, so every VM waits for its windows.",
            _FENCE,
            FENCING,
        )


def _server(server: Server) -> Iterator[Finding]:
    if server.primary:
        yield ok("Redis", f"{server.name} answers.")
    else:
        yield failed("Redis", f"{server.name} is a replica, which refuses writes.", _PRIMARY)
    if not server.writes:
        yield failed(
            "persistence", "Its last write to its disk failed.", "Check Redis' own log, and that its disk has space."
        )
    elif server.appends:
        yield ok("persistence", "Each write goes to a file (appendonly).")
    else:
        yield warning("persistence", _NOT_DURABLE, "Set appendonly yes, and appendfsync everysec.")
    yield _memory(server)


_PRIMARY = "Name the primary, or its Sentinels (redis+sentinel://...), in VMDRIFT_REDIS_URL."
_NOT_DURABLE = (
    "appendonly is off: a restart loses its contents. Everything but events of other systems is found again within "
    "VMDRIFT_RESYNC, and every lost node is watched again for signs of life."
)


def _memory(server: Server) -> Finding:
    evicts = server.policy != "noeviction"
    if not server.memory:
        text = f"No limit, so nothing is evicted (maxmemory-policy {server.policy})."
        return ok("memory", text)
    share = f"{server.used / 2**20:.0f} of {server.memory / 2**20:.0f} MiB are used"
    if evicts:
        text = f"{share}; when all of it is, locks, records or jobs are evicted (maxmemory-policy {server.policy})."
        return failed("memory", text, "Set maxmemory-policy noeviction.")
    if server.used >= FOR_OTHERS * server.memory:
        text = f"{share}; events of other systems are refused with 503. When it is full, Redis refuses all writes."
        return warning("memory", text, "Raise maxmemory.")
    return ok("memory", f"{share}; nothing is ever evicted (noeviction).")


def _scheduler(queue: QueueFigures) -> Finding:
    if queue.scheduler:
        return ok("scheduler", "One is running.", queue.name)
    return failed("scheduler", "None is running: what waits for a window never becomes due.", _SCHEDULE, queue.name)


_SCHEDULE = "Run `vmdrift work scheduler` (deployment scheduler; two of them are recommended)."


def _watchers(deaf: float | Unreadable | None, settings: Settings) -> Finding:
    if isinstance(deaf, Unreadable):
        return unknown("watchers", deaf, _RIGHTS)
    if deaf is None:
        return failed("watchers", "None has ever heard from the API server: no lost node is noticed.", _WATCH)
    if deaf > deaf_after(settings):
        return failed("watchers", f"None has heard from the API server for {deaf:.0f} s.", _WATCH)
    return ok("watchers", f"One heard from the API server {max(0.0, deaf):.0f} s ago.")


_WATCH = "Run `vmdrift watch` (deployment watcher; two of them are recommended); check that it reaches the API server."


def _workers(queue: QueueFigures, settings: Settings) -> Finding:
    if queue.workers:
        return ok("workers", f"{queue.workers} alive.", queue.name)
    if queue.name == OUTGOING and not settings.sink and not queue.waiting:
        return ok("workers", "None, and none is needed without VMDRIFT_SINK.", queue.name)
    text = f"None is alive; jobs waiting: {queue.waiting}, jobs with a due time: {queue.scheduled}."
    role = BY_QUEUE[queue.name]
    return failed("workers", text, f"Run `vmdrift {role.command}` (deployment {role.name}).", queue.name)


def _jobs(queue: QueueFigures) -> Iterator[Finding]:
    if queue.is_late:
        text = f"The oldest was due {queue.late:.0f} s ago and was not moved into its queue."
        yield failed("late jobs", text, "Check the scheduler: is it alive, and is its clock right?", queue.name)
    if queue.failed:
        text = f"Failed jobs: {queue.failed}, because of a bug in vm-drift. Recovery goes on at each resync."
        fix = f"Read the workers' logs (deployment {BY_QUEUE[queue.name].name}) and report it."
        yield warning("failed jobs", text, fix, queue.name)
