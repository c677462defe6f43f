"""`vmdrift history`: outages that are over, how each of their drifts ended, and how long the VMs were down."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.table import Table
from rich.text import Text

from reactor.adapters.redis.store import Store
from reactor.model.deed import Deed, about
from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.forecast import MISSED, RESULTS
from reactor.model.outlook import Down, down, forecast_result, forecast_sentence
from reactor.model.recovery import median_and_longest, recoveries, recovery
from reactor.model.times import duration, format_time
from reactor.settings import Settings
from reactor.wiring import Wiring
from vmdrift import output
from vmdrift.command import answer, say
from vmdrift.selector import ALL, VmSelector
from vmdrift.status.table import NAME, STYLE
from vmdrift.terminal import Terminal, rows_table

VERSION = 1  # of the JSON; within a version fields are only added
_MORE = ("Proof", "Target", "Reason")  # columns of -o wide


@dataclass(frozen=True, slots=True)
class EndedOutage:
    """An outage with its drifts that ended, by VM. `going_on`: how many have not; `done`: all is over.

    `deeds`: who did what about it, oldest first.
    """

    outage: OutageRecord
    ended: tuple[Record, ...]
    going_on: int
    done: bool
    deeds: tuple[Deed, ...] = ()

    @property
    def recoveries(self) -> list[float]:
        """Seconds, of each VM that was brought to run elsewhere."""
        return recoveries(self.ended)


def history(*, last: int, as_json: bool, only: VmSelector = ALL) -> int:
    """Print the `last` outages, newest first; returns the exit code."""

    def show(settings: Settings) -> int:
        store = Wiring.of(settings).store
        outages, now = read(store, last, only), store.time()
        if as_json:
            output.show({**as_object(outages, now), **({"selected": only.words} if only.words else {})})
        else:
            _print(outages, only)
        return 0

    return answer("history", show)


def read(store: Store, last: int, only: VmSelector = ALL) -> list[EndedOutage]:
    """Done outages, and open ones of which some drift has ended: the `last` ones, newest first. Raises StoreError."""
    opened = [(outage, False) for outage in store.outages()]
    closed = [(outage, True) for outage in store.history()]
    newest = sorted([*opened, *closed], key=lambda entry: entry[0].outage.since, reverse=True)
    found = list(_ended(store, newest, last, only))
    own, elsewhere = store.deeds.of([past.outage.outage.id for past in found]), store.deeds.elsewhere()
    return [
        replace(past, deeds=tuple(about(past.outage, past.ended, own[past.outage.outage.id], elsewhere)))
        for past in found
    ]


def _ended(
    store: Store, outages: Sequence[tuple[OutageRecord, bool]], last: int, only: VmSelector
) -> Iterator[EndedOutage]:
    shown: set[str] = set()  # one that is done while this is read stands in both lists
    for outage, done in outages:
        if len(shown) == last:
            return
        records = [record for record in store.records(outage.outage.id) if only.covers(record.drift.vm.namespace)]
        if only != ALL and not records:
            continue
        ended = tuple(sorted((record for record in records if record.ended), key=lambda record: str(record.drift.vm)))
        if (done or ended) and outage.outage.id not in shown:
            shown.add(outage.outage.id)
            yield EndedOutage(outage, ended, len(records) - len(ended), done)


def after(record: Record, moment: float | None) -> float | None:
    """Seconds from the loss of the node."""
    return None if moment is None else moment - record.lost_at


def as_object(outages: Sequence[EndedOutage], now: float = 0.0) -> dict[str, Any]:
    """The shape that docs/cli.md documents; spans in seconds, moments in seconds since the epoch."""
    return {"version": VERSION, "outages": [_outage(past, now) for past in outages]}


def _outage(past: EndedOutage, now: float) -> dict[str, Any]:
    outage, times = past.outage.outage, median_and_longest(past.ended)
    return {
        "id": outage.id,
        "node": outage.node.name,
        "lost_at": outage.since,
        "recovered_at": past.outage.recovered_at,
        "done": past.done,
        "fencing": past.outage.fencing.summary if past.outage.fencing else "",
        "going_on": past.going_on,
        "recovery": dict(zip(("median", "longest"), times, strict=True)) if times else None,
        "drifts": [_drift(record, now) for record in past.ended],
        "deeds": [{**deed.as_json(), "sentence": deed.sentence} for deed in past.deeds],
    }


def _drift(record: Record, now: float) -> dict[str, Any]:
    gone, foreseen = down(record, now), record.forecast
    return {
        "vm": str(record.drift.vm),
        "id": record.drift.id,
        "phase": record.phase.value,
        "proof": record.proof.value,
        "reason": record.reason,
        "sentence": record.sentence,
        "target": record.target,
        "released_after": after(record, record.released_at),
        "detached_after": after(record, record.detached_at),
        "ended_after": after(record, record.ended_at),
        "recovery": recovery(record),
        "down_for": gone.seconds,
        "not_back": gone.not_back,
        "forecast": {**asdict(foreseen), "result": forecast_result(record)} if foreseen else None,
    }


def _print(outages: Sequence[EndedOutage], only: VmSelector) -> None:
    console = Terminal()
    if not outages:
        kept = "(they are kept for VMDRIFT_HISTORY_TTL)"
        say(f"No outages {f'with VMs of {only.words} ' if only.words else ''}are recorded {kept}.")
    for past in outages:
        console.print(Text(head(past), style="bold"))
        for line in _stands_out(past):
            console.print(line)
        if past.ended:
            console.print(table(past))
        for deed in past.deeds:
            console.print(Text(f"  {deed.said(past.outage.outage.since)}"))


def _gone(record: Record) -> Down:
    """As it was when the drift ended."""
    return down(record, record.ended_at or record.changed_at)


def _stands_out(past: EndedOutage) -> Iterator[Text]:
    """Who is not back, and what was foreseen and came otherwise."""
    if names := ", ".join(str(record.drift.vm) for record in not_back(past)):
        yield Text(f"Not back, as far as is known: {names}.", style="bold red")
    for record in past.ended:
        if forecast_result(record) == MISSED:
            yield Text(f"{record.drift.vm}: {forecast_sentence(record)}", style="yellow")


def not_back(past: EndedOutage) -> list[Record]:
    """Drifts that are over, and whose VMs are down."""
    return [record for record in past.ended if _gone(record).not_back]


def head(past: EndedOutage) -> str:
    """One outage in a line or two."""
    outage, back = past.outage.outage, past.outage.recovered_at
    until = f"was back at {format_time(back)}" if back is not None else "is not back, as far as is known"
    return f"Node {outage.node.name} was lost at {format_time(outage.since)} and {until}. {_counted(past)}"


def _counted(past: EndedOutage) -> str:
    numbers = [
        f"{sum(record.phase is phase for record in past.ended)} {phase.value}" for phase in Phase if phase.is_end
    ]
    counts = [number for number in numbers if not number.startswith("0 ")]
    counts += [f"{past.going_on} not ended yet"] if past.going_on else []
    if not counts:
        return "No VM was affected."
    times = median_and_longest(past.ended)
    recovered = f" Recovery: median {times[0]:.0f} s, longest {times[1]:.0f} s." if times else ""
    return f"{', '.join(counts).capitalize()}.{recovered}{_summed(past)}{_forecasts(past)}"


def _summed(past: EndedOutage) -> str:
    """How long all VMs together did not run."""
    spans = [gone for record in past.ended if (gone := _gone(record)).ended]
    return f" Down in all: {duration(sum(gone.seconds for gone in spans))}." if len(spans) > 1 else ""


def _forecasts(past: EndedOutage) -> str:
    counts = Counter(filter(None, map(forecast_result, past.ended)))
    return (
        f" Forecasts: {', '.join(f'{counts[result]} {result}' for result in RESULTS if counts[result])}."
        if counts
        else ""
    )


def table(past: EndedOutage) -> Table:
    """A row per drift that ended; all times are seconds from the loss of the node."""
    rows = rows_table()
    rows.add_column("VM", overflow="fold", max_width=NAME)
    rows.add_column("End", no_wrap=True)
    for name in ("Released", "Detached", "Running"):
        rows.add_column(name, no_wrap=True, justify="right")
    for name in _MORE if output.wide() else ():
        rows.add_column(name)
    rows.add_column("Why", ratio=1)
    for record in past.ended:
        end = Text(record.phase.value, style=STYLE[record.phase])
        times = [
            _seconds(after(record, record.released_at)),
            _seconds(after(record, record.detached_at)),
            _running(record),
        ]
        more = [record.proof.value, record.target, record.reason] if output.wide() else []
        rows.add_row(Text(str(record.drift.vm)), end, *times, *map(Text, more), Text(record.sentence))
    return rows


def _running(record: Record) -> str | Text:
    """When it ran again, elsewhere or on the node that is back."""
    gone = _gone(record)
    if gone.not_back:
        return Text("not back", style="bold red")
    return _seconds(gone.seconds if gone.ended else None)


def _seconds(span: float | None) -> str:
    return "" if span is None else f"{span:.0f} s"
