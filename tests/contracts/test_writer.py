"""What fencing makes and changes: the twin and the real one keep the same promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reactor.model import errors
from simulator.api.api import Api
from simulator.client import ApiError
from tests.contracts.clusters import an_api, opened, put_node

KIND = "fence-agents-remediation.medik8s.io/v1alpha1/fenceagentsremediations"
PLACE = "medik8s"


@pytest.fixture
def api() -> Api:
    api = an_api()
    api.store.create("namespaces", {"metadata": {"name": PLACE}})
    return api


@pytest.fixture(params=["http", "memory"])
def cluster(request: pytest.FixtureRequest, api: Api, tmp_path: Path) -> Iterator[Any]:
    with opened(request.param, api, tmp_path) as found:
        yield found


def made(name: str, *, why: str) -> dict[str, Any]:
    version, _, _ = KIND.rpartition("/")
    meta = {"name": name, "annotations": {"why": why}}
    return {"apiVersion": version, "kind": "FenceAgentsRemediation", "metadata": meta, "spec": {}}


def test_an_object_is_made_once(cluster: Any) -> None:
    cluster.create(KIND, made("node-a", why="first"), PLACE)
    with pytest.raises(errors.Conflict):
        cluster.create(KIND, made("node-a", why="second"), PLACE)
    assert cluster.find(KIND, "node-a", PLACE)["metadata"]["annotations"] == {"why": "first"}


def test_an_object_of_the_whole_cluster_needs_no_namespace(cluster: Any) -> None:
    fence = {"apiVersion": "csiaddons.openshift.io/v1alpha1", "kind": "NetworkFence", "metadata": {"name": "a"}}
    cluster.create("networkfences", {**fence, "spec": {}})
    assert cluster.find("networkfences", "a")


def test_a_change_is_merged_and_none_removes(api: Api, cluster: Any) -> None:
    put_node(api, "node-a", zone="1", rack="2")
    cluster.change("nodes", cluster.find("nodes", "node-a"), {"metadata": {"labels": {"rack": None, "row": "3"}}})
    assert cluster.find("nodes", "node-a")["metadata"]["labels"] == {"zone": "1", "row": "3"}


def test_what_was_changed_since_it_was_read_is_left_alone(api: Api, cluster: Any) -> None:
    put_node(api, "node-a")
    read = cluster.find("nodes", "node-a")
    cluster.change("nodes", read, {"spec": {"unschedulable": True}})
    with pytest.raises(errors.Conflict):
        cluster.change("nodes", read, {"spec": {"unschedulable": None}})
    assert cluster.find("nodes", "node-a")["spec"] == {"unschedulable": True}


def test_another_object_of_that_name_is_not_changed(api: Api, cluster: Any) -> None:
    put_node(api, "node-a")
    read = cluster.find("nodes", "node-a")
    with api.lock:
        api.store.delete("nodes", "node-a")
    put_node(api, "node-a")
    with pytest.raises(errors.Conflict):
        cluster.change("nodes", read, {"spec": {"unschedulable": True}})
    assert "unschedulable" not in cluster.find("nodes", "node-a")["spec"]


def test_changing_what_is_gone_is_not_found(api: Api, cluster: Any) -> None:
    read = put_node(api, "node-a")
    with api.lock:
        api.store.delete("nodes", "node-a")
    with pytest.raises(errors.NotFound):
        cluster.change("nodes", read, {"spec": {}})


def test_who_may_not_is_told_so(api: Api, cluster: Any) -> None:
    node = put_node(api, "node-a")
    api.authorize = lambda *_: False
    with pytest.raises(errors.Forbidden, match='cannot patch resource "nodes"'):
        cluster.change("nodes", node, {"spec": {}})
    with pytest.raises(errors.Forbidden, match='cannot create resource "fenceagentsremediations"'):
        cluster.create(KIND, made("node-a", why="x"), PLACE)


@pytest.mark.parametrize("code", [429, 503])
def test_later_means_that_nothing_is_known(api: Api, cluster: Any, code: int) -> None:
    node = put_node(api, "node-a")
    api.faults.append(lambda _: ApiError(code, "Later", "not now"))
    with pytest.raises(errors.ClusterUnreachable, match="not now"):
        cluster.change("nodes", node, {"spec": {}})
    with pytest.raises(errors.ClusterUnreachable, match="not now"):
        cluster.create("networkfences", {"metadata": {"name": "a"}})
