"""The key that signs browsers' sessions: made once, and shared by all processes through Redis.

`vmdrift:page-key`: lost with Redis; then people log in again.
"""

import secrets
from typing import Any

from redis import Redis

from reactor.doors.store import PREFIX, translated

_KEY = f"{PREFIX}page-key"


def signing_key(redis: Redis) -> str:
    """Raises StoreError."""
    with translated():
        redis.set(_KEY, secrets.token_hex(32), nx=True)
        found: Any = redis.get(_KEY)
    return str(found.decode())
