"""Keys of Redis, and other contents for them: of another type, or with other members, fields, entries and JSON."""

import zlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from tests.fuzz.noise import Noise

_TYPES = ("string", "hash", "set", "zset", "list", "stream")


def spoil(redis: Any, key: bytes, noise: Noise) -> str:
    """Change one key; how it is now, for whoever reads what went wrong."""
    kind = redis.type(key).decode()
    if kind == "none":  # what was done before has emptied it
        return f"{key!r}: none"
    if noise.random() < 0.15:
        other = noise.one([one for one in _TYPES if one != kind])
        redis.delete(key)
        _ADD[other](redis, key, noise)
    else:
        _CHANGE[kind](redis, key, noise)
    return f"{key!r}: {kind} -> {shown(redis, key)}"


def shown(redis: Any, key: bytes) -> str:
    """Its type, and all of what it holds."""
    kind = redis.type(key).decode()
    read: Mapping[str, Callable[[], Any]] = {
        "string": lambda: redis.get(key),
        "hash": lambda: redis.hgetall(key),
        "set": lambda: redis.smembers(key),
        "zset": lambda: redis.zrange(key, 0, -1, withscores=True),
        "list": lambda: redis.lrange(key, 0, -1),
        "stream": lambda: redis.xrange(key),
    }
    return f"{kind} {read[kind]() if kind in read else ''!r}"


def _value(noise: Noise, old: bytes) -> bytes:
    """In place of it."""
    try:
        packed = zlib.decompress(old)
    except zlib.error:
        return _text(noise, old)
    return zlib.compress(_text(noise, packed))


def _text(noise: Noise, old: bytes) -> bytes:
    try:
        sound = orjson.loads(old)
    except ValueError:
        return noise.torn(old)
    return noise.document(sound) if noise.random() < 0.8 else noise.torn(old)


def _any(noise: Noise) -> bytes:
    return noise.document({"id": "1", "at": 1.0})


def _string(redis: Any, key: bytes, noise: Noise) -> None:
    redis.set(key, _value(noise, redis.get(key)), keepttl=True)


def _hash(redis: Any, key: bytes, noise: Noise) -> None:
    for _ in range(noise.randint(1, 3)):
        fields = sorted(redis.hkeys(key)) or [b"x"]
        field = noise.one(fields)
        if noise.random() < 0.3:
            redis.hdel(key, field)
        else:
            name = noise.torn(field) if noise.random() < 0.2 else field
            redis.hset(key, name, _value(noise, redis.hget(key, field) or b""))


def _set(redis: Any, key: bytes, noise: Noise) -> None:
    old = noise.one(sorted(redis.smembers(key)) or [b"x"])
    if noise.random() < 0.5:
        redis.srem(key, old)
    redis.sadd(key, noise.torn(old))


def _zset(redis: Any, key: bytes, noise: Noise) -> None:
    old = noise.one(redis.zrange(key, 0, -1) or [b"x"])
    score = noise.one((0, -1, 1e308, float("inf"), float("-inf"), 0.5, redis.zscore(key, old) or 1))
    redis.zadd(key, {noise.torn(old) if noise.random() < 0.7 else old: score})


def _list(redis: Any, key: bytes, noise: Noise) -> None:
    redis.lpush(key, noise.torn(noise.one(redis.lrange(key, 0, -1) or [b"x"])))


def _stream(redis: Any, key: bytes, noise: Noise) -> None:
    entries = redis.xrange(key)
    fields = dict(entries[-1][1]) if entries else {b"x": b"1"}
    name = noise.one(sorted(fields))
    value = _value(noise, fields.pop(name))
    fields[noise.torn(name) if noise.random() < 0.3 else name] = value
    redis.xadd(key, fields)


_CHANGE = {"string": _string, "hash": _hash, "set": _set, "zset": _zset, "list": _list, "stream": _stream}
_ADD: Mapping[str, Callable[[Any, bytes, Noise], Any]] = {
    "string": lambda redis, key, noise: redis.set(key, _any(noise)),
    "hash": lambda redis, key, noise: redis.hset(key, _any(noise)[:20], _any(noise)),
    "set": lambda redis, key, noise: redis.sadd(key, _any(noise)),
    "zset": lambda redis, key, noise: redis.zadd(key, {_any(noise): 1}),
    "list": lambda redis, key, noise: redis.rpush(key, _any(noise)),
    "stream": lambda redis, key, noise: redis.xadd(key, {"event": _any(noise)}),
}
