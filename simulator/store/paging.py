"""Lists in pages, all of one list cut from the same snapshot."""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from simulator.client import Obj
from simulator.store import errors
from simulator.store.resources import Resource

# A real API server forgets old revisions after five minutes (etcd compaction, --etcd-compaction-interval).
_KEPT_SECONDS = 300.0
_KEPT_SNAPSHOTS = 100


@dataclass(frozen=True)
class Listing:
    """Objects of one moment; `token` leads to the next page and is "" on the last one."""

    items: list[Obj]
    version: int
    token: str = ""


@dataclass(frozen=True)
class _Snapshot:
    taken: float
    listing: Listing


class Pages:
    """Remembers the lists that are being read in pages; objects are shared, so a snapshot costs one pointer each."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._snapshots: OrderedDict[int, _Snapshot] = OrderedDict()
        self._count = 0

    def first(self, whole: Listing, limit: int) -> Listing:
        """The first `limit` objects of a list; all of it when `limit` is 0 or enough."""
        if not limit or len(whole.items) <= limit:
            return whole
        self._count += 1
        self._snapshots[self._count] = _Snapshot(self._clock(), whole)
        if len(self._snapshots) > _KEPT_SNAPSHOTS:
            self._snapshots.popitem(last=False)
        return self._page(self._count, 0, limit)

    def following(self, token: str, limit: int) -> Listing:
        """The page that a token leads to.

        Raises:
            ApiError: 400 for a malformed token, 410 Expired for one whose snapshot is gone.
        """
        number, start = _decoded(token)
        snapshot = self._snapshots.get(number)
        if snapshot is None or self._clock() - snapshot.taken > _KEPT_SECONDS:
            self._snapshots.pop(number, None)
            raise errors.expired("The provided continue parameter is too old to display a consistent list result.")
        return self._page(number, start, limit)

    def _page(self, number: int, start: int, limit: int) -> Listing:
        whole = self._snapshots[number].listing
        end = start + limit if limit else len(whole.items)
        token = _encoded(number, end) if end < len(whole.items) else ""
        return Listing(whole.items[start:end], whole.version, token)


def _encoded(number: int, start: int) -> str:
    return base64.urlsafe_b64encode(f"{number}:{start}".encode()).decode()


def _decoded(token: str) -> tuple[int, int]:
    try:
        number, start = base64.urlsafe_b64decode(token).decode().split(":")
        return int(number), int(start)
    except (binascii.Error, ValueError) as error:
        raise errors.bad_request(f"continue key is not valid: {token}") from error


def as_object(kind: Resource, page: Listing) -> Obj:
    """A page as a list object; items of built-in kinds bear no `kind` and `apiVersion`, as the real server does."""
    items = page.items if kind.custom else [_untyped(obj) for obj in page.items]
    meta = {"resourceVersion": str(page.version)}
    if page.token:
        meta["continue"] = page.token
    return {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": meta, "items": items}


def _untyped(obj: Obj) -> Obj:
    return {name: value for name, value in obj.items() if name not in {"kind", "apiVersion"}}
