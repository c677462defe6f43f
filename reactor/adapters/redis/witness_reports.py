"""What each watcher heard of a suspected node (model.witness), for the pass over its fencing.

    witness:UID    hash of a node, by its uid: the Node that a watcher runs on -> its WitnessReport; expires in seconds

All of it may be lost at any time: then nobody has heard anything, and a fence waits for VMDRIFT_FENCE_AFTER.
"""

from typing import Any, Protocol

import orjson
from redis import Redis

from reactor import timing
from reactor.adapters.redis.contents import an_object, passed_over
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.model.errors import BadInput
from reactor.model.witness import WitnessReport


class WitnessReports(Protocol):
    """Both methods raise StoreUnreachable or StoreRefused."""

    def write(self, uid: str, report: WitnessReport) -> None:
        """Of the node with this uid, in place of what this witness said before; for `timing.WITNESS_KEPT` seconds."""

    def of(self, uid: str) -> list[WitnessReport]:
        """The last one of each witness, by its name; without those that this version cannot read."""


class RedisWitnessReports:
    """The WitnessReports on a Redis or Valkey server."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def write(self, uid: str, report: WitnessReport) -> None:
        key = f"{PREFIX}witness:{uid}"
        with translated(), self._redis.pipeline() as pipe:
            pipe.hset(key, mapping={report.witness: orjson.dumps(report.as_json())})
            pipe.expire(key, int(timing.WITNESS_KEPT))
            pipe.execute()

    def of(self, uid: str) -> list[WitnessReport]:
        with translated():
            found: Any = self._redis.hgetall(f"{PREFIX}witness:{uid}")
        reports = []
        for witness, text in sorted(found.items()):
            try:
                reports.append(WitnessReport.of(an_object(text)))
            except BadInput as error:
                passed_over(f"report of {witness!r}", error)
        return reports
