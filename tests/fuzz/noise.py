"""What is drawn, all of it by one generator: nonsense as JSON, as bytes, and in place of a part of something sound."""

import json
import random
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, TypeVar, cast

from simulator.store.objects import copied
from tests.support.hostile import names

_WORDS = tuple(names("db").values())
_MOMENTS = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30T25:61:61Z", "2026-11-29", "now", "")
_NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63), 0.1, -0.0, 1e308, 5e-324)
_TEXTS = ("", "true", "null", "[]", "{}", "0", "-1", "1e999", "\0", "x" * 70_000, *_WORDS, *_MOMENTS)
# What no parser of JSON need take, and some do.
_WILD = (10**30, 10**4000, float("nan"), float("inf"), "\ud800")
_PARTS = (b"\0", b"\xff\xfe", b'"', b"{", b"[" * 2000, b"\r\n", b"%00", b"\xed\xa0\x80", b"1e999", b"9" * 5000, b"")
T = TypeVar("T")


class Noise(random.Random):
    """`what` it is for, with its seed and number: the same again for the same."""

    def __init__(self, what: str, seed: int, number: int, *, wild: bool = False) -> None:
        super().__init__(f"{what} {seed} {number}")
        self._scalars = (None, True, False, *_NUMBERS, *_TEXTS, *(_WILD if wild else ()))

    def one(self, of: Sequence[T]) -> T:
        """Any of them."""
        return of[self.randrange(len(of))]

    def value(self, depth: int = 3) -> Any:
        """Anything that JSON can say; `wild`: and what only some say."""
        kind, size = self.random(), self.randrange(3)
        if not depth or kind < 0.6:
            return self.one(self._scalars)
        inner = [self.value(depth - 1) for _ in range(size)]
        return inner if kind < 0.8 else {self.one(_TEXTS): one for one in inner}

    def spoilt(self, sound: Any, fields: int = 3, keep: Sequence[tuple[str | int, ...]] = ()) -> Any:
        """A copy of a JSON value, some fields of which are others, or gone, or there twice; `keep` are not touched."""
        changed = copied(sound)
        for _ in range(self.randint(1, fields)):
            paths = [
                path for path in _paths(changed) if not any(path[: len(kept)] == kept[: len(path)] for kept in keep)
            ]
            if paths:
                self._spoil(changed, self.one(paths))
        return changed

    def _spoil(self, whole: Any, path: tuple[str | int, ...]) -> None:
        inner: Any = whole
        for step in path[:-1]:
            inner = inner[step]
        how, last = self.random(), cast("Any", path[-1])
        if how < 0.2:
            del inner[last]
        elif how < 0.3 and isinstance(inner, list):
            inner.append(deepcopy(inner[last]))
        else:
            inner[last] = self.value()

    def torn(self, sound: bytes) -> bytes:
        """Bytes, some of them others, or gone, or with something between them."""
        data = bytearray(sound)
        for _ in range(self.randint(1, 4)):
            at = self.randrange(len(data) + 1)
            change = self.randrange(4)
            if change == 0 and at < len(data):
                data[at] ^= 1 << self.randrange(8)
            elif change == 1:
                data[at : at + self.randrange(20)] = b""
            elif change == 2:
                data[at:at] = self.one(_PARTS)
            else:
                data[at:at] = data[: self.randrange(len(data) + 1)]
        return bytes(data)

    def document(self, sound: Any) -> bytes:
        """JSON, or what had been JSON."""
        whole = self.value() if self.random() < 0.1 else self.spoilt(sound)
        text = json.dumps(whole, ensure_ascii=self.random() < 0.5).encode(errors="surrogatepass")
        return self.torn(text) if self.random() < 0.3 else text


def _paths(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """To every field within."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for name, inner in entries for path in [(*at, name), *_paths(inner, (*at, name))]]
