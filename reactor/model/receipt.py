"""The receipt of an accepted event, with its result once it was processed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Self

from reactor.model.checked_json import checked
from reactor.model.errors import BadInput
from reactor.model.event import NODE_FENCED, Event


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of processing an event. `outage` is its id, `drifts` the ids of its drifts, as far as known.

    `outcome`: `taken` (something is done because of it, or was being done already), `nothing` (there is nothing to do).
    """

    outcome: str
    reason: str
    sentence: str
    outage: str = ""
    drifts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """An event that was accepted; `at` in seconds since the epoch; `result` is None until a worker has processed it.

    `data`: the part of the event's data that counts; only a proof has any. `person`: a person sent it, by the CLI or
    the page, and no other system.
    """

    source: str
    event: str
    type: str
    subject: str
    sender: str
    at: float
    result: Result | None = field(default=None)
    data: Mapping[str, Any] = field(default_factory=dict)
    person: bool = False

    @property
    def id(self) -> str:
        """The same for the same `source` and `id`, by which CloudEvents tells one event from another.

        A person's confirmation that a node is off is stored where the receiver, which faces the network, may not write
        (k8s/base/users.rules): for it alone no sender's right is checked.
        """
        digest = sha256(f"{self.source}\0{self.event}".encode()).hexdigest()[:32]
        return f"person-{digest}" if self.person and self.type == NODE_FENCED else digest

    @classmethod
    def for_event(cls, event: Event, sender: str, now: float, *, person: bool = False) -> Self:
        """A new one, without a result."""
        data = event.data if event.type == NODE_FENCED else {}
        return cls(event.source, event.id, event.type, event.subject, sender, now, data=data, person=person)

    @property
    def hint(self) -> Event:
        """The event as far as it counts: what else it carried is ignored."""
        return Event(self.type, self.source, self.event, self.subject, self.at, self.data)

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """From JSON; BadInput for another shape."""
        try:
            result = data.get("result")
            parsed = Result(**{**result, "drifts": tuple(result["drifts"])}) if result else None
            return checked(cls(**{**data, "result": parsed}), "receipt")
        except (AttributeError, KeyError, TypeError) as error:
            raise BadInput(f"receipt: {error}") from error
