"""The Leases that a watcher holds: the last renewal of each node, and up to when all has been read."""

from collections.abc import Iterator

import pytest

from reactor.adapters.kubernetes.cluster import ALL, Page, Scope
from reactor.model.errors import ClusterError, ClusterUnreachable
from reactor.model.lease import NODE_LEASES
from reactor.model.objects import JsonObject
from reactor.watch.leases import Leases, follow_leases
from reactor.watch.list_watch import BOOKMARK, LISTED


class _EndedError(Exception):
    """Ends what would go on for ever."""


def lease(name: str, second: int, version: int = 1) -> JsonObject:
    meta = {"name": name, "resourceVersion": str(version)}
    return {"metadata": meta, "spec": {"renewTime": f"1970-01-01T00:00:{second:02}.500000Z"}}


class _Stream:
    """A cluster with a list and one watch; `clock` shows a time of ours, which goes on as long as we rest."""

    def __init__(self, *events: tuple[str, JsonObject] | ClusterError, each: float = 0.0) -> None:
        self._events, self._each = iter(events), each
        self.now = 100.0
        self.rests: list[float] = []

    def clock(self) -> float:
        return self.now

    def scoped(self, resource: str, scope: Scope, limit: int) -> Iterator[Page]:
        assert (resource, scope, limit) == ("leases", Scope(NODE_LEASES), 250)
        yield Page([lease("a", 1), lease("b", 2)], "1")

    def watch(
        self, resource: str, version: str, silence: float, scope: Scope = ALL
    ) -> Iterator[tuple[str, JsonObject]]:
        assert (resource, silence, scope) == ("leases", 150.0, Scope(NODE_LEASES))
        assert version in {"1", "9"}
        for event in self._events:
            self.now += self._each
            if isinstance(event, ClusterError):
                raise event
            yield event
        raise _EndedError

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds


def followed(stream: _Stream) -> Leases:
    leases = Leases()
    with pytest.raises(_EndedError):
        follow_leases(stream, leases, stream.clock, stream.rest)
    return leases


MARK: tuple[str, JsonObject] = (BOOKMARK, {"metadata": {"resourceVersion": "9"}})


def test_of_each_node_the_last_renewal_is_kept() -> None:
    events = [("MODIFIED", lease("a", 11)), ("ADDED", lease("c", 3)), ("DELETED", lease("b", 2))]
    assert followed(_Stream(*events)).renewals() == {"a": 11.5, "c": 3.5}


def test_a_new_list_replaces_all() -> None:
    leases = Leases()
    leases.take(LISTED, [("a", 1.0), ("b", 2.0)], 0.0)
    leases.take(LISTED, [("b", 3.0)], 0.0)
    assert leases.renewals() == {"b": 3.0}


def test_what_was_handed_out_does_not_change_any_more() -> None:
    leases = Leases()
    leases.take(LISTED, [("a", 1.0)], 0.0)
    before = leases.renewals()
    leases.take("MODIFIED", [("a", 2.0)], 0.0)
    assert before == {"a": 1.0}


def test_only_when_all_that_had_arrived_is_read_it_is_known_up_to_when() -> None:
    assert followed(_Stream(("MODIFIED", lease("a", 11)))).read_at is None
    assert followed(_Stream(("MODIFIED", lease("a", 11)), MARK, ("MODIFIED", lease("a", 12)))).read_at == 100.0


def test_it_rests_a_quarter_of_a_second_whenever_all_is_read_but_not_between_parts_of_one_burst() -> None:
    quick = _Stream(*[MARK] * 9, each=0.001)
    followed(quick)
    assert quick.rests == [0.25]
    slow = _Stream(*[MARK] * 9, each=0.02)
    followed(slow)
    assert slow.rests == [0.25] * 9


def test_it_never_rests_while_something_waits_to_be_read() -> None:
    stream = _Stream(*[("MODIFIED", lease("a", 11))] * 9, each=1.0)
    followed(stream)
    assert stream.rests == []


def test_a_watch_that_breaks_begins_all_silence_again_though_nothing_was_missed() -> None:
    away = ClusterUnreachable("no answer")
    stream = _Stream(("MODIFIED", lease("a", 11, 9)), away, ("MODIFIED", lease("b", 12, 9)), each=10.0)
    (first, second) = followed(stream).seen().values()
    assert (first.renewed, first.changed, second.renewed) == (11.5, 120.0, 12.5)
    assert second.changed > 130.0  # after the pause
    whole = followed(_Stream(("MODIFIED", lease("a", 11, 9)), ("MODIFIED", lease("b", 12, 9)), each=10.0))
    assert [one.changed for one in whole.seen().values()] == [110.0, 120.0]
