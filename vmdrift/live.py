"""The table that follows a story: redrawn in place on a terminal, a line per change elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live as RichLive
from rich.text import Text

from reactor.model.times import clock_time
from vmdrift.status import Snapshot
from vmdrift.table import overview


class Live:
    """Use it as a context manager; call `show` as often as you like."""

    def __init__(self, console: Console) -> None:
        self._console = console
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
            self._screen.update(self._view(snapshot, now), refresh=True)
            return
        for record in snapshot.records:
            spent = now - record.drift.outage.since
            self._once(f"{record.drift.vm}: {record.phase}, {record.sentence}", f"{spent:6.1f} s  ")

    def _view(self, snapshot: Snapshot, now: float) -> RenderableType:
        """All drifts; where they are more than the terminal has lines for, those that have not ended."""
        if not snapshot.outages:
            return Text(f"No node is lost, as far as Kubernetes knows at {clock_time(now)}.")
        view = overview(snapshot.outages, snapshot.records, now)
        going_on = [record for record in snapshot.records if not record.phase.is_end]
        if not going_on or len(self._console.render_lines(view)) < self._console.height:
            return view
        return overview(snapshot.outages, going_on, now)

    def say(self, sentence: str) -> None:
        """Something that is not in the table; once."""
        self._once(sentence, "")

    def _once(self, sentence: str, prefix: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._console.print(prefix + sentence, highlight=False, markup=False, soft_wrap=True)
