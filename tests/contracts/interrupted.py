"""Something else happens right before one call of a door."""

from collections.abc import Callable
from typing import Any


class Before:
    """Another object, before whose method `name` is first used something happens."""

    def __init__(self, other: Any, name: str, happens: Callable[[], object]) -> None:
        self._other, self._name, self._happens = other, name, happens

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            self._name = ""
            self._happens()
        return getattr(self._other, name)
