"""A rehearsal as one HTML page that needs nothing else, drawn by the templates and styles of the product's own page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

import reactor.web.page
from reactor.model.drift import Policy, Record
from reactor.model.recovery import Windows
from reactor.model.times import clock_time, duration, format_time
from reactor.web.page.code import as_code
from reactor.web.page.timeline import LEGEND, Scale, Timeline, scale_of, timeline
from vmdrift.rehearse.fates import Fate, Rehearsal
from vmdrift.rehearse.report import head, in_order, summary
from vmdrift.snapshot import ClusterSnapshot

_OURS, _PAGE = Path(__file__).parent / "templates", Path(reactor.web.page.__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """One VM; without a drift there is nothing to draw."""

    fate: Fate
    line: Timeline | None


@dataclass(frozen=True, slots=True)
class Loss:
    """One section. `scale`: of all its timelines; `legend`: the stages that occur."""

    name: str
    head: str
    rows: tuple[Row, ...]
    unknown: Mapping[str, str]
    scale: Scale | None
    legend: tuple[str, ...]


def write(path: str, snapshot: ClusterSnapshot, policy: Policy, judged: str, played: Sequence[Rehearsal]) -> None:
    """Raises OSError. `judged`: by whose settings."""
    windows = Windows(policy.unreachable_window, policy.detach_window)
    text = (
        _templates()
        .get_template("rehearsal.html")
        .render(
            losses=[_loss(one, windows) for one in played],
            summary=summary(played) if len(played) > 1 else head(played[0]),
            css=(_PAGE / "static" / "page.css").read_text(encoding="utf-8"),
            read_at=snapshot.at,
            now=snapshot.at,
            judged=judged,
        )
    )
    Path(path).write_text(text, encoding="utf-8")


def _templates() -> Environment:
    templates = Environment(loader=FileSystemLoader([_OURS, _PAGE / "templates"]), autoescape=True)
    templates.filters.update(clock=clock_time, moment=format_time, duration=duration, path=str, code=as_code)
    return templates


def _loss(one: Rehearsal, windows: Windows) -> Loss:
    records = {str(record.drift.vm): record for record in one.records}
    now = max((record.ended_at or record.changed_at for record in one.records), default=0.0)
    scale = scale_of(one.records, windows, now)
    rows = tuple(Row(fate, _line(records.get(fate.vm), windows, now, scale)) for fate in in_order(one.fates))
    there = {stage.name for row in rows if row.line for stage in row.line.stages}
    return Loss(", ".join(one.nodes), head(one), rows, one.unknown, scale, tuple(n for n in LEGEND if n in there))


def _line(record: Record | None, windows: Windows, now: float, scale: Scale | None) -> Timeline | None:
    return timeline(record, windows, now, scale) if record else None
