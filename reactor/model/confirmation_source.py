"""Who confirmed that a boot of a node is off: what is believed of it later depends on whether it was right."""

from dataclasses import dataclass

EVENT = "event"  # the provider of which nobody can be asked: somebody comes and says so


@dataclass(frozen=True, slots=True)
class Source:
    """A provider; of `event` also which sender, and whether that is a person, who may look again and know better.

    `person` is set by `vmdrift confirm-off` and by the page, never by what is posted: no sender can claim it.
    """

    provider: str
    sender: str = ""
    person: bool = False

    def __str__(self) -> str:
        return f"{self.provider}, by {self.sender}" if self.sender else self.provider
