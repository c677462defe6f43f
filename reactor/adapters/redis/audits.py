"""What the last audit found (model.audit): for the health strip, metrics, and the role's next turn.

    audit    Audit as JSON; expires a week after it was written

It may be lost: then the cluster is audited again.
"""

from typing import Any

import orjson
from redis import Redis

from reactor.adapters.redis.contents import an_object, passed_over
from reactor.adapters.redis.errors import translated
from reactor.adapters.redis.keys import PREFIX
from reactor.model.audit import Audit
from reactor.model.errors import BadInput, StoreRefused

_KEY, _KEPT = f"{PREFIX}audit", 7 * 86400


class RedisAudits:
    """On a Redis or Valkey server. Both methods raise StoreUnreachable, `write` also StoreRefused."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def write(self, audit: Audit) -> None:
        """In place of the last one."""
        with translated():
            self._redis.set(_KEY, orjson.dumps(audit.as_json()), ex=_KEPT)

    def last(self) -> Audit | None:
        """None where nobody audits, what is there is of another version, or this user of Redis may not read it.

        It is good to know and never needed, so a user with rules from before it was there is no worse off.
        """
        try:
            with translated():
                text: Any = self._redis.get(_KEY)
            return None if text is None else Audit.of(an_object(text))
        except (BadInput, StoreRefused) as error:
            passed_over("audit", error)
            return None
