"""rq-dashboard at /rq: adapted to JSON jobs, closed where it would act, and with templates of ours.

By itself it reads jobs with pickle, lists workers with pickle, opens a connection per request, requeues on GET, and
shows Redis' URL. It is adapted by replacing names in its module. Its own pages insert whatever is in Redis into
HTML by scripts; ours (templates/rq_dashboard) are plain text, rendered here from the same data.
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

from reactor.web.browser_headers import local_path
from reactor.web.page.auth import Guard, People
from reactor.web.problem import Problem

log = structlog.get_logger()

PREFIX = "/rq"
REGISTRIES = ("queued", "scheduled", "started", "deferred", "finished", "failed", "canceled")
_ACTING_ENDPOINTS = ("requeue", "delete", "empty", "compact")
_MOST_JOBS = 200  # jobs on one page
_LONGEST_ERROR = 200  # characters of an error


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
        """A job of this queue. One that cannot be read is left in place: reading changes nothing."""
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
        """All that are alive."""
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
    vars(web).update(_REPLACEMENTS)
    vars(web.config)["serializer"] = JSONSerializer
    # The module's one blueprint serves every app of a process, so what is specific to this app is set on the app.
    app.before_request(lambda: _check_access(people, guard, acts=acts) if _is_dashboard() else None)
    app.after_request(_redirect_form)
    app.register_blueprint(web.blueprint, url_prefix=PREFIX)
    app.register_error_handler(Exception, _on_error)
    app.jinja_env.globals.update(rq=_DATA_VIEWS, rq_registries=REGISTRIES, rq_acts=lambda: acts and people.may_act())


def _requeue(job_id: str, connection: Redis) -> Job:
    return JsonJob.fetch(job_id, connection=connection).requeue()


# Its views without the decorator that makes JSON of their data: for our templates.
_DATA_VIEWS = {name: vars(web)[name].__wrapped__ for name in ("list_queues", "list_jobs", "job_info", "list_workers")}
_REDIS = "vmdrift-redis"
_REPLACEMENTS: Mapping[str, Any] = {
    "Job": JsonJob,
    "Queue": JsonQueue,
    "Worker": JsonWorker,
    "requeue_job": _requeue,
    "from_url": lambda *_, **__: (None, current_app.extensions[_REDIS]),
}


def _on_error(error: Exception) -> Any:
    """Here: something in Redis, or in the request, is gone or cannot be read. Elsewhere it is a bug."""
    if not _is_dashboard() or isinstance(error, TemplateError):
        raise error
    log.warning("page of the queues not shown", path=request.path, why=repr(error)[:_LONGEST_ERROR])
    return current_app.handle_user_exception(_problem_of(error))


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, RedisConnectionError | RedisTimeoutError):
        return Problem(503, "Redis is away.")
    if isinstance(error, NoPermissionError):
        return Problem(403, "Redis' user `receiver` may not do that (docs/page.md).")
    return Problem(404, "It does not exist (any more), or it cannot be read.")


def _is_dashboard() -> bool:
    return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")


def _check_access(people: People, guard: Guard, *, acts: bool) -> AnyResponse | None:
    if (answer := guard()) is not None:
        return answer
    endpoint = (request.endpoint or "").rpartition(".")[2]
    acting = request.method not in {"GET", "HEAD"} or endpoint.startswith(_ACTING_ENDPOINTS)
    if acting and not acts:
        raise Problem(403, "Nothing can be changed here: VMDRIFT_RQ_ACTIONS is not true. `vmdrift retry` is safe.")
    if acting and request.method != "POST":
        raise Problem(405, "This changes something, so it needs a POST.")
    if acting and not people.may_act():
        raise Problem(403, 'Only people with "page": "act" may change anything here.')
    if not _exists(request.view_args or {}):
        raise Problem(404, "There is no such queue, registry, order or page.")
    return None


def _exists(view_args: Mapping[str, Any]) -> bool:
    """Does what the URL names exist, as far as its parts say so?"""
    return (
        view_args.get("instance_number", 0) == 0
        and view_args.get("registry_name", REGISTRIES[0]) in REGISTRIES
        and view_args.get("order", "asc") in {"asc", "dsc"}
        and _within(view_args.get("per_page", 1), _MOST_JOBS)
        and _within(view_args.get("page", 1), 10**6)
        and (view_args.get("queue_name") is None or _is_queue(view_args["queue_name"]))
    )


def _is_queue(name: str) -> bool:
    key = f"{Queue.redis_queue_namespace_prefix}{name}"
    return bool(current_app.extensions[_REDIS].sismember(Queue.redis_queues_keys, key))


def _within(number: object, maximum: int) -> bool:
    text = str(number)
    return text.isascii() and text.isdigit() and len(text) <= len(str(maximum)) and 1 <= int(text) <= maximum


def _redirect_form(answer: Response) -> Response:
    """A form is answered with the page that it is on; programs get the JSON."""
    if _is_dashboard() and request.method == "POST" and answer.status_code == HTTPStatus.OK and "next" in request.form:
        return cast("Response", redirect(local_path(request.form["next"]), HTTPStatus.SEE_OTHER))
    return answer
