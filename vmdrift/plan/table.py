"""What a terminal shows of a plan."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.text import Text

from reactor.model.times import format_time
from vmdrift.output import wide as unfolded
from vmdrift.plan.advice import change_of
from vmdrift.plan.prediction import ExpectedTimes, Outcome, Prediction
from vmdrift.snapshot import ClusterSnapshot
from vmdrift.snapshot.dump_file import DUMP, DUMP_COMMAND
from vmdrift.terminal import lines, rows_table
from workers.decide.observation import Volume

STYLE = {Outcome.MOVES: "green", Outcome.STAYS: "red", Outcome.UNAFFECTED: "dim", Outcome.UNKNOWN: "yellow"}
NAME = 24  # characters; a longer name is folded, so that the sentence has room on 80 columns
_SHOWN = 4  # nodes that a row names; JSON names all
_WIDE = 100  # columns, from which volumes have a column of their own
_SHORT = {"ReadWriteOnce": "RWO", "ReadWriteOncePod": "RWOP", "ReadWriteMany": "RWX", "ReadOnlyMany": "ROX"}


def show(console: Console, snapshot: ClusterSnapshot, node: str, predictions: Sequence[Prediction]) -> None:
    """Print the plan of one node."""
    absent(console, snapshot)
    console.print(Text(f"{_head(snapshot, node)} {counted(predictions)}", style="bold"))
    if not predictions:
        return
    wide = console.width >= _WIDE
    lost = any(view.name == node and view.outage for view in snapshot.nodes)
    table = rows_table()
    table.add_column("VM", overflow="fold", max_width=NAME)
    table.add_column("Outcome", no_wrap=True)
    table.add_column("Where to, or why not", ratio=3)
    if wide:
        table.add_column("Volumes", ratio=2, overflow="fold")
    table.add_column("Takes", no_wrap=True, justify="right")
    for prediction in predictions:
        table.add_row(*_row(prediction, node, wide=wide, lost=lost))
    console.print(table)
    for line in _notes(predictions):
        console.print(Text(line))


def absent(console: Console, snapshot: ClusterSnapshot) -> None:
    """Print what a dump lacks, or what we may not read."""
    if not snapshot.absent:
        return
    kinds = ", ".join(snapshot.absent)
    if not snapshot.partial:
        console.print(Text(f"To list {kinds} is forbidden; what needs them is unknown."))
        return
    console.print(Text(f"The dump holds no {kinds}; what needs them is unknown. Make it with: {DUMP}, or with:"))
    console.print(Text(DUMP_COMMAND), soft_wrap=True)


def counted(predictions: Sequence[Prediction]) -> str:
    """How many VMs have which outcome: "of 3 VMs 2 would move, 1 would stay down."."""
    if not predictions:
        return "no VM runs there."
    outcomes = Counter(prediction.outcome for prediction in predictions)
    words = {
        Outcome.MOVES: "would move",
        Outcome.STAYS: "would stay down",
        Outcome.UNAFFECTED: "would not be affected",
        Outcome.UNKNOWN: "unknown",
    }
    numbers = ", ".join(f"{outcomes[outcome]} {word}" for outcome, word in words.items() if outcomes[outcome])
    ifs = sum(bool(prediction.ifs) for prediction in predictions)
    numbers += f" ({ifs} of them only if the conditions named there are met)" if ifs else ""
    return f"of {len(predictions)} VM{'' if len(predictions) == 1 else 's'} {numbers}."


def _head(snapshot: ClusterSnapshot, node: str) -> str:
    outage = next(view.outage for view in snapshot.nodes if view.name == node)
    return f"Node {node} is lost since {format_time(outage.since)}:" if outage else f"If node {node} were lost now:"


def _row(prediction: Prediction, node: str, *, wide: bool, lost: bool) -> list[RenderableType]:
    volumes = [_volume(volume, prediction) for volume in prediction.volumes if volume.claim]
    why = lines([*_why(prediction, node, lost=lost), *([] if wide else volumes)])
    volume_column = [lines(volumes or [_no_claim(prediction)])] if wide else []
    outcome = Text(f"{prediction.outcome.value}{', if' if prediction.ifs else ''}", style=STYLE[prediction.outcome])
    return [Text(str(prediction.vm)), outcome, why, *volume_column, Text(seconds(prediction.takes))]


def _no_claim(prediction: Prediction) -> str:
    return "" if prediction.outcome is Outcome.UNKNOWN else "no claim"


def _why(prediction: Prediction, node: str, *, lost: bool) -> Iterator[str]:
    if prediction.moves:
        yield f"To {_node_names(prediction.targets)}; {_room(prediction)}."
        yield from (f"If {proviso}." for proviso in prediction.ifs)
        if prediction.proven:
            yield f"With proof: {prediction.proven[0].text}."
        if prediction.lost_disks:
            yield f"It comes up without {', '.join(prediction.lost_disks)}, which was plugged into the instance only."
    elif prediction.outcome is Outcome.STAYS:
        for reason, sentence in prediction.objections.items():
            yield f"{reason}: {sentence}"
            yield f"-> {change_of(prediction.vm, reason, prediction.volumes, lost=lost, node=node)}"
    else:
        yield prediction.sentence
    objections = " ".join(prediction.objections.values())
    yield from (request for request in prediction.unheeded if request not in objections)


def _room(prediction: Prediction) -> str:
    if not prediction.room:
        too_large = (
            f", and stay so: none of them has so much {', '.join(prediction.beyond)}, even empty"
            if prediction.beyond
            else ""
        )
        return f"room on none of them now: it would be Pending{too_large}"
    if not prediction.place:
        return "no room left after the VMs above: it would be Pending"
    return "room on each" if prediction.room == prediction.targets else f"room on {_node_names(prediction.room)}"


def _node_names(nodes: Sequence[str]) -> str:
    shown = len(nodes) if unfolded() else _SHOWN
    rest = len(nodes) - shown
    return ", ".join(nodes[:shown]) + (f" and {rest} more" if rest > 0 else "")


def _volume(volume: Volume, prediction: Prediction) -> str:
    modes = "+".join(_SHORT.get(mode, mode) for mode in volume.modes)
    description = ", ".join(filter(None, (f"claim {volume.claim}", volume.driver or volume.source, modes)))
    waits = volume.held and volume.exclusive and prediction.takes
    description += "; left behind" if volume.left else ""
    return f"{volume.name}: {description}{'; ' + _detach_time(prediction.takes) if waits and prediction.takes else ''}"


def _detach_time(takes: ExpectedTimes) -> str:
    least, most = takes.detach
    return f"detached by Kubernetes after {least:g} s" if least else f"VolumeAttachment deleted, 0-{most:g} s"


def seconds(takes: ExpectedTimes | None) -> str:
    """At least and at most."""
    if takes is None:
        return ""
    least, most = takes.total
    return f"{least:g} s" if least == most else f"{least:g}-{most:g} s"


def _notes(predictions: Sequence[Prediction]) -> Iterator[str]:
    if any(prediction.takes for prediction in predictions):
        yield (
            "Takes: from when the node turns Unknown, 41 to 54 s after it dies: the window or the eviction, whichever "
            "ends later, then the detach, then the start."
        )
    if any(prediction.proven for prediction in predictions):
        yield "With proof: from when the node dies, by the provider that is the soonest (docs/fencing.md)."
    without = [
        str(prediction.vm) for prediction in predictions if prediction.outcome is Outcome.MOVES and not prediction.place
    ]
    if without:
        yield f"Not all find room together: {', '.join(without)} would be Pending. Lack of room blocks nothing."
