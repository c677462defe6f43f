"""rq-dashboard at /rq: made right for JSON jobs, closed where it would act, and with pages of ours.

By itself it reads jobs with pickle, lists workers with pickle, opens a connection per request, requeues on GET, and
shows Redis' URL. Its module's names are what can be set; each is set to ours. Its own pages put whatever stands in
Redis into HTML by scripts; ours (templates/rq_dashboard) are plain text, made here of the same figures.
"""

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, cast

import structlog
from flask import Flask, Response, current_app, redirect, request
from jinja2 import TemplateError
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq_dashboard import default_settings, web
from werkzeug.wrappers import Response as AnyResponse

from reactor.web.browser_headers import inside
from reactor.web.page.auth import Guard, People
from reactor.web.problem import Problem

log = structlog.get_logger()

PREFIX = "/rq"
REGISTRIES = ("queued", "scheduled", "started", "deferred", "finished", "failed", "canceled")
_ACTS = ("requeue", "delete", "empty", "compact")
_MOST = 200  # jobs on one page
_LONGEST = 200  # characters of an error


class JsonJob(Job):
    """A job that is never read as pickle, whoever asks."""

    @classmethod
    def fetch(cls, id: str, connection: Any = None, serializer: Any = None) -> Job:  # noqa: A002, ARG003 - RQ's names
        """With JSON. What is not JSON counts as not there."""
        try:
            return super().fetch(id, connection=connection, serializer=JSONSerializer)
        except (ValueError, AssertionError, AttributeError) as error:
            raise NoSuchJobError(f"job {id} cannot be read") from error


class JsonQueue(Queue):
    """A queue of those."""

    job_class = JsonJob

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **{**more, "serializer": JSONSerializer})

    def fetch_job(self, job_id: str) -> Job | None:
        """One of its own. What cannot be read is left where it is: who looks changes nothing."""
        with suppress(NoSuchJobError):
            job = JsonJob.fetch(job_id, connection=self.connection)
            return job if job.origin == self.name else None
        return None

    @classmethod
    def all(cls, *args: Any, **more: Any) -> list[Queue]:
        """All queues that RQ knows of."""
        return super().all(*args, **{**more, "job_class": JsonJob, "serializer": JSONSerializer})


class JsonWorker(Worker):
    """A worker whose job is one of those."""

    @classmethod
    def all(cls, *args: Any, **more: Any) -> list[Any]:
        """All that live."""
        return super().all(
            *args, **{**more, "job_class": JsonJob, "queue_class": JsonQueue, "serializer": JSONSerializer}
        )


def mount(app: Flask, redis: Redis, people: People, guard: Guard, *, acts: bool) -> None:
    """At /rq. `acts`: whoever may act on the page may requeue and delete there, too, by POST with a CSRF token."""
    app.config.from_object(default_settings)
    app.config["RQ_DASHBOARD_REDIS_URL"] = ("vm-drift",)  # shown as the instance's name; it is not connected to
    app.config["RQ_DASHBOARD_DISABLE_DELETE"] = not acts
    app.extensions[_REDIS] = redis
    vars(app)["redis_conn"] = redis  # where it looks for it
    vars(web).update(_OURS)
    vars(web.config)["serializer"] = JSONSerializer
    # The module's one blueprint serves every app of a process, so what is this app's own hangs on the app.
    app.before_request(lambda: _checked(people, guard, acts=acts) if _is_ours() else None)
    app.after_request(_back_to_the_page)
    app.register_blueprint(web.blueprint, url_prefix=PREFIX)
    app.register_error_handler(Exception, _not_shown)
    app.jinja_env.globals.update(rq=_FIGURES, rq_registries=REGISTRIES, rq_acts=lambda: acts and people.may_act())


def _requeue(job_id: str, connection: Redis) -> Job:
    return JsonJob.fetch(job_id, connection=connection).requeue()


# As it makes them, without the JSON around: for our templates.
_FIGURES = {name: vars(web)[name].__wrapped__ for name in ("list_queues", "list_jobs", "job_info", "list_workers")}
_REDIS = "vmdrift-redis"
_OURS: Mapping[str, Any] = {
    "Job": JsonJob,
    "Queue": JsonQueue,
    "Worker": JsonWorker,
    "requeue_job": _requeue,
    "from_url": lambda *_, **__: (None, current_app.extensions[_REDIS]),
}


def _not_shown(error: Exception) -> Any:
    """Whatever somebody wrote into Redis, or asked for: it is gone, or nobody can read it. Elsewhere it is a bug."""
    if not _is_ours() or isinstance(error, TemplateError):
        raise error
    log.warning("page of the queues not shown", path=request.path, why=repr(error)[:_LONGEST])
    return current_app.handle_user_exception(_problem_of(error))


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, RedisConnectionError | RedisTimeoutError):
        return Problem(503, "Redis is away.")
    if isinstance(error, NoPermissionError):
        return Problem(403, "Redis' user `receiver` may not do that (docs/page.md).")
    return Problem(404, "There is no such thing here (any more), or it cannot be read.")


def _is_ours() -> bool:
    return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")


def _checked(people: People, guard: Guard, *, acts: bool) -> AnyResponse | None:
    if (answer := guard()) is not None:
        return answer
    endpoint = (request.endpoint or "").rpartition(".")[2]
    acting = request.method not in {"GET", "HEAD"} or endpoint.startswith(_ACTS)
    if acting and not acts:
        raise Problem(403, "Nothing can be changed here: VMDRIFT_RQ_ACTIONS is not true. `vmdrift retry` is safe.")
    if acting and request.method != "POST":
        raise Problem(405, "This acts, so it wants a POST.")
    if acting and not people.may_act():
        raise Problem(403, 'Only who has "page": "act" may change anything here.')
    if not _exists(request.view_args or {}):
        raise Problem(404, "There is no such queue, registry, order or page.")
    return None


def _exists(asked: Mapping[str, Any]) -> bool:
    """Is there what an address names, as far as its parts say so?"""
    return (
        asked.get("instance_number", 0) == 0
        and asked.get("registry_name", REGISTRIES[0]) in REGISTRIES
        and asked.get("order", "asc") in {"asc", "dsc"}
        and _within(asked.get("per_page", 1), _MOST)
        and _within(asked.get("page", 1), 10**6)
        and (asked.get("queue_name") is None or _is_queue(asked["queue_name"]))
    )


def _is_queue(name: str) -> bool:
    key = f"{Queue.redis_queue_namespace_prefix}{name}"
    return bool(current_app.extensions[_REDIS].sismember(Queue.redis_queues_keys, key))


def _within(number: object, most: int) -> bool:
    text = str(number)
    return text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most


def _back_to_the_page(answer: Response) -> Response:
    """A form's answer is the page that it stands on; programs get the JSON."""
    if _is_ours() and request.method == "POST" and answer.status_code == HTTPStatus.OK and "next" in request.form:
        return cast("Response", redirect(inside(request.form["next"]), HTTPStatus.SEE_OTHER))
    return answer
