"""Something else happens right before one call of a door."""

from collections.abc import Callable
from typing import Any, Self

from redis import Redis


class Before:
    """Another object, before whose method `name` is first used something happens."""

    def __init__(self, other: Any, name: str, happens: Callable[[], object]) -> None:
        self._other, self._name, self._happens = other, name, happens

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            self._name = ""
            self._happens()
        return getattr(self._other, name)

    def __enter__(self) -> Self:
        self._other.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._other.__exit__(*error)


class Interrupted(Redis):
    """The same server. Something happens before each of its pipelines begins to write: after what it has read."""

    def __init__(self, redis: Redis, happens: Callable[[], object]) -> None:
        super().__init__(connection_pool=redis.connection_pool)
        self._happens = happens

    def pipeline(self, *args: Any, **more: Any) -> Any:
        return Before(super().pipeline(*args, **more), "multi", self._happens)
