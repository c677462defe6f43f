"""Tokens expire and certificates are rotated while we run: what is written anew is read anew."""

import json
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from reactor.adapters.kubernetes.cluster import Cluster, KubernetesCluster, Watchable, connect
from reactor.model import errors
from reactor.watch.list_watch import follow
from simulator.api.api import Api
from simulator.apiserver import ApiServer, kubeconfig
from tests.contracts.clusters import TIMEOUT, TOKEN, USER, an_api, put_node, put_pod

NEW = "another-token-that-nobody-may-see"


def written(folder: Path, server: ApiServer, token: str, ca: trustme.CA | None = None) -> Path:
    """A kubeconfig, as a credentials' helper writes it."""
    file = folder / "kubeconfig"
    file.write_text(json.dumps(kubeconfig(server.url, token, ca.cert_pem.bytes() if ca else b"")))
    return file


def tls(ca: trustme.CA) -> ssl.SSLContext:
    """A server's side with a certificate of this CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


def found(cluster: Cluster, _: Api) -> None:
    assert cluster.find("nodes", "node-a") is not None


def listed(cluster: Cluster, _: Api) -> None:
    assert [page.items[0]["metadata"]["name"] for page in cluster.pages("nodes")] == ["node-a"]


def watched(cluster: Watchable, api: Api) -> None:
    put_node(api, "node-b")
    assert next(iter(cluster.watch("nodes", "1", silence=TIMEOUT)))[0] == "ADDED"


def deleted(cluster: Cluster, api: Api) -> None:
    pod = put_pod(api, "launcher")
    cluster.delete("pods", "launcher", "shop", uid=pod["metadata"]["uid"], grace=0)
    assert [(e.code, e.user) for e in api.audit if e.verb == "delete"] == [(200, USER)]


@pytest.mark.parametrize("call", [found, listed, watched, deleted])
def test_a_token_that_was_renewed_is_used_at_once(tmp_path: Path, call: Callable[[Cluster, Api], None]) -> None:
    api = an_api()
    put_node(api, "node-a")
    with ApiServer(api) as server:
        cluster = connect(str(written(tmp_path, server, TOKEN)), TIMEOUT)
        found(cluster, api)
        api.tokens = {NEW: USER}
        written(tmp_path, server, NEW)
        call(cluster, api)
        cluster.api.rest_client.pool_manager.clear()


@pytest.mark.parametrize("text", [None, "", "half of a ku"])
def test_while_there_are_no_new_credentials_the_old_ones_are_unauthorized(tmp_path: Path, text: str | None) -> None:
    api = an_api()
    put_node(api, "node-a")
    with ApiServer(api) as server:
        file = written(tmp_path, server, TOKEN)
        cluster = connect(str(file), TIMEOUT)
        api.tokens = {NEW: USER}
        if text is not None:
            file.write_text(text)
        with pytest.raises(errors.Unauthorized) as caught:
            cluster.find("nodes", "node-a")
        assert TOKEN not in str(caught.value)
        written(tmp_path, server, NEW)
        found(cluster, api)
        cluster.api.rest_client.pool_manager.clear()


def restarted(server: ApiServer, ca: trustme.CA) -> None:
    """The control plane comes back with a certificate that another CA has issued."""
    server.stop()
    server.tls = tls(ca)
    server.start()


def test_a_certificate_authority_that_was_rotated_is_trusted_from_the_next_call_on(tmp_path: Path) -> None:
    old, new, api = trustme.CA(), trustme.CA(), an_api()
    put_node(api, "node-a")
    with ApiServer(api, tls=tls(old)) as server:
        cluster = connect(str(written(tmp_path, server, TOKEN, old)), TIMEOUT)
        found(cluster, api)
        restarted(server, new)
        with pytest.raises(errors.ClusterUnreachable, match="certificate verify failed"):
            _twice(cluster)
        written(tmp_path, server, TOKEN, new)
        with pytest.raises(errors.ClusterUnreachable):
            cluster.find("nodes", "node-a")
        found(cluster, api)
        cluster.api.rest_client.pool_manager.clear()


def _twice(cluster: KubernetesCluster) -> None:
    """The first call may still meet the old connection's end."""
    for _ in range(2):
        try:
            cluster.find("nodes", "node-a")
        except errors.ClusterUnreachable as error:
            last = error
    raise last


def test_a_watcher_goes_on_after_a_rotation_of_everything(tmp_path: Path) -> None:
    old, new, api = trustme.CA(), trustme.CA(), an_api()
    put_node(api, "node-a")
    with ApiServer(api, tls=tls(old)) as server:
        cluster = connect(str(written(tmp_path, server, TOKEN, old)), TIMEOUT)
        seen = follow(cluster, "nodes", lambda node: node["metadata"]["name"], TIMEOUT, lambda _: None)
        assert next(seen)[1] == ["node-a"]
        api.tokens = {NEW: USER}
        written(tmp_path, server, NEW, new)
        restarted(server, new)
        put_node(api, "node-b")
        assert "node-b" in next(seen)[1]
        cluster.api.rest_client.pool_manager.clear()
