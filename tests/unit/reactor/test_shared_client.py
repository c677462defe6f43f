"""Threads share one client of the API server: credentials that were refused to several are read again once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace
from typing import Any

from urllib3 import HTTPResponse

from reactor.adapters.kubernetes.cluster import KubernetesCluster

_NODE = b'{"kind": "Node", "metadata": {"name": "node-a", "uid": "u"}}'
_REFUSED = b'{"kind": "Status", "code": 401, "metadata": {}}'


class _Clients:
    """The first one that is loaded is refused, once as many threads have tried as there are."""

    def __init__(self, threads: int) -> None:
        self.loaded, self._together = 0, Barrier(threads, timeout=60)

    def load(self) -> Any:
        self.loaded += 1
        request = self._refused if self.loaded == 1 else _node
        configuration = SimpleNamespace(host="https://api", get_api_key_with_prefix=lambda *_, **__: "")
        pools = SimpleNamespace(request=request, clear=lambda: None)
        return SimpleNamespace(configuration=configuration, rest_client=SimpleNamespace(pool_manager=pools))

    def _refused(self, *_: Any, **__: Any) -> HTTPResponse:
        self._together.wait()
        return HTTPResponse(_REFUSED, status=401)


def _node(*_: Any, **__: Any) -> HTTPResponse:
    return HTTPResponse(_NODE, status=200)


def test_what_was_refused_to_three_threads_is_read_again_once_and_all_of_them_are_answered() -> None:
    clients = _Clients(3)
    cluster = KubernetesCluster(clients.load, timeout=1.0)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: cluster.find("nodes", "node-a"), range(3)))
    assert [node and node["metadata"]["uid"] for node in found] == ["u"] * 3
    assert clients.loaded == 2
