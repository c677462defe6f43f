"""Browsers' sessions, as all processes share them through Redis. Lost with it; then people log in again.

`vmdrift:page-key`: signs the cookies, made once. `vmdrift:sessions:NAME`: a person's sessions by when each ends; one
that is not in it is over.
"""

import secrets
from typing import Any

from redis import Redis

from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX

_KEY, _OPEN = f"{PREFIX}page-key", f"{PREFIX}sessions:"
LASTS = 12 * 3600  # seconds that a session lasts at most
_MOST = 50  # sessions of one person; the next one ends the oldest of them


def signing_key(redis: Redis) -> str:
    """Raises StoreError."""
    with translated():
        redis.set(_KEY, secrets.token_hex(32), nx=True)
        key: Any = redis.get(_KEY)
    return str(key.decode(errors="replace"))


class OpenSessions:
    """Methods raise StoreError. Moments are seconds since the epoch."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def open(self, name: str, now: float, until: float) -> str:
        """Open one more; its id."""
        session, key = secrets.token_urlsafe(16), f"{_OPEN}{name}"
        with translated(), self._redis.pipeline() as pipe:
            pipe.zadd(key, {session: until})
            pipe.zremrangebyscore(key, "-inf", now)
            pipe.zremrangebyrank(key, 0, -1 - _MOST)
            pipe.expire(key, LASTS)
            pipe.execute()
        return session

    def is_open(self, name: str, session: str, now: float) -> bool:
        """Is it open now?"""
        with translated():
            until: Any = self._redis.zscore(f"{_OPEN}{name}", session)
        return until is not None and now < until

    def close(self, name: str, session: str) -> None:
        """Its cookie is not accepted any more, whoever has a copy."""
        with translated():
            self._redis.zrem(f"{_OPEN}{name}", session)
