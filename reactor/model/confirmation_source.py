"""Who confirmed that a boot of a node is off: whether they are trusted later depends on whether they were right."""

from dataclasses import dataclass

EVENT = "event"  # the provider that cannot be asked: it reports by itself


@dataclass(frozen=True, slots=True)
class Source:
    """A provider; for `event` also which sender, and whether that is a person, who may look again and know better.

    `person` is set by `vmdrift confirm-off` and by the page, never by what is posted: no sender can claim it.
    """

    provider: str
    sender: str = ""
    person: bool = False

    def __str__(self) -> str:
        return f"{self.provider}, by {self.sender}" if self.sender else self.provider
