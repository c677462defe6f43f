"""All providers of a node are asked at the same time: one that hangs holds up nobody.

Threads are few: while one that was asked about a node still hangs, it is not asked about that node again; what it
answers late counts if the question is still the same.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import wait as wait_for
from typing import Protocol

from reactor import in_thread, timing
from reactor.model.fencing import ProviderStatus, Target
from reactor.model.times import Clock

Question = Callable[[], ProviderStatus]
Enough = Callable[[str, ProviderStatus], float | None]
_Pending = Future[ProviderStatus]
_LATEST = 30.0  # seconds after it was asked, for an answer that nobody waited for
Wait = Callable[[list[_Pending], float], object]
Begin = Callable[[Question, str], _Pending]


class AskAll(Protocol):
    """Asks each of them, by name, about this target; an answer for each that gave one in time, in their order.

    `enough`: for how many seconds more the others are waited for, once this one has answered so; None: for as long as
    anybody is. Raises what a question raises.
    """

    def __call__(
        self, questions: Mapping[str, Question], target: Target, enough: Enough
    ) -> Mapping[str, ProviderStatus]:
        """As above."""


def one_by_one(questions: Mapping[str, Question], target: Target, enough: Enough) -> Mapping[str, ProviderStatus]:  # noqa: ARG001 - as above
    """As `AskAll`, where nobody hangs, as in virtual time."""
    return {name: ask() for name, ask in questions.items()}


def _first(pending: list[_Pending], seconds: float) -> None:
    wait_for(pending, seconds, FIRST_COMPLETED)


class Together:
    """An AskAll with a thread for each. `beat` is called in the caller's own thread while it waits (heartbeats).

    `clock`: only its differences matter; `wait` returns when one of these is done, or after so many seconds; `begin`
    begins work of this name.
    """

    def __init__(
        self,
        beat: Callable[[], None] = lambda: None,
        clock: Clock = time.monotonic,
        wait: Wait = _first,
        begin: Begin = in_thread.begun,
    ) -> None:
        self._beat, self._clock, self._wait, self._begin = beat, clock, wait, begin
        self._pending: dict[tuple[str, str], tuple[Target, float, _Pending]] = {}

    def __call__(
        self, questions: Mapping[str, Question], target: Target, enough: Enough
    ) -> Mapping[str, ProviderStatus]:
        """As in AskAll."""
        asked = {name: future for name in questions if (future := self._asked(name, questions[name], target))}
        self._await(asked, enough)
        answers = {name: asked[name].result() for name in questions if name in asked and asked[name].done()}
        self._pending = {key: pending for key, pending in self._pending.items() if not pending[-1].done()}
        return answers

    def _asked(self, name: str, question: Question, target: Target) -> _Pending | None:
        """None while it still hangs with another question about this node."""
        key, now = (target.node.name, name), self._clock()
        before, at, future = self._pending.get(key, (target, now, None))
        is_same = before == target and now - at <= _LATEST
        if future is None or (future.done() and not is_same):
            future, is_same = self._begin(question, f"asking {name} about {target.node.name}"), True
            self._pending[key] = (target, now, future)
        return future if is_same else None

    def _await(self, asked: Mapping[str, _Pending], enough: Enough) -> None:
        end, heard = self._clock() + timing.PROVIDER_ANSWERS, set[str]()
        while True:
            for name, more in _decided(asked, heard, enough):
                heard.add(name)
                end = end if more is None else min(end, self._clock() + more)
            waiting, remaining = [future for future in asked.values() if not future.done()], end - self._clock()
            if not waiting or remaining <= 0:
                return
            self._beat()
            self._wait(waiting, min(remaining, timing.BEAT_EVERY))


def _decided(asked: Mapping[str, _Pending], heard: set[str], enough: Enough) -> Iterator[tuple[str, float | None]]:
    """Those that have answered since, and for how long others are waited for because of it."""
    done = [name for name, future in asked.items() if future.done() and name not in heard]
    yield from ((name, enough(name, asked[name].result())) for name in done)
