"""A list that tells of what is added to it, in the place of one in which somebody only notes it."""

from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Heard(list[_T], Generic[_T]):
    """`hear` is called right after."""

    def __init__(self, hear: Callable[[_T], None]) -> None:
        super().__init__()
        self._hear = hear

    def append(self, one: _T, /) -> None:
        super().append(one)
        self._hear(one)
