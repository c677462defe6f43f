"""A simulated API, and the two ways to it: over HTTP and within this process."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from reactor.adapters.kubernetes.cluster import Cluster, Count, KubernetesCluster, Watchable, connect
from rehearsal.twins.cluster import ApiCluster
from simulator.api.api import Api
from simulator.apiserver import ApiServer, kubeconfig
from simulator.client import Obj
from simulator.store.resources import SERVED, Resource
from simulator.store.store import Store


class Opened(Cluster, Watchable, Protocol):
    """What is read and watched."""


TOKEN = "a-token-that-nobody-may-see"
USER = "system:serviceaccount:vmdrift:worker"
TIMEOUT = 30.0  # seconds; a deadline for a loaded machine


def an_api(ring: int = 100, resources: tuple[Resource, ...] = SERVED) -> Api:
    """A cluster's API with one user."""
    return Api(Store(time.time, ring=ring, resources=resources), tokens={TOKEN: USER})


def _uncounted(_verb: str, _code: str) -> None:
    """Nobody wants to know."""


@contextmanager
def over_http(
    url: str, folder: Path, token: str = TOKEN, timeout: float = TIMEOUT, counted: Count = _uncounted
) -> Iterator[KubernetesCluster]:
    """The real door, to whatever answers at `url`. `counted`: as in `connect`."""
    file = folder / "kubeconfig"
    file.write_text(json.dumps(kubeconfig(url, token)))
    cluster = connect(str(file), timeout, counted=counted)
    try:
        yield cluster
    finally:
        cluster.api.rest_client.pool_manager.clear()


@contextmanager
def opened(kind: str, api: Api, folder: Path) -> Iterator[Opened]:
    """The `http` door or the `memory` twin."""
    if kind == "memory":
        yield ApiCluster(api, USER)
        return
    with ApiServer(api, bookmark_interval=0.05) as server, over_http(server.url, folder) as cluster:
        yield cluster


@contextmanager
def answering(words: bytes, *, hold: bool = False) -> Iterator[str]:
    """A server that says `words` to the first who asks, and hangs up, or stays silent (`hold`); yields its URL."""
    end = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener, words, end if hold else None))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            end.set()
            thread.join()


def _answer(listener: socket.socket, words: bytes, end: threading.Event | None) -> None:
    listener.settimeout(TIMEOUT)
    peer, _ = listener.accept()
    with peer:
        peer.recv(65536)
        peer.sendall(words)
        if end:
            end.wait()


def put_node(api: Api, name: str, **labels: str) -> Obj:
    """A Node."""
    with api.lock:
        return api.store.create("nodes", {"metadata": {"name": name, "labels": labels}, "spec": {}})


def put_pod(api: Api, name: str, node: str = "node-a", namespace: str = "shop") -> Obj:
    """A launcher pod on a node."""
    spec = {"nodeName": node, "terminationGracePeriodSeconds": 60}
    labels = {"kubevirt.io": "virt-launcher"}
    return api.store.create(
        "pods", {"metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec}
    )
