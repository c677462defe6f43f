"""`reactor.adapters.redis.deeds.Deeds` in memory."""

from collections.abc import Sequence

from reactor.adapters.redis.deeds import MOST, MOST_OF_AN_OUTAGE
from reactor.model.deed import Deed


class MemoryDeeds:
    """They last for ever."""

    def __init__(self) -> None:
        self.written: list[Deed] = []
        self._told = 0

    def note(self, deed: Deed) -> None:
        self.written.append(deed)

    def of(self, outages: Sequence[str]) -> dict[str, list[Deed]]:
        return {i: _once([deed for deed in self.written if i in deed.outages][-MOST_OF_AN_OUTAGE:]) for i in outages}

    def elsewhere(self) -> list[Deed]:
        return _once([deed for deed in self.written[-MOST:] if not deed.outages])

    def untold(self, most: int) -> list[tuple[str, Deed | None]]:
        numbered = list(enumerate(self.written, 1))[-MOST:]
        untold: list[tuple[str, Deed | None]] = [(str(n), deed) for n, deed in numbered if n > self._told]
        return untold[:most]

    def told(self, deed_id: str) -> None:
        self._told = int(deed_id)


def _once(deeds: Sequence[Deed]) -> list[Deed]:
    return list(dict.fromkeys(deeds))
