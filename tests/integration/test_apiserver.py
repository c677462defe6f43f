"""The simulated API server over HTTP, seen by the official `kubernetes` client."""

import json
import threading
import time
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from kubernetes import client as k8s

from simulator.api.api import Api
from simulator.apiserver import ApiServer
from simulator.client import ApiError, Obj
from simulator.store.resources import KUBERNETES
from simulator.store.store import Store

# The client's typed models take two seconds to import: one of xdist's workers does it.
pytestmark = pytest.mark.xdist_group("apiserver")
TOKEN = "alices-token"


@pytest.fixture
def api() -> Api:
    return Api(Store(time.time, ring=100), tokens={TOKEN: "alice"})


@pytest.fixture
def server(api: Api) -> Iterator[ApiServer]:
    with ApiServer(api, bookmark_interval=0.05) as running:
        yield running


def connect(server: ApiServer, token: str = TOKEN) -> k8s.ApiClient:
    settings = k8s.Configuration()
    settings.host, settings.proxy, settings.retries = server.url, None, False
    settings.api_key = {"authorization": f"Bearer {token}"}
    return k8s.ApiClient(settings)


@pytest.fixture
def connection(server: ApiServer) -> Iterator[k8s.ApiClient]:
    with connect(server) as connection:
        yield connection
        connection.rest_client.pool_manager.clear()


@pytest.fixture
def core(connection: k8s.ApiClient) -> Any:
    return k8s.CoreV1Api(connection)


@pytest.fixture
def custom(connection: k8s.ApiClient) -> Any:
    return k8s.CustomObjectsApi(connection)


def put_node(api: Api, name: str) -> Obj:
    return api.store.create("nodes", {"metadata": {"name": name}, "spec": {}, "status": {"conditions": []}})


def put_pod(api: Api, name: str) -> Obj:
    spec = {"nodeName": "n", "terminationGracePeriodSeconds": 60, "containers": [{"name": "compute"}]}
    meta = {"name": name, "namespace": "default"}
    return api.store.create("pods", {"metadata": meta, "spec": spec, "status": {"phase": "Running"}})


def put_vm(api: Api, name: str) -> Obj:
    return api.store.create("virtualmachines", {"metadata": {"name": name, "namespace": "default"}, "spec": {}})


def watched(call: Any, **options: Any) -> Generator[Obj, None, None]:
    """The events of a watch as the wire carries them."""
    response = call(watch=True, _preload_content=False, _request_timeout=20, **options)
    try:
        for line in response:
            yield json.loads(line)
    finally:
        response.close()


def refusal(error: pytest.ExceptionInfo[k8s.ApiException]) -> Obj:
    status: Obj = json.loads(error.value.body or "")
    assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", error.value.status)
    return status


def test_a_list_is_read_in_pages_of_one_snapshot(api: Api, core: Any) -> None:
    for number in range(5):
        put_node(api, f"n{number}")
    first = core.list_node(limit=3)
    put_node(api, "late")
    token = first.metadata._continue  # noqa: SLF001 - the client's own name, as `continue` is Python's
    second = core.list_node(limit=3, _continue=token)
    assert [node.metadata.name for node in first.items + second.items] == ["n0", "n1", "n2", "n3", "n4"]
    assert first.metadata.resource_version == second.metadata.resource_version
    assert second.metadata._continue is None  # noqa: SLF001 - as above


def test_five_thousand_nodes_are_listed_in_pages(api: Api, core: Any) -> None:
    for number in range(5000):
        put_node(api, f"n{number:04}")
    seen, token = 0, ""
    while seen == 0 or token:
        page = json.loads(core.list_node(limit=500, _continue=token, _preload_content=False).data)
        seen, token = seen + len(page["items"]), page["metadata"].get("continue", "")
    assert seen == 5000


def test_selectors_choose_what_is_listed(api: Api, core: Any) -> None:
    put_pod(api, "a")
    api.store.create("pods", {"metadata": {"name": "b", "namespace": "other", "labels": {"x": "y"}}})
    assert [pod.metadata.name for pod in core.list_pod_for_all_namespaces(label_selector="x in (y)").items] == ["b"]
    found = core.list_pod_for_all_namespaces(field_selector="spec.nodeName=n").items
    assert [pod.metadata.name for pod in found] == ["a"]
    with pytest.raises(k8s.ApiException) as error:
        core.list_namespaced_pod("default", label_selector="x in y")
    assert "x in y" in refusal(error)["message"]


def test_items_of_built_in_kinds_come_without_their_kind_and_custom_ones_with_it(api: Api, core: Any) -> None:
    put_node(api, "n")
    put_vm(api, "vm")
    (node,) = json.loads(core.list_node(_preload_content=False).data)["items"]
    customs: Any = k8s.CustomObjectsApi(core.api_client)
    vms = customs.list_cluster_custom_object("kubevirt.io", "v1", "virtualmachines")
    assert "kind" not in node
    assert vms["items"][0]["kind"] == "VirtualMachine"


def test_a_sleeping_watch_is_woken_by_another_threads_change(api: Api, core: Any) -> None:
    put_node(api, "old")
    events = watched(core.list_node)
    assert next(events)["object"]["metadata"]["name"] == "old"
    writer = threading.Thread(target=api.client("bob").create, args=("nodes", {"metadata": {"name": "new"}}))
    writer.start()
    event = next(events)
    writer.join()
    assert (event["type"], event["object"]["metadata"]["name"], event["object"]["kind"]) == ("ADDED", "new", "Node")
    events.close()


def test_a_watch_goes_on_from_a_list(api: Api, core: Any) -> None:
    put_node(api, "old")
    version = core.list_node().metadata.resource_version
    put_node(api, "new")
    events = watched(core.list_node, resource_version=version, timeout_seconds=1)
    assert [event["object"]["metadata"]["name"] for event in events] == ["new"]


def test_a_watch_without_a_version_begins_with_what_there_is(api: Api, core: Any) -> None:
    put_node(api, "old")
    types = [event["type"] for event in watched(core.list_node, timeout_seconds=1)]
    assert types == ["ADDED"]


def test_an_idle_watch_tells_how_far_it_is(api: Api, core: Any) -> None:
    put_node(api, "n")
    version = str(api.store.version)
    events = list(watched(core.list_node, resource_version=version, allow_watch_bookmarks=True, timeout_seconds=1))
    assert {event["type"] for event in events} == {"BOOKMARK"}
    assert {event["object"]["metadata"]["resourceVersion"] for event in events} == {version}


def test_a_watch_from_too_long_ago_ends_with_an_error_event(api: Api, core: Any) -> None:
    for number in range(110):
        put_node(api, f"n{number}")
    (event,) = watched(core.list_node, resource_version="2")
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_a_delete_with_the_uid_of_another_pod_conflicts(api: Api, core: Any) -> None:
    put_pod(api, "a")
    body = k8s.V1DeleteOptions(preconditions=k8s.V1Preconditions(uid="another"), grace_period_seconds=0)
    with pytest.raises(k8s.ApiException) as error:
        core.delete_namespaced_pod("a", "default", body=body)
    status = refusal(error)
    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert api.store.get("pods", "a", "default")
    assert (api.audit[-1].uid_precondition, api.audit[-1].grace_period, api.audit[-1].code) == ("another", 0, 409)


def test_a_pod_is_deleted_with_grace_and_then_by_force(api: Api, core: Any) -> None:
    uid = put_pod(api, "a")["metadata"]["uid"]
    graceful = core.delete_namespaced_pod("a", "default")
    assert graceful.metadata.deletion_grace_period_seconds == 60
    body = k8s.V1DeleteOptions(preconditions=k8s.V1Preconditions(uid=uid), grace_period_seconds=0)
    core.delete_namespaced_pod("a", "default", body=body)
    with pytest.raises(k8s.ApiException) as error:
        core.read_namespaced_pod("a", "default")
    assert refusal(error)["message"] == 'pods "a" not found'


def test_delete_options_may_come_in_the_query_and_a_dry_run_changes_nothing(api: Api, core: Any) -> None:
    put_pod(api, "a")
    core.delete_namespaced_pod("a", "default", grace_period_seconds=0, dry_run="All")
    assert "deletionTimestamp" not in api.store.get("pods", "a", "default")["metadata"]


def test_deleting_a_volume_attachment_answers_with_it_and_deleting_a_node_with_a_status(api: Api, core: Any) -> None:
    spec = {"attacher": "rbd", "nodeName": "n", "source": {"persistentVolumeName": "pv"}}
    api.store.create("volumeattachments", {"metadata": {"name": "va"}, "spec": spec})
    put_node(api, "n")
    attachment = k8s.StorageV1Api(core.api_client).delete_volume_attachment("va")
    assert attachment.spec.attacher == "rbd"
    assert json.loads(core.delete_node("n", _preload_content=False).data)["status"] == "Success"


def test_a_node_is_patched_strategically(api: Api, core: Any) -> None:
    put_node(api, "n")
    for kind in ("Ready", "MemoryPressure"):
        condition = {"type": kind, "status": "Unknown"}
        core.patch_node_status("n", {"status": {"conditions": [condition]}})
    patched = core.patch_node("n", {"metadata": {"labels": {"a": "b"}}})
    assert patched.metadata.labels == {"a": "b"}
    assert [condition.type for condition in patched.status.conditions] == ["Ready", "MemoryPressure"]


def test_a_json_patch_whose_test_fails_changes_nothing(api: Api, core: Any) -> None:
    put_node(api, "n")
    operations = [{"op": "test", "path": "/metadata/name", "value": "m"}, {"op": "remove", "path": "/spec"}]
    with pytest.raises(k8s.ApiException) as error:
        core.patch_node("n", operations)
    assert refusal(error)["code"] == 422


@pytest.mark.parametrize("content_type", ["application/strategic-merge-patch+json", "application/apply-patch+yaml"])
def test_a_custom_resource_takes_no_strategic_and_no_apply_patch(api: Api, custom: Any, content_type: str) -> None:
    put_vm(api, "vm")
    with pytest.raises(k8s.ApiException) as error:
        custom.patch_namespaced_custom_object(
            "kubevirt.io", "v1", "default", "virtualmachines", "vm", {}, _content_type=content_type
        )
    assert refusal(error)["code"] == 415


def test_custom_objects_are_created_read_patched_replaced_and_deleted(custom: Any) -> None:
    where = ("kubevirt.io", "v1", "default", "virtualmachines")
    vm: Obj = {"metadata": {"name": "vm"}, "spec": {"running": False}, "status": {"printableStatus": "x"}}
    made = custom.create_namespaced_custom_object(*where, vm)
    assert "status" not in made
    patched = custom.patch_namespaced_custom_object(
        *where, "vm", {"spec": {"running": True}}, _content_type="application/merge-patch+json"
    )
    assert (patched["spec"], patched["metadata"]["generation"]) == ({"running": True}, 2)
    with_status = custom.replace_namespaced_custom_object_status(
        *where, "vm", {**patched, "status": {"printableStatus": "Running"}}
    )
    assert with_status["status"] == {"printableStatus": "Running"}
    assert custom.get_namespaced_custom_object(*where, "vm") == with_status
    assert custom.delete_namespaced_custom_object(*where, "vm")["status"] == "Success"


def test_a_cluster_without_kubevirt_answers_not_found() -> None:
    api = Api(Store(time.time, resources=KUBERNETES))
    with ApiServer(api) as server, connect(server) as connection:
        with pytest.raises(k8s.ApiException) as error:
            k8s.CustomObjectsApi(connection).list_cluster_custom_object("kubevirt.io", "v1", "virtualmachines")
        connection.rest_client.pool_manager.clear()
    assert refusal(error)["code"] == 404


def test_an_unknown_token_is_unauthorized(server: ApiServer) -> None:
    with connect(server, "wrong") as connection:
        with pytest.raises(k8s.ApiException) as error:
            k8s.CoreV1Api(connection).list_node()
        connection.rest_client.pool_manager.clear()
    assert refusal(error)["code"] == 401


def test_what_a_user_may_not_do_is_forbidden(api: Api, core: Any) -> None:
    api.authorize = lambda _user, verb, _resource, _namespace: verb == "get"
    with pytest.raises(k8s.ApiException) as error:
        core.list_pod_for_all_namespaces()
    assert refusal(error)["message"] == (
        'pods is forbidden: User "alice" cannot list resource "pods" in API group "" at the cluster scope'
    )


def test_deleting_a_whole_collection_is_not_allowed(core: Any) -> None:
    with pytest.raises(k8s.ApiException) as error:
        core.delete_collection_namespaced_pod("default")
    assert refusal(error)["code"] == 405


def test_a_fault_reaches_the_client_with_its_code(api: Api, core: Any) -> None:
    api.faults.append(lambda _: ApiError(429, "TooManyRequests", "slow down"))
    with pytest.raises(k8s.ApiException) as error:
        core.list_node()
    assert refusal(error)["reason"] == "TooManyRequests"
    assert (error.value.headers or {})["Retry-After"] == "1"


def test_the_api_can_be_discovered(core: Any) -> None:
    connection = core.api_client
    kinds = {kind.name: kind for kind in core.get_api_resources().resources}
    assert kinds["pods"].short_names == ["po"]
    assert "pods/binding" in kinds
    assert {group.name for group in k8s.ApisApi(connection).get_api_versions().groups} == {
        "admissionregistration.k8s.io",
        "apps",
        "authorization.k8s.io",
        "cdi.kubevirt.io",
        "coordination.k8s.io",
        "csiaddons.openshift.io",
        "fence-agents-remediation.medik8s.io",
        "hwameistor.io",
        "instancetype.kubevirt.io",
        "kubevirt.io",
        "metal3.io",
        "self-node-remediation.medik8s.io",
        "storage.k8s.io",
    }
    assert k8s.VersionApi(connection).get_code().major == "1"


def test_a_stopped_server_ends_its_watches_refuses_connections_and_comes_back(api: Api, server: ApiServer) -> None:
    put_node(api, "n")
    ended: list[list[Obj]] = []
    begun = threading.Event()

    def follow() -> None:
        with connect(server) as connection:
            seen = []
            for event in watched(k8s.CoreV1Api(connection).list_node):
                seen.append(event)
                begun.set()
            ended.append(seen)
            connection.rest_client.pool_manager.clear()

    follower = threading.Thread(target=follow)
    follower.start()
    assert begun.wait(20)
    url = server.url
    server.stop()
    follower.join(20)
    assert [len(seen) for seen in ended] == [1]
    with connect(server) as connection:
        with pytest.raises(Exception, match="refused"):
            k8s.CoreV1Api(connection).list_node()
        server.start()
        assert server.url == url
        assert len(k8s.CoreV1Api(connection).list_node().items) == 1
        connection.rest_client.pool_manager.clear()


def test_a_port_that_is_taken_is_an_error_at_the_start(api: Api, server: ApiServer) -> None:
    second = ApiServer(api, port=server.port)
    with pytest.raises(OSError, match="Address already in use"):
        second.start()
    second.stop()
    api.client("bob").create("nodes", {"metadata": {"name": "n"}})


def test_the_official_client_asks_what_it_may_do(api: Api, connection: k8s.ApiClient) -> None:
    api.authorize = lambda _user, verb, resource, _namespace: (verb, resource) != ("delete", "pods")
    reviews = k8s.AuthorizationV1Api(connection)

    def may(verb: str, group: str = "") -> bool:
        asked = k8s.V1ResourceAttributes(verb=verb, group=group, resource="pods")
        spec = k8s.V1SelfSubjectAccessReviewSpec(resource_attributes=asked)
        answer = reviews.create_self_subject_access_review(k8s.V1SelfSubjectAccessReview(spec=spec))
        return bool(answer.status and answer.status.allowed)

    assert (may("get"), may("delete"), may("get", "apps")) == (True, False, False)


def test_a_question_is_not_kept(custom: Any) -> None:
    with pytest.raises(k8s.ApiException) as error:
        custom.list_cluster_custom_object("authorization.k8s.io", "v1", "selfsubjectaccessreviews")
    assert refusal(error)["code"] == 405


def test_a_vm_is_expanded_by_the_aggregated_api_and_not_by_its_own(api: Api, connection: k8s.ApiClient) -> None:
    size = {"cpu": {"guest": 2}, "memory": {"guest": "1Gi"}, "nodeSelector": {"pool": "gpu"}}
    api.store.create("virtualmachineclusterinstancetypes", {"metadata": {"name": "u1"}, "spec": size})
    spec = {"instancetype": {"name": "u1"}, "template": {"spec": {"domain": {}}}}
    api.store.create("virtualmachines", {"metadata": {"name": "vm", "namespace": "default"}, "spec": spec})

    def ask(group: str = "subresources.kubevirt.io", name: str = "vm") -> tuple[int, Any]:
        path = f"/apis/{group}/v1/namespaces/default/virtualmachines/{name}/expand-spec"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = connection.configuration.host + path
        answer = connection.rest_client.pool_manager.request("GET", url, headers=headers)
        return answer.status, json.loads(answer.data)

    code, found = ask()
    assert (code, found["spec"]["template"]["spec"]["nodeSelector"]) == (200, {"pool": "gpu"})
    assert [ask("kubevirt.io")[0], ask(name="nobody")[0]] == [404, 404]
    api.authorize = lambda _user, verb, resource, _: (verb, resource) != ("get", "virtualmachines/expand-spec")
    assert ask()[0] == 403
