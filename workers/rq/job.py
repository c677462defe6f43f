"""RQ's job as our workers read it. A job is data: who can write to Redis decides what is in it, and no more.

By itself RQ imports whatever function a job names, and its callbacks; it posts to the addresses that a job names, and
puts it, or others that depend on it, into the queue that it names.
"""

from collections.abc import Collection, Mapping
from typing import Any

from rq.job import Job
from rq.utils import decode_redis_hash, import_attribute

from reactor.model.errors import VmDriftError

# The fields of a job's hash that are read. Whatever else RQ knows there, now or later, is ignored.
_FIELDS = frozenset(
    {
        "created_at",
        "data",
        "description",
        "ended_at",
        "enqueued_at",
        "exc_info",
        "failure_ttl",
        "last_heartbeat",
        "meta",
        "number_of_retries",
        "origin",
        "result_ttl",
        "retries_left",
        "started_at",
        "status",
        "timeout",
        "worker_name",
    }
)


class NotOurJob(VmDriftError):
    """A job that names what its queue is not for. Nobody runs it; it is listed as failed."""


class OurJob(Job):
    """One of a queue's own functions, with JSON arguments by position.

    `again_at`: when it wants to run again, by Redis' clock, once it has said so.
    """

    again_at: float | None = None
    _runs: Collection[str] = ()

    def restore(self, raw_data: Mapping[Any, Any]) -> None:
        """As RQ does, of what a job may say."""
        fields = decode_redis_hash(dict(raw_data))
        super().restore({name: value for name, value in fields.items() if name in _FIELDS})
        if self._unreadable_meta is not None or not isinstance(self.meta, dict):
            # Only for people to see, and soon written again. RQ would keep the bytes, which JSON cannot hold.
            self.meta, self._unreadable_meta = {}, None

    def belongs_to(self, queue: str, runs: Collection[str]) -> None:
        """It was found in this queue, which is for these functions, whatever queue it names itself."""
        self.origin, self._runs = queue, runs

    @property
    def func(self) -> Any:
        """What it calls. Raises NotOurJob."""
        name = self.func_name
        by_position = isinstance(self.args, list | tuple) and not self.kwargs
        if name not in self._runs or self.instance is not None or not by_position:
            raise NotOurJob(f"Queue {self.origin} does not run this kind of job: {str(name)[:80]!r}.")
        return import_attribute(str(name))
