"""What each stream showed last of each object, and since when nothing of it was missed. No input, no output."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reactor.model.times import Clock
from reactor.wake.rules import Meta
from reactor.wake.scopes import Watch
from reactor.watch.list_watch import BOOKMARK, LISTED

_Key = tuple[str, str]
_STARTS = 2.0  # seconds between two changes of a pod that comes up


@dataclass(frozen=True, slots=True)
class Change:
    """`before`: as the object was seen last, None if it is new; `gone`: there is none any more."""

    before: Meta | None
    meta: Meta
    gone: bool


class Streams:
    """`steady`: a clock that nobody sets, in seconds; only for how long a stream has been silent."""

    def __init__(self, steady: Clock) -> None:
        self._steady = steady
        self._seen: dict[Watch, dict[_Key, Meta]] = {}
        self._since: dict[Watch, float] = {}
        self._heard: dict[Watch, float] = {}
        self._ends: dict[str, int] = {}  # how far each pod's end has come (_end), by uid, in whichever stream
        self._touched: dict[str, float] = {}  # when each living pod was changed last, by uid
        self._ending: set[str] = set()  # instances whose launchers have begun to end

    def keep(self, wanted: frozenset[Watch]) -> None:
        """Forget all others."""
        self._seen = {watch: seen for watch, seen in self._seen.items() if watch in wanted}
        self._since = {watch: since for watch, since in self._since.items() if watch in wanted}
        self._heard = {watch: heard for watch, heard in self._heard.items() if watch in wanted}
        if not wanted:
            self._ends, self._touched, self._ending = {}, {}, set()

    def missed(self, now: float) -> None:
        """Something was lost on the way: nothing was missed only from now on."""
        self._since = dict.fromkeys(self._since, now)

    def listed(self, watch: Watch, now: float) -> None:
        """All of its objects have just been seen, and from now on each change is."""
        self._since[watch] = now

    def unbroken(self, watches: Iterable[Watch], silence: float) -> float | None:
        """Since when none of these has missed anything; None while one is silent for so long, or was not listed."""
        wanted, oldest = list(watches), self._steady() - silence
        if any(watch not in self._since or self._heard[watch] < oldest for watch in wanted):
            return None
        return max((self._since[watch] for watch in wanted), default=None)

    def is_ending(self, instance: str) -> bool:
        """Has a launcher of this instance begun to end?"""
        return instance in self._ending

    def changes(self, watch: Watch, kind: str, metas: list[Meta]) -> Iterator[Change]:
        """What is new in what the stream brings. Of a first list that is what has begun to end."""
        self._heard[watch] = self._steady()
        if kind == LISTED:
            yield from self._of_list(watch, metas)
        elif kind != BOOKMARK:
            yield from self._of_one(watch, metas[0], gone=kind == "DELETED")

    def _of_list(self, watch: Watch, metas: Iterable[Meta]) -> Iterator[Change]:
        """What changed while nobody listened is seen now."""
        now = {_key(meta): meta for meta in metas}
        before = dict(self._seen.get(watch, now))
        if watch in self._seen:
            for meta in now.values():
                yield from self._of_one(watch, meta, gone=False)
            for key in before.keys() - now.keys():
                yield from self._of_one(watch, before[key], gone=True)
        else:
            ending = [meta for meta in now.values() if meta.deleting and not self._is_old(None, meta, gone=False)]
            yield from (Change(None, meta, gone=False) for meta in ending)
        self._seen[watch] = now

    def _of_one(self, watch: Watch, meta: Meta, *, gone: bool) -> Iterator[Change]:
        seen = self._seen.setdefault(watch, {})
        before = seen.pop(_key(meta), None)
        if not gone:
            seen[_key(meta)] = meta
        if not self._is_old(before, meta, gone=gone):
            yield Change(before, meta, gone)

    def _is_old(self, before: Meta | None, meta: Meta, *, gone: bool) -> bool:
        """A list repeats what was seen, and the end of a launcher on the lost node comes in two streams."""
        if meta.resource == "pods" and (end := _end(meta, gone=gone)):
            repeated = self._ends.get(meta.uid, 0) >= end
            self._ends[meta.uid] = max(end, self._ends.get(meta.uid, 0))
            self._ending.add(meta.instance)
            return repeated
        if meta.resource == "pods":
            return self._is_starting(meta)
        return not gone and before is not None and before.version == meta.version

    def _is_starting(self, meta: Meta) -> bool:
        """A pod that comes up is written to again and again; one that could not be scheduled, after a while."""
        now, before = self._steady(), self._touched.get(meta.uid)
        self._touched[meta.uid] = now
        return before is None or now - before < _STARTS


def _end(meta: Meta, *, gone: bool) -> int:
    """0: it lives, 1: it is asked to end, 2: it is gone."""
    return 2 if gone else int(meta.deleting)


def _key(meta: Meta) -> _Key:
    return meta.namespace, meta.name
