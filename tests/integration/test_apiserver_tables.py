"""`kubectl get` shows the columns that it shows of a real cluster: the API server makes the table."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from simulator.apiserver import ApiServer, kubeconfig
from simulator.http.table_cells import age, claim_row, node_row, pod_row
from simulator.scene import Storage, Vm
from tests.unit.vmdrift.plans import LOST, world_of

KUBECTL = shutil.which("kubectl") or ""
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
COLUMNS = {
    "nodes": "NAME STATUS ROLES AGE VERSION",
    "pods": "NAME READY STATUS RESTARTS AGE",
    "pvc": "NAME STATUS VOLUME CAPACITY ACCESS MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE",
    "volumeattachments": "NAME ATTACHER PV NODE ATTACHED AGE",
    "events": "LAST SEEN TYPE REASON OBJECT MESSAGE",
    "vm": "NAME AGE STATUS READY",
    "vmi": "NAME AGE PHASE IP NODENAME READY",
}
WIDE = {
    "nodes": "INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME",
    "pods": "IP NODE NOMINATED NODE READINESS GATES",
    "pvc": "VOLUMEMODE",
    "vmi": "LIVE-MIGRATABLE PAUSED",
}
# Columns of -o wide that stand between others.
AMONG = {"events": "LAST SEEN TYPE REASON OBJECT SUBOBJECT SOURCE MESSAGE FIRST SEEN COUNT NAME"}


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    world = world_of(Vm("web", Storage.RBD_BLOCK, node=LOST))
    world.hypervisor.power_cut(LOST)
    world.run_for(100)
    with ApiServer(world.api) as running:
        yield running


@pytest.fixture
def environment(server: ApiServer, tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(kubeconfig(server.url, "unused")))
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "KUBECONFIG": str(path), "HOME": str(tmp_path)}


def get(environment: dict[str, str], *words: str) -> list[str]:
    """The lines of `kubectl get`, each with single blanks."""
    done = subprocess.run(
        [KUBECTL, "get", *words], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


@pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed")
@pytest.mark.parametrize("kind", COLUMNS)
def test_kubectl_shows_the_columns_of_a_real_cluster(kind: str, environment: dict[str, str]) -> None:
    scope = [] if kind in {"nodes", "volumeattachments"} else ["-n", "default"]
    head, *rows = get(environment, kind, *scope)
    assert head == COLUMNS[kind]
    assert rows
    wide = get(environment, kind, *scope, "-o", "wide")[0]
    assert wide == AMONG.get(kind, f"{COLUMNS[kind]} {WIDE.get(kind, '')}".strip())


@pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed")
def test_kubectl_shows_what_is_lost_as_a_real_cluster_does(environment: dict[str, str]) -> None:
    assert {line.split()[0]: line.split()[1] for line in get(environment, "nodes")[1:]} == {
        LOST: "NotReady",
        "node-b": "Ready",
        "node-c": "Ready",
        "node-d": "Ready",
    }
    assert get(environment, "vm", "web")[1].split()[0] == "web"
    assert get(environment, "vmi", "-A")[0].startswith("NAMESPACE NAME AGE PHASE")
    assert get(environment, "nodes", "-o", "name")[0] == f"node/{LOST}"
    assert LOST in get(environment, "nodes", "--sort-by=.metadata.name")[1]


def answer(server: ApiServer, path: str, accept: str = TABLE) -> dict[str, Any]:
    with urlopen(Request(server.url + path, headers={"Accept": accept}), timeout=30) as response:  # noqa: S310 - ours
        document: dict[str, Any] = json.loads(response.read())
        return document


@pytest.mark.parametrize(("include", "held"), [("", {"metadata"}), ("Object", {"spec", "status"}), ("None", set())])
def test_a_row_carries_as_much_of_its_object_as_is_asked_for(server: ApiServer, include: str, held: set[str]) -> None:
    document = answer(server, f"/api/v1/nodes?limit=1&includeObject={include}")
    assert (document["kind"], document["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert document["metadata"]["continue"]
    (row,) = document["rows"]
    assert held <= set(row["object"] or ())
    assert len(row["cells"]) == len(document["columnDefinitions"]) == 10


def test_who_asks_for_no_table_or_for_a_kind_without_columns_gets_a_list(server: ApiServer) -> None:
    assert answer(server, "/api/v1/nodes", "application/json")["kind"] == "NodeList"
    assert answer(server, "/api/v1/namespaces")["kind"] == "NamespaceList"
    assert answer(server, f"/api/v1/nodes/{LOST}")["kind"] == "Table"


def test_a_watch_sends_tables_too(server: ApiServer) -> None:
    place = f"{server.url}/api/v1/nodes?watch=1&timeoutSeconds=1"
    with urlopen(Request(place, headers={"Accept": TABLE}), timeout=30) as response:  # noqa: S310 - ours
        event = json.loads(response.readline())
    assert (event["type"], event["object"]["kind"]) == ("ADDED", "Table")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0s"),
        (119, "119s"),
        (120, "2m"),
        (310, "5m10s"),
        (601, "10m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (9 * 3600 + 60, "9h"),
        (49 * 3600, "2d1h"),
        (9 * 86400, "9d"),
        (800 * 86400, "2y70d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_ages_have_two_units_at_most(seconds: float, shown: str) -> None:
    assert age(seconds) == shown


def a_pod(status: dict[str, Any], **meta: str) -> str:
    pod = {"metadata": {"name": "x", **meta}, "spec": {"containers": [{}, {}]}, "status": status}
    return " ".join(map(str, pod_row(pod, "1d")[1:4]))


def test_the_status_of_a_pod_is_its_phase_or_why_not() -> None:
    up = {"ready": True, "state": {"running": {}}, "restartCount": 2}
    assert a_pod({"phase": "Running", "containerStatuses": [up]}) == "1/2 Running 2"
    assert a_pod({"phase": "Running"}, deletionTimestamp="2026-11-29T00:00:00Z") == "0/2 Terminating 0"
    assert a_pod(
        {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}
    ) == ("0/2 ImagePullBackOff 0")
    ended = {"state": {"terminated": {"exitCode": 3}}}
    assert a_pod({"phase": "Failed", "containerStatuses": [ended]}) == "0/2 ExitCode:3 0"


def test_a_node_and_a_claim_without_much_are_shown_with_what_is_there() -> None:
    labels = {"node-role.kubernetes.io/control-plane": ""}
    cordoned = {"metadata": {"name": "n", "labels": labels}, "spec": {"unschedulable": True}}
    assert node_row(cordoned, "1d")[:5] == ["n", "Unknown,SchedulingDisabled", "control-plane", "1d", ""]
    claim = {"metadata": {"name": "c"}, "spec": {}, "status": {"phase": "Pending", "capacity": {"storage": "1Gi"}}}
    assert claim_row(claim, "1d") == ["c", "Pending", "", "", "", "", "<unset>", "1d", "<unset>"]
