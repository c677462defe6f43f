"""The simulated API server over HTTP, seen by kubectl."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.api.api import Api
from simulator.apiserver import ApiServer, kubeconfig
from simulator.store.store import Store

KUBECTL = shutil.which("kubectl") or ""
pytestmark = pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed")


@pytest.fixture
def api() -> Api:
    api = Api(Store(time.time), tokens={"": "kubectl"})
    for name in ("node-a", "node-b"):
        api.store.create("nodes", {"metadata": {"name": name}, "spec": {}})
    meta = {"name": "launcher", "namespace": "default"}
    api.store.create("pods", {"metadata": meta, "spec": {"nodeName": "node-a"}, "status": {"phase": "Running"}})
    api.store.create("virtualmachines", {"metadata": {"name": "vm", "namespace": "run"}, "spec": {}})
    return api


@pytest.fixture
def server(api: Api) -> Iterator[ApiServer]:
    with ApiServer(api) as running:
        yield running


@pytest.fixture
def environment(server: ApiServer, tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(kubeconfig(server.url, "unused")))
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    # A home of its own: kubectl caches discovery there, by address, and ports are used again.
    return {**kept, "KUBECONFIG": str(path), "HOME": str(tmp_path)}


def kubectl(environment: dict[str, str], *arguments: str) -> str:
    command = [KUBECTL, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kubectl_gets_nodes(environment: dict[str, str]) -> None:
    lines = kubectl(environment, "get", "nodes").splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "node-a", "node-b"]


def test_kubectl_gets_virtual_machines_by_their_short_name(environment: dict[str, str]) -> None:
    (vm,) = json.loads(kubectl(environment, "get", "vm", "-A", "-o", "json"))["items"]
    assert (vm["kind"], vm["metadata"]["namespace"]) == ("VirtualMachine", "run")


def test_kubectl_deletes_a_pod_by_force(api: Api, environment: dict[str, str]) -> None:
    kubectl(environment, "delete", "pod", "launcher", "--grace-period=0", "--force")
    deletion = next(entry for entry in api.audit if entry.verb == "delete")
    assert (deletion.user, deletion.name, deletion.grace_period, deletion.code) == ("kubectl", "launcher", 0, 200)
    assert kubectl(environment, "get", "pods") == ""


def test_kubectl_patches_and_taints(api: Api, environment: dict[str, str]) -> None:
    kubectl(environment, "patch", "vm", "vm", "-n", "run", "--type=merge", "-p", '{"spec":{"running":true}}')
    kubectl(environment, "taint", "node", "node-a", "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
    assert api.store.get("virtualmachines", "vm", "run")["spec"] == {"running": True}
    (taint,) = api.store.get("nodes", "node-a")["spec"]["taints"]
    assert (taint["key"], taint["effect"]) == ("node.kubernetes.io/out-of-service", "NoExecute")


def test_a_watching_kubectl_ends_with_the_server(server: ApiServer, environment: dict[str, str]) -> None:
    watching = subprocess.Popen([KUBECTL, "get", "pods", "-w"], env=environment, stdout=subprocess.PIPE, text=True)
    with watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        assert watching.stdout.readline().split()[0] == "launcher"
        server.stop()
        watching.wait(60)
