"""VMs of an outage that say the same, in one group; those that need somebody first. And which VMs are wanted. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reactor.model.advice import for_several
from reactor.model.drift import Phase, Record
from reactor.model.outlook import Outlook, advice, needs_somebody, outlook, why
from reactor.model.reason import REASONS

_OUTLOOKS = tuple(Outlook)
# First what needs a person, then what is in progress, then what is over.
PHASES = (
    Phase.FAILED,
    Phase.BLOCKED,
    Phase.REFUSED,
    Phase.WAITING,
    Phase.RELEASED,
    Phase.DETACHING,
    Phase.STARTING,
    Phase.CANCELLED,
    Phase.COMPLETED,
)
_NAMED = 3  # VMs that a group names in its line


@dataclass(frozen=True, slots=True)
class Group:
    """`records` by VM; all of one phase, reason and outlook."""

    records: tuple[Record, ...]

    @property
    def first(self) -> Record:
        """What is the same of all stands in each."""
        return self.records[0]

    @property
    def key(self) -> str:
        """The same at the next look."""
        return f"{self.first.drift.outage.id}-{self.reason}-{outlook(self.first)}"

    @property
    def reason(self) -> str:
        """Its code."""
        return why(self.first)[0]

    @property
    def same_words(self) -> bool:
        """Do all say the very same sentence?"""
        return len({why(record)[1] for record in self.records}) == 1

    @property
    def sentence(self) -> str:
        """What all say; where each says it with names of its own, what the reason means."""
        reason = REASONS.get(self.reason)
        return why(self.first)[1] if self.same_words or reason is None else reason.meaning

    @property
    def urgent(self) -> bool:
        """Somebody can do something about it."""
        return needs_somebody(self.first)

    @property
    def todo(self) -> str:
        """What, or "" where nothing; where a command names the first VM only, that is said."""
        found, reason = advice(self.first), REASONS.get(self.reason)
        return for_several(reason.operator, found) if found and reason and len(self.records) > 1 else found

    @property
    def names(self) -> str:
        """Of its VMs, as many as fit into a line."""
        shown = [str(record.drift.vm) for record in self.records[:_NAMED]]
        more = len(self.records) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which VMs somebody wants to see: those that have `name` in theirs, of this namespace, phase and node; "": any."""

    name: str = ""
    namespace: str = ""
    phase: str = ""
    node: str = ""

    @property
    def anything(self) -> bool:
        """Is anything left out?"""
        return bool(self.name or self.namespace or self.phase or self.node)

    def takes(self, record: Record) -> bool:
        """Is this VM wanted?"""
        vm = record.drift.vm
        return (
            self.name.lower() in str(vm).lower()
            and self.namespace in {"", vm.namespace}
            and self.phase in {"", record.phase.value}
            and self.node in {"", record.drift.outage.node.name}
        )


def groups(records: Iterable[Record]) -> tuple[Group, ...]:
    """By what they say."""
    by_words: dict[tuple[str, str, str], list[Record]] = {}
    for record in sorted(records, key=lambda one: str(one.drift.vm)):
        by_words.setdefault((record.phase, why(record)[0], outlook(record)), []).append(record)
    return tuple(sorted((Group(tuple(found)) for found in by_words.values()), key=_rank))


def _rank(group: Group) -> tuple[bool, int, int, str]:
    record = group.first
    return not group.urgent, _OUTLOOKS.index(outlook(record)), PHASES.index(record.phase), record.reason


def namespaces(records: Sequence[Record]) -> list[str]:
    """Of all VMs, to choose from."""
    return sorted({record.drift.vm.namespace for record in records})
