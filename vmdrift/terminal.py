"""What every command prints through: text of others reaches the terminal as plain text, on the line it belongs to."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.progress import Progress
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from reactor.model.printable import harmless
from vmdrift.output import wide

_UNFOLDED = 10_000  # columns; the terminal folds what it has no room for


class Terminal(Console):
    """No markup, no emoji codes, no guessed colours; what is not printable is shown as an escape (`harmless`)."""

    def __init__(self, **options: Any) -> None:
        room = {"width": _UNFOLDED} if wide() else {}
        super().__init__(markup=False, emoji=False, highlight=False, **{**room, **options})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Each part of what is printed comes through here, cells of tables too."""
        return super().render(_plain(renderable), options)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], object]]:
    """Where somebody waits at a terminal; the answer goes to standard output. What it gives is called at each step."""
    waits = sys.stderr.isatty()
    with Progress(console=Terminal(file=sys.stderr), transient=True, disable=not waits) as shown:
        task = shown.add_task(what, total=total)
        yield lambda: shown.advance(task)


def _plain(part: RenderableType) -> RenderableType:
    if isinstance(part, str):
        return harmless(part)
    if isinstance(part, Text) and not part.plain.isprintable():
        return part.blank_copy(harmless(part.plain))
    return part


def lines(several: Iterable[str]) -> Group:
    """One below the other: a line break inside of one of them would be shown as an escape."""
    return Group(*map(Text, several))


class _Unfolded(Table):
    def add_column(self, *args: Any, **options: Any) -> None:
        """As wide as what is in it."""
        super().add_column(*args, **{**options, "max_width": None})


def rows_table(*, expand: bool = True) -> Table:
    """A table of rows to read, as every command shows them; `expand`: as wide as the terminal."""
    if wide():
        return _Unfolded(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    return Table(box=box.SIMPLE_HEAD, expand=expand, pad_edge=False, padding=(0, 1, 0, 0))
