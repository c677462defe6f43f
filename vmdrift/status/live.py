"""The live table of outages and drifts: redrawn in place on a terminal, a line per change elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live as RichLive
from rich.text import Text

from reactor.model.recovery import Windows
from reactor.model.times import clock_time
from vmdrift.status import StatusSnapshot
from vmdrift.status.groups import head_line, health_lines, outage_lines
from vmdrift.status.table import overview

_USUAL = Windows()


class Live:
    """Use it as a context manager; call `show` as often as you like. `before`: to be said until the first outage."""

    def __init__(self, console: Console, windows: Windows = _USUAL, before: str = "") -> None:
        self._console, self._windows, self._before = console, windows, before
        self._screen = RichLive(console=console, auto_refresh=False) if console.is_terminal else None
        self._printed: dict[str, str] = {}  # the last sentence by what it is about
        self._last: tuple[StatusSnapshot, float] | None = None
        self._away_since: float | None = None

    def __enter__(self) -> Self:
        if self._screen:
            self._screen.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._screen:
            self._screen.stop()

    def show(self, snapshot: StatusSnapshot, now: float) -> None:
        """`now` in seconds since the epoch."""
        was_away, self._away_since, self._last = self._away_since is not None, None, (snapshot, now)
        self._before = "" if snapshot.outages else self._before
        if self._screen:
            self._screen.update(self._view(snapshot, now), refresh=True)
            return
        if was_away:
            self._changed("", "Redis answers again.")
        for suspicion in snapshot.suspects.suspicions:
            if suspicion.id not in self._printed:
                self._changed(suspicion.id, suspicion.sentence(now))
        if snapshot.suspects.why:
            self._changed("suspects", snapshot.suspects.why)
        for record in snapshot.records:
            spent = now - record.lost_at
            line = f"{record.drift.vm}: {record.phase}, {record.sentence}"
            self._changed(record.drift.id, line, f"{spent:6.1f} s  ")
        if not snapshot.outages:
            self._changed("", self._before or f"{snapshot.quiet}, as far as Kubernetes knows.")

    def away(self, why: str, now: float) -> None:
        """Redis gives no answer: show that, and what was read last. `now` in seconds since the epoch."""
        self._away_since = self._away_since or now
        since = clock_time(self._away_since)
        if self._screen:
            head = Text(f"{why} (since {since}; trying again)", style="yellow")
            self._screen.update(Group(head, *self._stale()), refresh=True)
        else:
            self._changed("", f"{why} (trying again)")

    def _stale(self) -> list[RenderableType]:
        if self._last is None:
            return []
        snapshot, at = self._last
        # Not at the time that it is now: what is shown was so then, and windows may have ended since.
        return [Text(f"As of {clock_time(at)}:"), self._view(snapshot, at)]

    def _view(self, snapshot: StatusSnapshot, now: float) -> RenderableType:
        """All drifts; where they are more than the terminal has lines for, a line for those that say the same."""
        found = snapshot.outages
        heads = [head_line(outage, records, self._windows, now, snapshot.missing) for outage, records in found]
        above = [*heads, *([health_lines(snapshot.health)] if snapshot.health else [])]
        above += [Text(sentence, style="yellow") for sentence in snapshot.suspects.sentences(now)]
        return Group(*above, self._outages(snapshot, now, len(self._console.render_lines(Group(*above)))))

    def _outages(self, snapshot: StatusSnapshot, now: float, above: int) -> RenderableType:
        if not snapshot.outages:
            return Text(self._before or f"{snapshot.quiet}, as far as Kubernetes knows at {clock_time(now)}.")
        return self._drifts(snapshot, now, above)

    def _drifts(self, snapshot: StatusSnapshot, now: float, above: int) -> RenderableType:
        """`above`: how many lines are already used."""
        view = overview(snapshot.outages, snapshot.records, now, self._windows)
        if above + len(self._console.render_lines(view)) < self._console.height:
            return view
        return Group(*(outage_lines(*found, self._windows, now, snapshot.missing) for found in snapshot.outages))

    def say(self, sentence: str) -> None:
        """Print something that is not in the table; once, until something else is printed."""
        self._changed("", sentence)

    def _changed(self, about: str, sentence: str, prefix: str = "") -> None:
        if self._printed.get(about) != sentence:
            self._printed[about] = sentence
            self._console.print(prefix + sentence, soft_wrap=True)
