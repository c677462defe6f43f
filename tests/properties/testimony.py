"""What watchers say of a silent node, each with its time by the one true clock, and whether they lie.

The promise: a fence before VMDRIFT_FENCE_AFTER takes two witnesses on two other Ready nodes, so one that lies is never
enough, and any answer that one of them had prevents it. Two that lie are outside of it: they are counted.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from reactor.model.witness import Answer, WitnessReport
from tests.properties.vms import WITNESSES
from tests.support.visible import Visible

_NEEDED = 2  # witnesses
_LATE = 20.0  # seconds from what a witness said to the stop that rests on it: a provider takes some
_BLUR = 10.0  # seconds that a worker may not have heard of a node that is not Ready any more


@dataclass
class Word:
    """Of one witness on one node: what it says, since when, and when it said so last. `lied` that time."""

    answered: bool
    silent: bool
    since: float
    at: float
    lied: bool


@dataclass
class Testimony:
    """`liars`: how each lies, by the Node that it runs on. `early`: stops on their word; `two_lied`: all of it lies."""

    visible: Visible
    struck: Counter[str]
    liars: dict[str, str] = field(default_factory=dict)
    two_lied: int = 0
    early: int = 0

    def __post_init__(self) -> None:
        self._words: dict[str, dict[str, Word]] = {}  # by the node's uid, and by witness
        self._silent: dict[str, dict[str, Word]] = {}  # the last ones that count as silence

    def begin(self, number: int) -> None:
        """In two of three worlds one of them lies from the beginning, in a way that depends on the number as well."""
        who, how = number % 3, sorted(LIES)[number // 3 % len(LIES)]
        self.liars.update({WITNESSES[who]: how} if who < len(WITNESSES) else {})

    def said(self, uid: str, report: WitnessReport) -> WitnessReport:
        """What this witness writes down of what it has heard."""
        how = self.liars.get(report.witness, "")
        told = LIES[how](report) if how else report
        self.struck[f"a witness: {how}" if how else "a witness"] += 1
        now, words = self.visible.world.now, self._words.setdefault(uid, {})
        word = Word(told.answered, told.counts_as_silence, now, now, lied=bool(how))
        before = words.get(report.witness)
        if before and (before.answered, before.silent) == (word.answered, word.silent):
            word.since = before.since
        words[report.witness] = word
        if word.silent:
            self._silent.setdefault(uid, {})[report.witness] = word
        return told

    def objections(self, name: str) -> Iterator[str]:
        """Why a node that was silent for less than VMDRIFT_FENCE_AFTER was not to be stopped now."""
        now, node = self.visible.world.now, self.visible.nodes[name]
        self.early += 1
        for witness, word in self._words.get(node.uid, {}).items():
            if word.answered and word.at > now - _LATE and word.since < now - _LATE:
                yield f"it answered the witness on {witness} {now - word.at:.0f} s ago"
        silent = self._silent.get(node.uid, {})
        heard = {one: word for one, word in silent.items() if word.at > now - _LATE and self._counts(one, name)}
        if len(heard) < _NEEDED:
            yield f"only {sorted(heard) or 'nobody'} heard nothing of it"
        self.two_lied += len(heard) >= _NEEDED and all(word.lied for word in heard.values())

    def _counts(self, witness: str, lost: str) -> bool:
        """Is it on another node that is Ready, or was a moment ago?"""
        node = self.visible.nodes.get(witness)
        recently = node is not None and (node.ready == "True" or node.ready_at > self.visible.world.now - _BLUR)
        return recently and witness != lost


def _no_route(report: WitnessReport) -> WitnessReport:
    """Silent, where it answered before, while others answer."""
    silent = dict.fromkeys(report.answers, Answer.SILENT)
    return replace(report, answers=silent, drilled=frozenset(report.answers), control="node-c")


def _life(report: WitnessReport) -> WitnessReport:
    return replace(report, answers=dict.fromkeys(report.answers, Answer.ACCEPTED))


def _clock(seconds: float) -> Callable[[WitnessReport], WitnessReport]:
    """Of another time than that which all share."""
    return lambda report: replace(report, at=report.at + seconds)


LIES: dict[str, Callable[[WitnessReport], WitnessReport]] = {
    "no route": _no_route,
    "life": _life,
    "clock ahead": _clock(7.0),
    "clock far ahead": _clock(3600.0),
    "clock behind": _clock(-3.0),
}
