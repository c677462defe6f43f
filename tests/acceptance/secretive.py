"""Every secret that the processes of the story know, however it is spelt, and everything that Redis holds."""

import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from tests.acceptance.story import IN_URL, SENDER, SINK, WRONG
from tests.support.redis_users import roles
from tests.support.sites import ACCOUNTS


def spelt(secret: str) -> set[bytes]:
    """As it might be written."""
    return {secret.encode(), quote(secret, safe="").encode(), b64encode(secret.encode())}


def secrets() -> set[bytes]:
    """All that the processes of the story know."""
    passwords = [f'{role}\'s "pass\\word" $1 %' for role in roles()]  # tests.support.redis_users
    accounts = [f"token-{role}" for role in ACCOUNTS]
    return {word for one in (SENDER, SINK, IN_URL, WRONG, *passwords, *accounts) for word in spelt(one)}


def found_in(texts: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Where a secret stands, and which."""
    return [(place, secret) for place, text in texts for secret in secrets() if secret in text]


def held(redis: Any) -> Iterator[tuple[str, bytes]]:
    """Everything that Redis holds; RQ's jobs and results are compressed, some twice wrapped."""
    readers = {
        b"none": lambda _: [],  # it has expired meanwhile
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"stream": lambda key: [fields for _, fields in redis.xrange(key)],
    }
    for key in redis.scan_iter("*"):
        for value in leaves(readers[redis.type(key)](key)):
            yield key.decode(), key + b" " + unpacked(value)


def leaves(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from leaves(inner)
    elif value is not None:
        for inner in value:
            yield from leaves(inner)


def unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value
