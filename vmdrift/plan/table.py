"""What a terminal shows of a plan."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from reactor.model.times import format_time
from vmdrift.cli.terminal import lines, rows_table
from vmdrift.plan.advice import change
from vmdrift.plan.prediction import ExpectedTimes, Outcome, Prediction
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.dump_file import DUMP, DUMP_COMMAND
from workers.decide.observation import Volume

STYLE = {Outcome.MOVES: "green", Outcome.STAYS: "red", Outcome.UNAFFECTED: "dim", Outcome.UNKNOWN: "yellow"}
NAME = 24  # characters; a longer name is folded, so that the sentence has room on 80 columns
_SHOWN = 4  # nodes that a row names; JSON names all
_WIDE = 100  # columns, from which volumes have a column of their own
_SHORT = {"ReadWriteOnce": "RWO", "ReadWriteOncePod": "RWOP", "ReadWriteMany": "RWX", "ReadOnlyMany": "ROX"}


def show(console: Console, there: ClusterSnapshot, node: str, found: Sequence[Prediction]) -> None:
    """Print the plan of one node."""
    absent(console, there)
    console.print(Text(f"{_head(there, node)} {counted(found)}", style="bold"))
    if not found:
        return
    wide = console.width >= _WIDE
    lost = any(view.name == node and view.outage for view in there.nodes)
    table = rows_table()
    table.add_column("VM", overflow="fold", max_width=NAME)
    table.add_column("Outcome", no_wrap=True)
    table.add_column("Where to, or why not", ratio=3)
    if wide:
        table.add_column("Volumes", ratio=2, overflow="fold")
    table.add_column("ExpectedTimes", no_wrap=True, justify="right")
    for fate in found:
        table.add_row(*_row(fate, wide=wide, lost=lost))
    console.print(table)
    for line in _notes(found):
        console.print(Text(line))


def absent(console: Console, there: ClusterSnapshot) -> None:
    """Say what a dump lacks, or what nobody let us read."""
    if not there.absent:
        return
    kinds = ", ".join(there.absent)
    if not there.partial:
        console.print(Text(f"To list {kinds} is forbidden; what needs them is unknown."))
        return
    console.print(Text(f"The dump holds no {kinds}; what needs them is unknown. Make it with: {DUMP}, or with:"))
    console.print(Text(DUMP_COMMAND), soft_wrap=True)


def counted(found: Sequence[Prediction]) -> str:
    """How many VMs have which outcome: "of 3 VMs 2 would move, 1 would stay down."."""
    if not found:
        return "no VM runs there."
    outcomes = Counter(fate.outcome for fate in found)
    words = {
        Outcome.MOVES: "would move",
        Outcome.STAYS: "would stay down",
        Outcome.UNAFFECTED: "would not be affected",
        Outcome.UNKNOWN: "unknown",
    }
    numbers = ", ".join(f"{outcomes[outcome]} {word}" for outcome, word in words.items() if outcomes[outcome])
    ifs = sum(bool(fate.ifs) for fate in found)
    numbers += f" ({ifs} of them only if what is named there holds)" if ifs else ""
    return f"of {len(found)} VM{'' if len(found) == 1 else 's'} {numbers}."


def _head(there: ClusterSnapshot, node: str) -> str:
    outage = next(view.outage for view in there.nodes if view.name == node)
    return f"Node {node} is lost since {format_time(outage.since)}:" if outage else f"If node {node} were lost now:"


def _row(fate: Prediction, *, wide: bool, lost: bool) -> list[RenderableType]:
    volumes = [_volume(volume, fate) for volume in fate.volumes if volume.claim]
    why = lines([*_why(fate, lost=lost), *([] if wide else volumes)])
    apart = [lines(volumes or [_none(fate)])] if wide else []
    outcome = Text(f"{fate.outcome.value}{', if' if fate.ifs else ''}", style=STYLE[fate.outcome])
    return [Text(str(fate.vm)), outcome, why, *apart, Text(seconds(fate.takes))]


def _none(fate: Prediction) -> str:
    return "" if fate.outcome is Outcome.UNKNOWN else "no claim"


def _why(fate: Prediction, *, lost: bool) -> Iterator[str]:
    if fate.moves:
        yield f"To {_some(fate.targets)}; {_room(fate)}."
        yield from (f"If {proviso}." for proviso in fate.ifs)
        if fate.lost_disks:
            yield f"It comes up without {', '.join(fate.lost_disks)}, which was plugged into the instance only."
    elif fate.outcome is Outcome.STAYS:
        for reason, sentence in fate.objections.items():
            yield f"{reason}: {sentence}"
            yield f"-> {change(reason, fate.volumes, lost=lost)}"
    else:
        yield fate.sentence
    shown = " ".join(fate.objections.values())
    yield from (wish for wish in fate.unheeded if wish not in shown)


def _room(fate: Prediction) -> str:
    if not fate.room:
        never = f", and stay so: none of them has so much {', '.join(fate.beyond)}, even empty" if fate.beyond else ""
        return f"room on none of them now: it would be Pending{never}"
    if not fate.place:
        return "no room left after the VMs above: it would be Pending"
    return "room on each" if fate.room == fate.targets else f"room on {_some(fate.room)}"


def _some(nodes: Sequence[str]) -> str:
    rest = len(nodes) - _SHOWN
    return ", ".join(nodes[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _volume(volume: Volume, fate: Prediction) -> str:
    modes = "+".join(_SHORT.get(mode, mode) for mode in volume.modes)
    what = ", ".join(filter(None, (f"claim {volume.claim}", volume.driver or volume.source, modes)))
    waits = volume.held and volume.exclusive and fate.takes
    what += "; left behind" if volume.left else ""
    return f"{volume.name}: {what}{'; ' + _freed(fate.takes) if waits and fate.takes else ''}"


def _freed(takes: ExpectedTimes) -> str:
    least, most = takes.detach
    return f"detached by Kubernetes after {least:g} s" if least else f"VolumeAttachment deleted, 0-{most:g} s"


def seconds(takes: ExpectedTimes | None) -> str:
    """At least and at most."""
    if takes is None:
        return ""
    least, most = takes.total
    return f"{least:g} s" if least == most else f"{least:g}-{most:g} s"


def _notes(found: Sequence[Prediction]) -> Iterator[str]:
    if any(fate.takes for fate in found):
        yield (
            "Takes: from when the node turns Unknown, 41 to 54 s after it dies: the window or the eviction, whichever "
            "ends later, then the detach, then the start."
        )
    without = [str(fate.vm) for fate in found if fate.outcome is Outcome.MOVES and not fate.place]
    if without:
        yield f"Not all find room together: {', '.join(without)} would be Pending. Lack of room blocks nothing."
