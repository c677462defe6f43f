"""What the attach-detach controller believes to be attached, and what of it differs from what is wanted.

A cluster has thousands of attachments, and nearly none changes from one step to the next: only places where one of the
two sides has changed are compared.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.actors.wanted import Place, Wanted


@dataclass
class Attachment:
    """One of the controller's own. `unwanted`: since when, in seconds since the epoch."""

    name: str
    attached: bool = False
    unwanted: float | None = None
    detaching: bool = False


class Believed:
    """By place. `leaving`: believed and not wanted; `missing`: wanted and not believed; both as of `compare`."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._at: dict[Place, Attachment] = {}
        self._of: defaultdict[str, dict[Place, Attachment]] = defaultdict(dict)
        self._changed: set[Place] = set()
        self.leaving: set[Place] = set()
        self.missing: set[Place] = set()

    def __bool__(self) -> bool:
        return bool(self._at)

    def __getitem__(self, place: Place) -> Attachment:
        return self._at[place]

    def get(self, place: Place) -> Attachment | None:
        """What is believed of a place, None for nothing."""
        return self._at.get(place)

    def of(self, volume: str) -> list[Attachment]:
        """All of one PersistentVolume's."""
        return list(self._of[volume].values())

    def items(self) -> Iterator[tuple[Place, Attachment]]:
        """All of them."""
        yield from self._at.items()

    def put(self, place: Place, name: str) -> Attachment:
        """From now on a VolumeAttachment of this name is believed to be there."""
        self._at[place] = self._of[place[0]][place] = Attachment(name)
        self._changed.add(place)
        return self._at[place]

    def forget(self, place: Place) -> None:
        """Nothing is believed of it any more."""
        del self._at[place], self._of[place[0]][place]
        self._changed.add(place)

    def compare(self) -> None:
        """With what is wanted now: what is wanted again is to stay."""
        changed = self._changed | self._wanted.changed
        self._changed, self._wanted.changed = set(), set()
        for place in changed:
            attachment, wanted = self._at.get(place), place in self._wanted.places
            (self.missing.add if wanted and not attachment else self.missing.discard)(place)
            (self.leaving.add if attachment and not wanted else self.leaving.discard)(place)
            if attachment and wanted:
                attachment.unwanted = None
