"""rq-dashboard at /rq: made right for JSON jobs, and closed where it would act.

By itself it reads jobs with pickle, lists workers with pickle, opens a connection per request, requeues on GET, and
shows Redis' URL. Its module's names are what can be set; each is set to ours.
"""

from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

from flask import Flask, current_app, request
from redis import Redis
from rq import Queue, Worker
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq_dashboard import default_settings, web
from werkzeug.wrappers import Response as AnyResponse

from reactor.web.page.people import Guard, People
from reactor.web.problem import Problem

PREFIX = "/rq"
_ACTS = ("requeue", "delete", "empty", "compact")


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
    app.register_blueprint(web.blueprint, url_prefix=PREFIX)
    for error in (NoSuchJobError, DeserializationError, UnicodeDecodeError, JSONDecodeError):
        app.register_error_handler(error, _no_such_job)


def _requeue(job_id: str, connection: Redis) -> Job:
    return JsonJob.fetch(job_id, connection=connection).requeue()


_REDIS = "vmdrift-redis"
_OURS: Mapping[str, Any] = {
    "Job": JsonJob,
    "Queue": JsonQueue,
    "Worker": JsonWorker,
    "requeue_job": _requeue,
    "from_url": lambda *_, **__: (None, current_app.extensions[_REDIS]),
}


def _no_such_job(error: Exception) -> Any:
    """What is no job of ours, or is gone. Elsewhere such an error is a bug."""
    if not _is_ours():
        raise error
    return current_app.handle_user_exception(Problem(404, "There is no such job (any more), or it cannot be read."))


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
    if (request.view_args or {}).get("instance_number", 0) != 0:
        raise Problem(404, "There is only one Redis here.")
    return None
