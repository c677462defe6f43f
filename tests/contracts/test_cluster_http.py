"""What can go wrong only on the way: connections, time-outs, broken streams; and what never gets into a message."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reactor.doors.cluster import KubernetesCluster, connect
from reactor.model import errors
from simulator.apiserver import ApiServer, kubeconfig
from simulator.client import Obj
from tests.contracts.clusters import TOKEN, an_api, answering, over_http, put_node

Call = Callable[[KubernetesCluster], object]
NODE: Obj = {"kind": "Node", "metadata": {"name": "node-a", "resourceVersion": "7"}}


def find(cluster: KubernetesCluster) -> object:
    return cluster.find("nodes", "node-a")


def listed(cluster: KubernetesCluster) -> object:
    return list(cluster.pages("nodes"))


def watched(cluster: KubernetesCluster) -> object:
    return list(cluster.watch("nodes", "1", silence=0.2))


def delete(cluster: KubernetesCluster) -> object:
    return cluster.delete("nodes", "node-a", uid="uid")


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


def unreachable(url: str, folder: Path, call: Call, timeout: float = 5.0) -> str:
    """What the error says."""
    with over_http(url, folder, timeout=timeout) as cluster, pytest.raises(errors.ClusterUnreachable) as caught:
        call(cluster)
    assert "Bearer" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


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


@pytest.mark.parametrize("body", [b"null\n", b"[]\n", b"5\n", b'"x"\n'])
@CALLS
def test_json_that_is_no_object_means_that_nothing_is_known(tmp_path: Path, call: Call, body: bytes) -> None:
    with answering(http(200, body)) as url:
        unreachable(url, tmp_path, call)


@CALLS
def test_an_unknown_token_is_unauthorized(tmp_path: Path, call: Call) -> None:
    with ApiServer(an_api()) as server, over_http(server.url, tmp_path, "an-expired-token") as cluster:
        with pytest.raises(errors.Unauthorized) as caught:
            call(cluster)
    assert "expired-token" not in str(caught.value)


@pytest.mark.parametrize("code", [429, 500, 503])
@CALLS
def test_the_servers_wish_when_to_come_again_is_kept(tmp_path: Path, call: Call, code: int) -> None:
    with answering(http(code, b"{}", "Retry-After: 17")) as url:
        with over_http(url, tmp_path) as cluster, pytest.raises(errors.ClusterUnreachable) as caught:
            call(cluster)
    assert caught.value.retry_after == 17


@pytest.mark.parametrize("headers", [(), ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT",), ("Retry-After: -1",)])
def test_without_a_wish_in_seconds_there_is_none(tmp_path: Path, headers: tuple[str, ...]) -> None:
    with answering(http(503, b"busy", *headers)) as url:
        with over_http(url, tmp_path) as cluster, pytest.raises(errors.ClusterUnreachable) as caught:
            find(cluster)
    assert caught.value.retry_after is None


@pytest.mark.parametrize("body", [b"404 page not found\n", b"{}", b"[]", b"null"])
def test_a_404_that_names_no_object_means_that_the_kind_is_not_served(tmp_path: Path, body: bytes) -> None:
    with answering(http(404, body)) as url, over_http(url, tmp_path) as cluster, pytest.raises(errors.NotServed):
        find(cluster)


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with answering(http(302, b"", "Location: http://127.0.0.1:1/")) as url:
        with over_http(url, tmp_path) as cluster, pytest.raises(errors.Rejected, match="302"):
            find(cluster)


@pytest.mark.parametrize("whole", [True, False])
def test_a_watch_cut_in_the_middle_of_a_line_tells_the_whole_lines_first(tmp_path: Path, whole: bool) -> None:
    told = line("ADDED", NODE)
    with answering(stream(told, told[:20], whole=whole)) as url, over_http(url, tmp_path) as cluster:
        watch = cluster.watch("nodes", "1", silence=5)
        assert next(watch) == ("ADDED", NODE)
        with pytest.raises(errors.ClusterUnreachable):
            next(watch)


def test_a_line_may_come_in_pieces_and_pieces_may_hold_several_lines(tmp_path: Path) -> None:
    told = line("ADDED", NODE) + line("MODIFIED", NODE)
    with answering(stream(told[:10], told[10:])) as url, over_http(url, tmp_path) as cluster:
        assert list(cluster.watch("nodes", "1", silence=5)) == [("ADDED", NODE), ("MODIFIED", NODE)]


def test_a_watch_that_the_server_ends_just_ends(tmp_path: Path) -> None:
    with answering(stream(line("ADDED", NODE))) as url, over_http(url, tmp_path) as cluster:
        assert list(cluster.watch("nodes", "1", silence=5)) == [("ADDED", NODE)]


def test_silence_ends_a_watch(tmp_path: Path) -> None:
    with answering(stream(line("ADDED", NODE), whole=False), hold=True) as url, over_http(url, tmp_path) as cluster:
        watch = cluster.watch("nodes", "1", silence=0.2)
        assert next(watch) == ("ADDED", NODE)
        with pytest.raises(errors.ClusterUnreachable, match="timed out"):
            next(watch)


@pytest.mark.parametrize(("code", "kind"), [(410, errors.Expired), (500, errors.ClusterUnreachable)])
def test_an_error_within_a_watch_is_told_as_what_it_is(tmp_path: Path, code: int, kind: type[Exception]) -> None:
    status = {"kind": "Status", "code": code, "message": "too old resource version"}
    with answering(stream(line("ERROR", status))) as url, over_http(url, tmp_path) as cluster:
        with pytest.raises(kind, match="the watch ended: too old"):
            list(cluster.watch("nodes", "1", silence=5))


def test_a_quiet_watch_gets_bookmarks(tmp_path: Path) -> None:
    api = an_api()
    put_node(api, "node-a")
    with ApiServer(api, bookmark_interval=0.05) as server, over_http(server.url, tmp_path) as cluster:
        watch = cluster.watch("nodes", "1", silence=5)
        assert [next(watch)[0] for _ in range(2)] == ["ADDED", "BOOKMARK"]
        watch.close()  # type: ignore[attr-defined]  # the Protocol promises an Iterator; this one is a generator


def test_each_call_is_announced_for_the_sake_of_heartbeats(tmp_path: Path) -> None:
    api, beats = an_api(), []
    for number in range(3):
        put_node(api, f"n{number}")
    file = tmp_path / "kubeconfig"
    with ApiServer(api) as server:
        file.write_text(json.dumps(kubeconfig(server.url, TOKEN)))
        cluster = connect(str(file), 5, lambda: beats.append(1))
        list(cluster.pages("nodes", limit=1))
        cluster._api.rest_client.pool_manager.clear()
    assert len(beats) == 3


BAD_FILES = ["", "{", "[]", "a word", "5", "{}", '{"current-context": "x"}', "a: b: c", "\x00"]


@pytest.mark.parametrize("text", BAD_FILES)
def test_a_kubeconfig_that_is_none_is_a_settings_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    with pytest.raises(errors.SettingsError, match="KUBECONFIG=.*/kubeconfig: "):
        connect(str(tmp_path / "kubeconfig"), 5)


def test_a_kubeconfig_that_is_missing_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingsError, match="KUBECONFIG=.*/absent: "):
        connect(str(tmp_path / "absent"), 5)


def test_without_kubeconfig_and_outside_of_a_pod_there_is_no_cluster() -> None:
    with pytest.raises(errors.SettingsError, match="no cluster: KUBECONFIG is not set, and this is no pod"):
        connect("", 5)
