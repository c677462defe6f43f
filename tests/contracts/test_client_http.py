"""What only a client with a wire in between has to master: cuts, gaps, listeners, and in whose name it speaks."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from threading import enumerate as threads

import pytest

from simulator.apiserver import ApiServer
from simulator.client import ApiError, Informer
from simulator.http.client import HttpClient
from tests.contracts.clusters import an_api, over_http, put_node
from vmdrift.processes import wait_for

EXTRA = "Impersonate-Extra-authentication.kubernetes.io%2Fnode-name"
SOON = 60.0  # seconds; a deadline, not an expectation


def _told(informer: Informer, number: int) -> list[tuple[str, str]]:
    """What the informer tells until it has told so many changes: (type, name)."""
    changes: list[tuple[str, str]] = []

    def enough() -> bool:
        changes.extend((kind, obj["metadata"]["name"]) for kind, obj in informer.poll())
        return len(changes) >= number

    assert wait_for(enough, SOON), changes
    return changes


@contextmanager
def _client(server: ApiServer, folder: Path) -> Iterator[HttpClient]:
    with over_http(server.url, folder) as door, closing(HttpClient(door.api)) as client:
        yield client


def test_an_informer_goes_on_where_it_was_when_the_api_server_is_back(tmp_path: Path) -> None:
    api = an_api()
    put_node(api, "node-a")
    server = ApiServer(api)
    server.start()
    with _client(server, tmp_path) as client:
        informer = client.informer("nodes")
        assert [kind for kind, _ in informer.poll()] == ["ADDED"]
        server.stop()
        put_node(api, "node-b")
        with api.lock:
            api.store.delete("nodes", "node-a")
        assert informer.poll() == []
        server.start()
        assert sorted(_told(informer, 2)) == [("ADDED", "node-b"), ("DELETED", "node-a")]
        server.stop()


def test_what_was_created_anew_while_nobody_listened_is_another_object(tmp_path: Path) -> None:
    api = an_api(ring=2)
    put_node(api, "node-a")
    with ApiServer(api) as server, _client(server, tmp_path) as client:
        informer = client.informer("nodes")
        assert len(informer.poll()) == 1
        server.stop()
        with api.lock:
            api.store.delete("nodes", "node-a")
        put_node(api, "node-b")
        put_node(api, "node-a")
        server.start()
        assert _told(informer, 3) == [("DELETED", "node-a"), ("ADDED", "node-a"), ("ADDED", "node-b")]


def test_an_informer_whose_version_is_too_old_lists_anew_and_tells_the_difference_only(tmp_path: Path) -> None:
    api = an_api(ring=2)
    for name in "abcd":
        put_node(api, f"node-{name}")
    with ApiServer(api) as server, _client(server, tmp_path) as client:
        informer = client.informer("nodes")
        assert len(informer.poll()) == 4
        server.stop()
        for name in "efgh":
            put_node(api, f"node-{name}")
        server.start()
        assert _told(informer, 4) == [("ADDED", f"node-{name}") for name in "efgh"]


def test_an_informer_that_has_never_heard_anything_does_not_say_that_there_is_nothing(tmp_path: Path) -> None:
    server = ApiServer(an_api())
    server.start()
    server.stop()
    with (
        over_http(server.url, tmp_path) as door,
        closing(HttpClient(door.api, timeout=0.1)) as client,
        pytest.raises(ApiError) as caught,
    ):
        client.informer("nodes").poll()
    assert caught.value.code == 503


def test_listeners_are_told_what_changed_even_when_they_came_later(tmp_path: Path) -> None:
    api, heard = an_api(), list[str]()
    with ApiServer(api) as server, over_http(server.url, tmp_path) as door:
        client = HttpClient(door.api, listeners=(listeners := []))
        client.informer("nodes").poll()
        listeners.append(heard.append)
        put_node(api, "node-a")
        assert wait_for(lambda: heard == ["nodes"], SOON)
        client.close()


def test_a_closed_client_leaves_no_thread(tmp_path: Path) -> None:
    with ApiServer(an_api()) as server, _client(server, tmp_path) as client:
        client.informer("nodes").poll()
        client.informer("pods").poll()
        client.close()
        assert not [thread for thread in threads() if thread.name.startswith("watch-")]


def test_an_impersonating_client_says_whom_of_which_groups_and_on_which_node(tmp_path: Path) -> None:
    asked: list[dict[str, list[str]]] = []

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            names = ("Impersonate-User", "Impersonate-Group", EXTRA)
            asked.append({name: self.headers.get_all(name, []) for name in names})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"metadata": {}}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Mirror) as mirror:
        thread = Thread(target=mirror.handle_request)
        thread.start()
        with over_http(f"http://127.0.0.1:{mirror.server_port}", tmp_path) as door:
            client = HttpClient(door.api, "somebody", groups=("system:nodes", "system:masters"), node="node-a")
            client.get("nodes", "node-a")
        thread.join()
    groups = ["system:nodes", "system:masters"]
    assert asked == [{"Impersonate-User": ["somebody"], "Impersonate-Group": groups, EXTRA: ["node-a"]}]


def test_bookmarks_are_no_news(tmp_path: Path) -> None:
    api = an_api()
    with ApiServer(api, bookmark_interval=0.02) as server, _client(server, tmp_path) as client:
        informer = client.informer("nodes")
        assert not wait_for(lambda: informer.poll() != [], 0.3)
        put_node(api, "node-a")
        assert _told(informer, 1) == [("ADDED", "node-a")]
