"""`reactor.adapters.redis.outbox.Outbox` in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from reactor.adapters.redis.outbox import Delivery, numbered
from reactor.adapters.redis.store import Store


class MemoryOutbox:
    """The Outbox of another twin's stream. `keep` in seconds: how long dead letters are."""

    def __init__(self, store: Store, keep: float) -> None:
        self._store, self._keep, self._posted = store, keep, "0"
        self._leaving: dict[str, tuple[float, Delivery]] = {}
        self._dead: dict[str, Delivery] = {}
        self._told: Counter[tuple[str, str]] = Counter()

    def post(self, now: float) -> list[str]:
        fresh = self._store.events(self._posted)[:100]
        for entry, event in fresh:
            self._leaving[entry] = (now, Delivery(entry, numbered(entry, event), now))
            self._posted = entry
        return [entry for entry, _ in fresh]

    def letter(self, letter_id: str) -> Delivery | None:
        return self._leaving[letter_id][1] if letter_id in self._leaving else None

    def later(self, letter_id: str, due: float) -> None:
        if letter := self.letter(letter_id):
            self._leaving[letter_id] = (due, letter)

    def delivered(self, letter: Delivery) -> None:
        self._ended(letter, "delivered")

    def bury(self, letter: Delivery, why: str, now: float) -> None:
        self._dead[letter.id] = replace(letter, why=why, died_at=now)
        self._ended(letter, "dead")

    def _ended(self, letter: Delivery, result: str) -> None:
        self._leaving.pop(letter.id, None)
        self._told[str(letter.event.get("type")), result] += 1

    def dead(self, now: float) -> list[Delivery]:
        kept = [letter for letter in self._dead.values() if (letter.died_at or 0) > now - self._keep]
        return sorted(kept, key=lambda letter: letter.died_at or 0)

    def revive(self, letter_ids: Sequence[str], now: float) -> list[str]:
        wanted = [letter for letter in self.dead(now) if letter.id in letter_ids]
        for letter in wanted:
            del self._dead[letter.id]
            self._leaving[letter.id] = (now, Delivery(letter.id, letter.event, now))
        return [letter.id for letter in wanted]

    def overdue(self, before: float) -> list[str]:
        return [letter_id for letter_id, (due, _) in self._leaving.items() if due < before][:100]

    def counts(self) -> dict[tuple[str, str], int]:
        return dict(self._told)
