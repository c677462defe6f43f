"""The table that follows a story: redrawn in place on a terminal, a line per change elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live as RichLive

from reactor.model.drift import Policy
from vmdrift.status import Snapshot
from vmdrift.table import drifts_table


class Live:
    """Use it as a context manager; call `show` as often as you like."""

    def __init__(self, console: Console, policy: Policy) -> None:
        self._console, self._policy = console, policy
        self._screen = RichLive(console=console, auto_refresh=False) if console.is_terminal else None
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        if self._screen:
            self._screen.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._screen:
            self._screen.stop()

    def show(self, snapshot: Snapshot, now: float) -> None:
        """`now` in seconds since the epoch."""
        if self._screen:
            self._screen.update(drifts_table(snapshot.records, self._policy, now), refresh=True)
            return
        for record in snapshot.records:
            spent = now - record.drift.outage.since
            self._once(f"{record.drift.vm}: {record.phase}, {record.sentence}", f"{spent:6.1f} s  ")

    def say(self, sentence: str) -> None:
        """Something that is not in the table; once."""
        self._once(sentence, "")

    def _once(self, sentence: str, prefix: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._console.print(prefix + sentence, highlight=False, markup=False, soft_wrap=True)
