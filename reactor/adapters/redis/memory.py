"""Whether Redis has room for what others send: the last quarter of its memory is reserved for drifts."""

import time
from typing import Any

from redis import Redis

from reactor.adapters.redis.errors import translated
from reactor.model.times import Clock

FOR_OTHERS = 0.75  # of maxmemory; what drifts take is in docs/performance.md
_FRESH = 1.0  # seconds for which an answer counts


class RoomInRedis:
    """Asks Redis at most once a second. `monotonic`: a clock that nobody sets."""

    def __init__(self, redis: Redis, monotonic: Clock = time.monotonic) -> None:
        self._redis, self._monotonic = redis, monotonic
        self._full, self._until = False, 0.0

    def is_full(self) -> bool:
        """Raises StoreError. Where Redis has no limit there is always room."""
        if self._monotonic() >= self._until:
            with translated():
                info: Any = self._redis.info("memory")
            self._full = 0 < info["maxmemory"] * FOR_OTHERS <= info["used_memory"]
            self._until = self._monotonic() + _FRESH
        return self._full
