"""What can go wrong only on the way: connections, time-outs, broken streams; and what never gets into a message."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from reactor.adapters.kubernetes.cluster import STREAMED, KubernetesCluster, Page, connect
from reactor.model import errors
from simulator.apiserver import ApiServer, kubeconfig
from simulator.client import ApiError, Obj
from tests.contracts.clusters import TIMEOUT, TOKEN, an_api, answering, over_http, put_node

Call = Callable[[KubernetesCluster], None]
_Error = TypeVar("_Error", bound=errors.ClusterError)
_ENDS = "k8s.io/initial-events-end"
NODE: Obj = {"kind": "Node", "metadata": {"name": "node-a", "resourceVersion": "7"}}


def find(cluster: KubernetesCluster) -> None:
    cluster.find("nodes", "node-a")


def listed(cluster: KubernetesCluster) -> None:
    list(cluster.pages("nodes"))


def watched(cluster: KubernetesCluster) -> None:
    list(cluster.watch("nodes", "1", silence=1))  # the server has so long to begin


def delete(cluster: KubernetesCluster) -> None:
    cluster.delete("nodes", "node-a", uid="uid")


CALLS = pytest.mark.parametrize("call", [find, listed, watched, delete])


def http(code: int, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {code} Said", f"Content-Length: {len(body)}", "Connection: close", *headers])
    return head.encode() + b"\r\n\r\n" + body


def stream(*pieces: bytes, whole: bool = True) -> bytes:
    """A watch's answer; unless `whole`, it breaks off without an end."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + (b"0\r\n\r\n" if whole else b"")


def line(kind: str, obj: Obj) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def raised(kind: type[_Error], url: str, folder: Path, call: Call, timeout: float = TIMEOUT) -> _Error:
    """The error of that kind, in which there is nothing of the request's headers."""
    with over_http(url, folder, timeout=timeout) as cluster, pytest.raises(kind) as caught:
        call(cluster)
    assert "Bearer" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return caught.value


def unreachable(url: str, folder: Path, call: Call, timeout: float = TIMEOUT) -> str:
    """What the error says."""
    return str(raised(errors.ClusterUnreachable, url, folder, call, timeout))


@CALLS
def test_a_refused_connection_is_said_to_be_one(tmp_path: Path, call: Call) -> None:
    with answering(b"") as url, over_http(url, tmp_path) as cluster, pytest.raises(errors.ClusterUnreachable):
        cluster.find("nodes", "node-a")
    assert "refused" in unreachable(url, tmp_path, call)


@CALLS
def test_an_answer_that_does_not_come_ends_in_time(tmp_path: Path, call: Call) -> None:
    with answering(b"", hold=True) as url:
        assert "timed out" in unreachable(url, tmp_path, call, timeout=0.2)


@CALLS
def test_a_connection_that_breaks_off_means_that_nothing_is_known(tmp_path: Path, call: Call) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{") as url:
        unreachable(url, tmp_path, call)


@CALLS
def test_an_answer_that_is_no_json_means_that_nothing_is_known(tmp_path: Path, call: Call) -> None:
    with answering(http(200, b"<html>a proxy's page</html>\n")) as url:
        unreachable(url, tmp_path, call)


@pytest.mark.parametrize("body", [b"null\n", b"[]\n", b"5\n", b'"x"\n', b"{}\n"])
@CALLS
def test_json_that_is_no_kubernetes_object_means_that_nothing_is_known(tmp_path: Path, call: Call, body: bytes) -> None:
    with answering(http(200, body)) as url:
        unreachable(url, tmp_path, call)


@CALLS
def test_an_unknown_or_expired_token_is_unauthorized(tmp_path: Path, call: Call) -> None:
    api = an_api()
    api.tokens = {"another-token": "somebody"}
    with ApiServer(api) as server:
        raised(errors.Unauthorized, server.url, tmp_path, call)


@pytest.mark.parametrize("code", [429, 500, 503])
@CALLS
def test_the_servers_wish_when_to_come_again_is_kept(tmp_path: Path, call: Call, code: int) -> None:
    with answering(http(code, b"{}", "Retry-After: 17")) as url:
        assert raised(errors.ClusterUnreachable, url, tmp_path, call).retry_after == 17


def test_a_wish_for_a_moment_is_counted_by_the_clock_of_who_says_it(tmp_path: Path) -> None:
    dates = ("Date: Wed, 21 Oct 2026 07:27:30 GMT", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT")
    with answering(http(503, b"busy", *dates)) as url:
        assert raised(errors.ClusterUnreachable, url, tmp_path, find).retry_after == 30


@pytest.mark.parametrize("headers", [(), ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT",), ("Retry-After: -1",)])
def test_without_a_wish_in_seconds_there_is_none(tmp_path: Path, headers: tuple[str, ...]) -> None:
    with answering(http(503, b"busy", *headers)) as url:
        assert raised(errors.ClusterUnreachable, url, tmp_path, find).retry_after is None


@pytest.mark.parametrize("body", [b"404 page not found\n", b"{}", b"[]", b"null"])
def test_a_404_that_names_no_object_means_that_the_kind_is_not_served(tmp_path: Path, body: bytes) -> None:
    with answering(http(404, body)) as url, over_http(url, tmp_path) as cluster, pytest.raises(errors.NotServed):
        find(cluster)


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with answering(http(302, b"", "Location: http://127.0.0.1:1/")) as url:
        assert "302" in str(raised(errors.Rejected, url, tmp_path, find))


@pytest.mark.parametrize("whole", [True, False])
def test_a_watch_cut_in_the_middle_of_a_line_tells_the_whole_lines_first(tmp_path: Path, whole: bool) -> None:
    told = line("ADDED", NODE)
    with answering(stream(told, told[:20], whole=whole)) as url, over_http(url, tmp_path) as cluster:
        watch = cluster.watch("nodes", "1", silence=TIMEOUT)
        assert next(watch) == ("ADDED", NODE)
        with pytest.raises(errors.ClusterUnreachable):
            next(watch)


def test_a_line_may_come_in_pieces_and_pieces_may_hold_several_lines(tmp_path: Path) -> None:
    told = line("ADDED", NODE) + line("MODIFIED", NODE)
    with answering(stream(told[:10], told[10:])) as url, over_http(url, tmp_path) as cluster:
        assert list(cluster.watch("nodes", "1", silence=TIMEOUT)) == [("ADDED", NODE), ("MODIFIED", NODE)]


def test_a_watch_that_the_server_ends_just_ends(tmp_path: Path) -> None:
    with answering(stream(line("ADDED", NODE))) as url, over_http(url, tmp_path) as cluster:
        assert list(cluster.watch("nodes", "1", silence=TIMEOUT)) == [("ADDED", NODE)]


def test_silence_ends_a_watch(tmp_path: Path) -> None:
    with answering(stream(line("ADDED", NODE), whole=False), hold=True) as url, over_http(url, tmp_path) as cluster:
        watch = cluster.watch("nodes", "1", silence=1)  # the server has so long to begin
        assert next(watch) == ("ADDED", NODE)
        with pytest.raises(errors.ClusterUnreachable, match="timed out"):
            next(watch)


@pytest.mark.parametrize(("code", "kind"), [(410, errors.Expired), (500, errors.ClusterUnreachable)])
def test_an_error_within_a_watch_is_told_as_what_it_is(
    tmp_path: Path, code: int, kind: type[errors.ClusterError]
) -> None:
    status = {"kind": "Status", "code": code, "message": "too old resource version"}
    with answering(stream(line("ERROR", status))) as url:
        assert "the watch ended: too old" in str(raised(kind, url, tmp_path, watched))


def test_a_quiet_watch_gets_bookmarks(tmp_path: Path) -> None:
    api = an_api()
    put_node(api, "node-a")
    with ApiServer(api, bookmark_interval=0.05) as server, over_http(server.url, tmp_path) as cluster:
        watch = cluster.watch("nodes", "1", silence=TIMEOUT)
        assert [next(watch)[0] for _ in range(2)] == ["ADDED", "BOOKMARK"]
        watch.close()  # type: ignore[attr-defined]  # the Protocol promises an Iterator; this one is a generator


def test_what_changes_while_a_list_is_streamed_belongs_to_it(tmp_path: Path) -> None:
    def node(name: str, version: str) -> Obj:
        return {"kind": "Node", "metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": version}}

    ends: Obj = {"kind": "Node", "metadata": {"resourceVersion": "9", "annotations": {_ENDS: "true"}}}
    sent = [
        ("ADDED", node("a", "1")),
        ("ADDED", node("b", "2")),
        ("BOOKMARK", node("", "2")),
        ("MODIFIED", node("a", "7")),
    ]
    sent += [("DELETED", node("b", "8")), ("BOOKMARK", ends), ("ADDED", node("c", "10"))]
    with answering(stream(b"".join(line(*event) for event in sent))) as url, over_http(url, tmp_path) as cluster:
        assert list(cluster.pages("nodes", limit=STREAMED)) == [
            Page([node("a", "1"), node("b", "2"), node("a", "7")], "9", gone=frozenset({"uid-b"}))
        ]


@pytest.mark.parametrize(
    "sent",
    [
        stream(line("ADDED", NODE)),  # a proxy ended it
        stream(line("ADDED", NODE), whole=False),
        stream(line("ADDED", NODE) + line("ERROR", {"code": 410, "message": "too old"})),
    ],
)
def test_a_streamed_list_that_is_not_whole_is_none(tmp_path: Path, sent: bytes) -> None:
    broken = pytest.raises((errors.ClusterUnreachable, errors.Expired))
    with answering(sent) as url, over_http(url, tmp_path) as cluster, broken:
        list(cluster.pages("nodes", limit=STREAMED))


def test_after_a_stream_that_failed_lists_come_in_pages_for_a_while(tmp_path: Path) -> None:
    api = an_api()
    put_node(api, "node-a")
    api.faults.append(lambda request: ApiError(503, "Busy", "not now") if request.verb == "watch" else None)
    with ApiServer(api) as server, over_http(server.url, tmp_path) as cluster:
        with pytest.raises(errors.ClusterUnreachable):
            list(cluster.pages("nodes", limit=STREAMED))
        for _ in range(2):
            assert [len(page.items) for page in cluster.pages("nodes", limit=STREAMED)] == [1]
    assert [entry.verb for entry in api.audit] == ["watch", "list", "list"]


def test_each_call_is_announced_for_the_sake_of_heartbeats(tmp_path: Path) -> None:
    api, beats = an_api(), []
    for number in range(3):
        put_node(api, f"n{number}")
    file = tmp_path / "kubeconfig"
    with ApiServer(api) as server:
        file.write_text(json.dumps(kubeconfig(server.url, TOKEN)))
        cluster = connect(str(file), 5, lambda: beats.append(1))
        list(cluster.pages("nodes", limit=1))
        assert len(beats) == 3
        list(cluster.pages("nodes", limit=STREAMED))  # one request, and after its page
        assert len(beats) == 5
        cluster.api.rest_client.pool_manager.clear()
