"""The actors' access to an API, within this process and over HTTP: the same cases for both."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.api.api import Api
from simulator.apiserver import ApiServer
from simulator.client import ApiError, Client, Informer, Obj
from simulator.http.client import HttpClient
from tests.contracts.clusters import TIMEOUT, an_api, over_http, put_node, put_pod

Changes = list[tuple[str, Obj]]


@pytest.fixture
def api() -> Api:
    api = an_api()
    put_node(api, "node-a", zone="here")
    put_node(api, "node-b", zone="there")
    put_pod(api, "vm-1")
    return api


@pytest.fixture(params=["memory", "http"])
def client(request: pytest.FixtureRequest, api: Api, tmp_path: Path) -> Iterator[Client]:
    if request.param == "memory":
        yield api.client("system:serviceaccount:vmdrift:worker")
        return
    with ApiServer(api, bookmark_interval=0.05) as server, over_http(server.url, tmp_path) as door:
        client = HttpClient(door.api)
        yield client
        client.close()


def _refusal(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value.code, caught.value.reason


def _heard(informer: Informer, enough: Callable[[Changes], bool]) -> list[tuple[str, str]]:
    """What the informer tells until it is enough: (type, name)."""
    changes: Changes = []
    end = time.monotonic() + TIMEOUT
    while not enough(changes):
        assert time.monotonic() < end, changes
        changes += informer.poll()
    return [(kind, obj["metadata"]["name"]) for kind, obj in changes]


def _last(kind: str) -> Callable[[Changes], bool]:
    return lambda changes: bool(changes) and changes[-1][0] == kind


def test_an_empty_name_is_a_list_and_a_name_with_a_slash_a_part_of_an_object(client: Client) -> None:
    found = client.get("pods", "", "shop")
    assert (found["kind"], [pod["metadata"]["name"] for pod in found["items"]]) == ("PodList", ["vm-1"])
    assert client.get("pods", "vm-1/status", "shop")["metadata"]["name"] == "vm-1"
    assert _refusal(lambda: client.get("pods", "vm-1/log", "shop")) == (404, "NotFound")
    assert _refusal(lambda: client.delete("pods", "", "shop")) == (405, "MethodNotAllowed")


def test_an_object_is_read_whole_with_its_kind(client: Client) -> None:
    pod = client.get("pods", "vm-1", "shop")
    assert (pod["apiVersion"], pod["kind"], pod["metadata"]["namespace"]) == ("v1", "Pod", "shop")


def test_what_is_not_there_is_not_found(client: Client) -> None:
    assert _refusal(lambda: client.get("pods", "none", "shop")) == (404, "NotFound")
    assert _refusal(lambda: client.delete("nodes", "none")) == (404, "NotFound")


def test_a_list_is_of_one_namespace_or_of_all_and_its_items_bear_their_kind(client: Client, api: Api) -> None:
    put_pod(api, "vm-2", namespace="office")
    assert [(pod["kind"], pod["metadata"]["name"]) for pod in client.list("pods", "office")] == [("Pod", "vm-2")]
    assert {pod["metadata"]["name"] for pod in client.list("pods")} == {"vm-1", "vm-2"}


def test_a_list_is_narrowed_by_labels_and_by_fields(client: Client) -> None:
    assert [node["metadata"]["name"] for node in client.list("nodes", labels="zone in (there, nowhere)")] == ["node-b"]
    assert [pod["metadata"]["name"] for pod in client.list("pods", fields="spec.nodeName=node-a")] == ["vm-1"]
    assert client.list("pods", fields="spec.nodeName=node-b") == []


def test_what_is_created_gets_its_generated_name_and_its_kind(client: Client) -> None:
    meta = {"generateName": "vm-", "namespace": "shop"}
    created = client.create("virtualmachines", {"metadata": meta, "spec": {"runStrategy": "Always"}})
    assert created["metadata"]["name"].startswith("vm-")
    assert (created["apiVersion"], created["kind"]) == ("kubevirt.io/v1", "VirtualMachine")
    assert client.get("virtualmachines", created["metadata"]["name"], "shop") == created


def test_what_is_there_already_is_not_created_again(client: Client) -> None:
    assert _refusal(lambda: client.create("nodes", {"metadata": {"name": "node-a"}})) == (409, "AlreadyExists")


def test_a_pod_is_bound_once(client: Client, api: Api) -> None:
    put_pod(api, "vm-2", node="")
    binding = {"metadata": {"name": "vm-2", "namespace": "shop"}, "target": {"name": "node-b"}}
    client.create("pods/binding", binding)
    assert client.get("pods", "vm-2", "shop")["spec"]["nodeName"] == "node-b"
    assert _refusal(lambda: client.create("pods/binding", binding)) == (409, "Conflict")


def test_a_stale_replacement_is_a_conflict(client: Client) -> None:
    old = client.get("nodes", "node-a")
    client.update("nodes", {**old, "spec": {"unschedulable": True}})
    assert client.get("nodes", "node-a")["spec"] == {"unschedulable": True}
    assert _refusal(lambda: client.update("nodes", old)) == (409, "Conflict")


def test_status_is_a_subresource_for_replacements_and_patches_alike(client: Client) -> None:
    node = client.get("nodes", "node-a")
    client.update("nodes", {**node, "status": {"phase": "there"}}, "status")
    client.patch("nodes", "node-a", {"status": {"phase": "lost"}})
    assert client.get("nodes", "node-a")["status"] == {"phase": "there"}
    client.patch(
        "nodes", "node-a", {"status": {"phase": "lost"}, "spec": {"unschedulable": True}}, subresource="status"
    )
    assert (client.get("nodes", "node-a")["status"], client.get("nodes", "node-a")["spec"]) == ({"phase": "lost"}, {})


def test_a_merge_patch_replaces_lists_and_null_removes(client: Client) -> None:
    client.patch("nodes", "node-a", {"spec": {"taints": [{"key": "a"}, {"key": "b"}]}})
    patched = client.patch("nodes", "node-a", {"spec": {"taints": [{"key": "c"}]}, "metadata": {"labels": None}})
    assert patched["spec"]["taints"] == [{"key": "c"}]
    assert "labels" not in patched["metadata"]


def test_a_merge_patch_of_a_custom_kind_loses_the_nulls_in_its_lists_and_a_replacement_keeps_them(
    client: Client,
) -> None:
    made = {"metadata": {"name": "vm", "namespace": "shop"}, "spec": {"list": [{"a": None, "deeper": [{"b": None}]}]}}
    client.create("virtualmachines", made)
    patched = client.patch("virtualmachines", "vm", {"spec": made["spec"]}, "shop")
    assert patched["spec"] == {"list": [{"deeper": [{}]}]}
    assert client.update("virtualmachines", made)["spec"] == made["spec"]


def test_a_list_is_a_json_patch_which_is_refused_whole_where_one_test_fails(client: Client) -> None:
    client.patch("nodes", "node-a", {"spec": {"taints": [{"key": "a", "value": "1"}]}})
    change = {"op": "add", "path": "/spec/unschedulable", "value": True}
    stale = {"op": "test", "path": "/spec/taints", "value": [{"key": "a"}]}
    with pytest.raises(ApiError, match=r"422 .* the server rejected our request due to an error in our request"):
        client.patch("nodes", "node-a", [change, stale])
    assert "unschedulable" not in client.get("nodes", "node-a")["spec"]
    assert client.patch("nodes", "node-a", [change])["spec"]["unschedulable"] is True


def test_a_deletion_has_the_pods_own_grace_unless_it_names_one(client: Client) -> None:
    client.delete("pods", "vm-1", "shop")
    assert client.get("pods", "vm-1", "shop")["metadata"]["deletionGracePeriodSeconds"] == 60
    client.delete("pods", "vm-1", "shop", grace=0)
    assert _refusal(lambda: client.get("pods", "vm-1", "shop")) == (404, "NotFound")


def test_a_deletion_of_another_uid_is_a_conflict_and_deletes_nothing(client: Client) -> None:
    assert _refusal(lambda: client.delete("pods", "vm-1", "shop", uid="another", grace=0)) == (409, "Conflict")
    client.delete("pods", "vm-1", "shop", uid=client.get("pods", "vm-1", "shop")["metadata"]["uid"], grace=0)
    assert client.list("pods") == []


def test_an_informer_tells_first_what_there_is_then_each_change_in_order(client: Client) -> None:
    informer = client.informer("nodes")
    assert _heard(informer, bool) == [("ADDED", "node-a"), ("ADDED", "node-b")]
    client.patch("nodes", "node-a", {"spec": {"unschedulable": True}})
    client.create("nodes", {"metadata": {"name": "node-c"}})
    client.delete("nodes", "node-b")
    assert _heard(informer, _last("DELETED")) == [("MODIFIED", "node-a"), ("ADDED", "node-c"), ("DELETED", "node-b")]
    assert {name for _, name in informer.objects} == {"node-a", "node-c"}
    assert informer.objects["", "node-a"]["spec"] == {"unschedulable": True}


def test_an_informer_of_an_empty_list_says_so_at_once(client: Client) -> None:
    informer = client.informer("virtualmachineinstances")
    assert informer.poll() == []
    assert informer.objects == {}


def test_an_informer_of_a_namespace_hears_of_no_other(client: Client, api: Api) -> None:
    informer = client.informer("pods", "office")
    assert informer.poll() == []
    put_pod(api, "vm-2")
    put_pod(api, "vm-3", namespace="office")
    assert _heard(informer, bool) == [("ADDED", "vm-3")]


def test_an_informer_that_may_not_list_says_so(client: Client, api: Api) -> None:
    api.authorize = lambda *_: False
    assert _refusal(lambda: client.informer("pods").poll()) == (403, "Forbidden")
