"""The stream under the watcher, over real HTTP: whatever breaks, it goes on, and no change is lost."""

import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import pytest

from reactor.adapters.kubernetes.cluster import ALL, Page, Scope, Watchable
from reactor.model.errors import ClusterUnreachable, Expired
from reactor.model.lease import NODE_LEASES
from reactor.model.objects import JsonObject
from reactor.watch.leases import Leases, follow_leases
from reactor.watch.list_watch import LISTED, follow
from simulator.api.api import Api
from simulator.apiserver import ApiServer
from simulator.client import ApiError
from tests.contracts.clusters import an_api, over_http, put_node
from vmdrift.processes import wait_for

Told = tuple[str, list[str]]
DEADLINE = 60.0  # seconds


def name_of(obj: JsonObject) -> str:
    return str(obj["metadata"]["name"])


class EndedError(Exception):
    """Ends the follower's thread at its next pause."""


@contextmanager
def following(api: Api, folder: Path, silence: float = 30.0) -> Iterator[tuple[ApiServer, Callable[[], Told]]]:
    """Follows the Nodes in a thread; yields the server, and a call that returns what comes next."""
    told: queue.Queue[Told] = queue.Queue()
    end = threading.Event()

    def pause(seconds: float) -> None:
        if end.wait(min(seconds, 0.05)):
            raise EndedError

    def run(cluster: Watchable) -> None:
        with suppress(EndedError):
            for seen in follow(cluster, "nodes", name_of, silence, pause):
                told.put(seen)

    with ApiServer(api, bookmark_interval=1000) as server, over_http(server.url, folder) as cluster:
        thread = threading.Thread(target=run, args=(cluster,))
        thread.start()
        try:
            yield server, lambda: told.get(timeout=DEADLINE)
        finally:
            end.set()
            server.stop()  # ends the watch that the thread waits for
            thread.join(DEADLINE)


@pytest.fixture
def api() -> Api:
    return an_api()


def watches(api: Api) -> int:
    with api.lock:
        return sum(entry.verb == "watch" for entry in api.audit)


def test_first_comes_a_list_and_then_each_change(api: Api, tmp_path: Path) -> None:
    put_node(api, "a")
    with following(api, tmp_path) as (_, told):
        assert told() == (LISTED, ["a"])
        put_node(api, "b")
        assert told() == ("ADDED", ["b"])
        with api.lock:
            api.store.update("nodes", {**api.store.get("nodes", "b"), "spec": {"unschedulable": True}})
            api.store.delete("nodes", "a")
        assert [told(), told()] == [("MODIFIED", ["b"]), ("DELETED", ["a"])]


def test_a_server_that_was_away_is_gone_on_with_and_nothing_is_lost(api: Api, tmp_path: Path) -> None:
    with following(api, tmp_path) as (server, told):
        assert told() == (LISTED, [])
        server.stop()
        put_node(api, "meanwhile")
        server.start()
        assert told() == ("ADDED", ["meanwhile"])
        put_node(api, "after")
        assert told() == ("ADDED", ["after"])


def test_a_version_that_is_too_old_lists_again(api: Api, tmp_path: Path) -> None:
    with following(api, tmp_path) as (server, told):
        assert told() == (LISTED, [])
        server.stop()
        for number in range(110):
            put_node(api, f"n{number:03}")
        server.start()
        assert told() == (LISTED, [f"n{number:03}" for number in range(110)])
        put_node(api, "after")
        assert told() == ("ADDED", ["after"])


def test_silence_connects_again(api: Api, tmp_path: Path) -> None:
    with following(api, tmp_path, silence=0.1) as (_, told):
        assert told() == (LISTED, [])
        assert wait_for(lambda: watches(api) >= 3, DEADLINE)
        put_node(api, "after")
        assert told() == ("ADDED", ["after"])


@pytest.mark.parametrize("code", [401, 403, 429, 500])
def test_refusals_are_outlasted_too(api: Api, tmp_path: Path, code: int) -> None:
    put_node(api, "a")
    refusals = [ApiError(code, "Refused", "not now")] * 3
    api.faults.append(lambda _: refusals.pop() if refusals else None)
    with following(api, tmp_path) as (_, told):
        assert told() == (LISTED, ["a"])
    assert not refusals


def test_leases_are_followed_and_it_is_known_up_to_when_all_is_read(api: Api, tmp_path: Path) -> None:
    meta, leases, end, count = {"name": "a", "namespace": NODE_LEASES}, Leases(), threading.Event(), itertools.count(1)
    api.store.create("leases", {"metadata": meta})

    def pause(seconds: float) -> None:
        if end.wait(min(seconds, 0.05)):
            raise EndedError

    def run(cluster: Watchable) -> None:
        with suppress(EndedError):
            follow_leases(cluster, leases, pause=pause)

    def is_read() -> bool:
        with api.lock:
            renewed = f"1970-01-01T00:00:07.{next(count):06}Z"
            api.store.update("leases", {"metadata": meta, "spec": {"renewTime": renewed}})
        return leases.read_at is not None

    with ApiServer(api) as server, over_http(server.url, tmp_path) as cluster:
        thread = threading.Thread(target=run, args=(cluster,))
        thread.start()
        try:
            assert wait_for(is_read, DEADLINE)
            assert 7.0 < leases.renewals()["a"] < 8.0
        finally:
            end.set()
            server.stop()
            thread.join(DEADLINE)


class Script:
    """A cluster whose watches do what is written down, one after the other; the versions that they began at."""

    def __init__(self, *steps: Exception | list[tuple[str, JsonObject]]) -> None:
        self._steps = iter(steps)
        self.since: list[str] = []

    def scoped(self, *_: object) -> Iterator[Page]:
        yield Page([{"metadata": {"name": "a"}}], "10")
        yield Page([{"metadata": {"name": "b"}}], "10")

    def watch(
        self, _resource: str, version: str, _silence: float, _scope: Scope = ALL
    ) -> Iterator[tuple[str, JsonObject]]:
        self.since.append(version)
        step = next(self._steps, EndedError())
        if isinstance(step, Exception):
            raise step
        yield from step


def change(kind: str, version: int) -> tuple[str, JsonObject]:
    return kind, {"metadata": {"name": f"of-{version}", "resourceVersion": str(version)}}


def followed(script: Script) -> tuple[list[Told], list[float]]:
    """What is told, and how long it paused between tries."""
    told: list[Told] = []
    pauses: list[float] = []
    with suppress(EndedError):
        told.extend(islice(follow(script, "nodes", name_of, 1, pauses.append), 100))
    return told, pauses


def test_a_watch_goes_on_from_the_last_thing_it_heard_bookmarks_included() -> None:
    script = Script([change("ADDED", 11)], [change("MODIFIED", 12), change("BOOKMARK", 20)], ClusterUnreachable("x"))
    told, _ = followed(script)
    assert script.since == ["10", "11", "20", "20"]
    assert told == [(LISTED, ["a", "b"]), ("ADDED", ["of-11"]), ("MODIFIED", ["of-12"]), ("BOOKMARK", [])]


def test_an_expired_version_is_forgotten() -> None:
    script = Script([change("ADDED", 11)], Expired("too old"))
    followed(script)
    assert script.since == ["10", "11", "10"]


def test_the_pauses_grow_up_to_half_a_minute_and_begin_anew_once_something_is_heard() -> None:
    script = Script(*[ClusterUnreachable("away")] * 20, [change("ADDED", 11)], ClusterUnreachable("away"))
    _, pauses = followed(script)
    assert all(0.2 <= pause <= 30 for pause in pauses)
    assert all(pause <= 0.2 * 2 ** (tries + 1) for tries, pause in enumerate(pauses[:20]))
    assert max(pauses[8:20]) > 5
    assert pauses[20] <= 0.4


def test_a_night_without_an_api_server_is_no_end() -> None:
    told, pauses = followed(Script(*[ClusterUnreachable("away")] * 3000, [change("ADDED", 11)]))
    assert told[-1] == ("ADDED", ["of-11"])
    assert max(pauses) <= 30


def test_the_pauses_differ_so_that_watchers_do_not_come_back_all_at_once() -> None:
    runs = [followed(Script(*[ClusterUnreachable("away")] * 8))[1] for _ in range(2)]
    assert runs[0] != runs[1]
