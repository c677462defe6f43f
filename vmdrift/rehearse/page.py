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
from vmdrift.rehearse.report import RUNS, head, in_order, summary, told
from vmdrift.snapshot import ClusterSnapshot

_OURS, _PAGE = Path(__file__).parent / "templates", Path(reactor.web.page.__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """One VM; without a drift there is nothing to draw. `same`: of the one above the same is said."""

    fate: Fate
    line: Timeline | None
    same: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """One section. `scale`: of all its timelines; `legend`: the stages that occur; `stay`: how many VMs stay down."""

    name: str
    head: str
    rows: tuple[Row, ...]
    unknown: Mapping[str, str]
    scale: Scale | None
    legend: tuple[str, ...]
    stay: int = 0
    over: bool = True  # nothing of it is to come


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
            now=snapshot.at,  # a time of another day has its date
            judged=judged,
            runs=RUNS,
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
    lines = {fate.vm: _line(records.get(fate.vm), windows, now, scale) for fate in one.fates}
    fates = in_order(one.fates)
    above = [None, *map(told, fates)]
    rows = tuple(Row(fate, lines[fate.vm], told(fate) == before) for fate, before in zip(fates, above, strict=False))
    there = {stage.name for line in lines.values() if line for stage in line.stages}
    legend = tuple(name for name in LEGEND if name in there)
    return Loss(", ".join(one.nodes), head(one), rows, one.unknown, scale, legend, len(one.staying))


def _line(record: Record | None, windows: Windows, now: float, scale: Scale | None) -> Timeline | None:
    return timeline(record, windows, now, scale) if record else None
