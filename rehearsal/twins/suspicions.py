"""`reactor.adapters.redis.suspicions.Suspicions` in memory."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reactor.adapters.redis.suspicions import QUIET, SHOWN
from reactor.model.suspicion import Suspects, Suspicion
from reactor.model.times import Clock

_Events = Sequence[Mapping[str, Any]]


class MemorySuspicions:
    """Under an injected clock. `send` takes the events."""

    def __init__(self, clock: Clock, send: Callable[[_Events], object]) -> None:
        self._clock, self._send = clock, send
        self._open: dict[str, Suspicion] = {}
        self._ended: Counter[str] = Counter()
        self._quiet_until = self._shown_until = 0.0
        self._shown = Suspects()

    def begin(self, suspicion: Suspicion, events: _Events) -> bool:
        if suspicion.id in self._open:
            return False
        self._open[suspicion.id] = suspicion
        self._send(events)
        return True

    def end(self, suspicion: Suspicion, how: str, events: _Events) -> bool:
        if self._open.pop(suspicion.id, None) is None:
            return False
        self._ended[how] += 1
        self._send(events)
        return True

    def open(self) -> list[Suspicion]:
        return list(self._open.values())

    def ended(self) -> dict[str, int]:
        return dict(self._ended)

    def too_many(self) -> bool:
        news, now = self._clock() >= self._quiet_until, self._clock()
        self._quiet_until = now + QUIET if news else self._quiet_until
        return news

    def show(self, suspects: Suspects) -> None:
        self._shown, self._shown_until = suspects, self._clock() + SHOWN

    def shown(self) -> Suspects:
        return self._shown if self._clock() < self._shown_until else Suspects()
