"""Translates Redis' errors into ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    InvalidResponse,
    NoPermissionError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from reactor.model.errors import StoreRefused, StoreUnreachable


@contextmanager
def translated() -> Iterator[None]:
    """Raises StoreRefused or StoreUnreachable instead. Redis' texts name hosts and commands, never passwords."""
    try:
        yield
    except (AuthenticationError, AuthorizationError, NoPermissionError) as error:
        raise StoreRefused(f"Redis refuses: {error}") from error
    except ResponseError as error:
        # WRONGPASS comes as a plain ResponseError from some servers; everything else here means "not now": OOM,
        # READONLY, LOADING, MISCONF.
        kind = StoreRefused if str(error).startswith(("WRONGPASS", "NOAUTH", "NOPERM")) else StoreUnreachable
        raise kind(f"Redis answers: {error}") from error
    except InvalidResponse as error:
        raise StoreUnreachable(f"The server is not Redis: {error}") from error
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise StoreUnreachable(f"Redis is away: {error}") from error
