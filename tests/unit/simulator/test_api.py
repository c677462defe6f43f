"""Users, strategies, faults, the audit and the in-process client of the simulated API."""

from typing import Any

import pytest

from simulator.api.api import Api
from simulator.audit import AuditEntry, Request
from simulator.client import ApiError, Client, Informer, Obj
from simulator.store.store import Store

NOW = 1_000_000.0


@pytest.fixture
def api() -> Api:
    return Api(Store(lambda: NOW, ring=10))


@pytest.fixture
def client(api: Api) -> Client:
    return api.client("system:kube-controller-manager")


def pod(name: str = "a", *, namespace: str = "default", **spec: Any) -> Obj:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


def test_what_the_client_hands_out_is_the_callers_own(client: Client) -> None:
    mine = client.create("pods", pod())
    mine["metadata"]["name"] = "spoilt"
    client.get("pods", "a", "default")["spec"]["spoilt"] = True
    client.list("pods")[0]["spec"]["spoilt"] = True
    assert client.get("pods", "a", "default")["spec"] == {}


def test_what_the_client_hands_in_stays_the_callers(client: Client) -> None:
    mine = pod()
    client.create("pods", mine)
    mine["spec"]["spoilt"] = True
    assert client.get("pods", "a", "default")["spec"] == {}


def test_a_created_pod_is_pending_whatever_its_maker_says(client: Client) -> None:
    made = client.create("pods", {**pod(), "status": {"phase": "Running"}})
    assert made["status"] == {"phase": "Pending"}


def test_a_kubelet_registers_its_node_with_its_status(client: Client) -> None:
    made = client.create("nodes", {"metadata": {"name": "n"}, "status": {"conditions": []}})
    assert made["status"] == {"conditions": []}


def test_a_creator_cannot_choose_what_only_the_server_writes(client: Client) -> None:
    forged = pod()
    forged["metadata"] |= {"uid": "mine", "deletionTimestamp": "2020-01-01T00:00:00Z", "resourceVersion": "77"}
    meta = client.create("pods", forged)["metadata"]
    assert meta["uid"] != "mine"
    assert meta["resourceVersion"] != "77"
    assert "deletionTimestamp" not in meta


def test_a_write_to_the_object_leaves_its_status_alone(client: Client) -> None:
    client.create("pods", pod())
    done = client.patch("pods", "a", {"spec": {"x": 1}, "status": {"phase": "Running"}}, "default")
    assert (done["spec"], done["status"]) == ({"x": 1}, {"phase": "Pending"})


def test_a_write_to_the_status_changes_nothing_else(client: Client) -> None:
    made = client.create("pods", pod())
    made |= {"spec": {"x": 1}, "status": {"phase": "Running"}}
    made["metadata"]["labels"] = {"a": "b"}
    done = client.update("pods", made, "status")
    assert (done["spec"], done["status"]) == ({}, {"phase": "Running"})
    assert "labels" not in done["metadata"]
    assert done["metadata"]["generation"] == 1


def test_a_status_write_of_an_outdated_version_conflicts(client: Client) -> None:
    made = client.create("pods", pod())
    client.patch("pods", "a", {"status": {"phase": "Running"}}, "default", "status")
    with pytest.raises(ApiError, match="the object has been modified"):
        client.update("pods", {**made, "status": {"phase": "Failed"}}, "status")


def test_only_kubevirt_writes_the_status_of_a_vmi_and_others_are_not_told(api: Api) -> None:
    handler, stranger = api.client("system:kubevirt:handler"), api.client("admin")
    handler.create("virtualmachineinstances", {**pod("vm"), "status": {"phase": "Running"}})
    patch = {"metadata": {"labels": {"a": "b"}}, "status": {"phase": "Failed"}}
    answered = stranger.patch("virtualmachineinstances", "vm", patch, "default")
    assert (answered["status"], answered["metadata"]["labels"]) == ({"phase": "Running"}, {"a": "b"})
    assert api.audit[-1].code == 200
    assert handler.patch("virtualmachineinstances", "vm", patch, "default")["status"] == {"phase": "Failed"}


def test_a_vmi_has_no_status_subresource(api: Api) -> None:
    handler = api.client("system:kubevirt:handler")
    handler.create("virtualmachineinstances", pod("vm"))
    with pytest.raises(ApiError) as error:
        handler.patch("virtualmachineinstances", "vm", {"status": {}}, "default", "status")
    assert error.value.code == 404


def test_a_write_that_names_another_object_than_its_path_is_refused(api: Api, client: Client) -> None:
    client.create("pods", pod())
    with pytest.raises(ApiError, match="does not match the name on the URL"):
        api.update(Request("u", "update", "pods", "default", "a"), pod("b"))


def test_binding_a_pod_assigns_its_node_and_says_so(client: Client) -> None:
    client.create("pods", pod())
    binding = {**pod(), "target": {"kind": "Node", "name": "n"}}
    client.create("pods/binding", binding)
    bound = client.get("pods", "a", "default")
    assert bound["spec"]["nodeName"] == "n"
    (condition,) = bound["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("PodScheduled", "True")
    with pytest.raises(ApiError, match='already assigned to node "n"'):
        client.create("pods/binding", binding)


def test_an_unknown_token_is_unauthorized() -> None:
    api = Api(Store(lambda: NOW), tokens={"good": "alice"})
    assert api.user_of("good") == "alice"
    for token in ("bad", ""):
        with pytest.raises(ApiError) as error:
            api.user_of(token)
        assert error.value.code == 401


def test_a_forbidden_request_is_refused_in_the_usual_words() -> None:
    api = Api(Store(lambda: NOW), authorize=lambda _user, verb, resource, _: (verb, resource) == ("get", "pods"))
    with pytest.raises(ApiError) as error:
        api.client("bob").list("virtualmachines", "ns")
    assert error.value.message == (
        'virtualmachines.kubevirt.io is forbidden: User "bob" cannot list resource "virtualmachines" '
        'in API group "kubevirt.io" in the namespace "ns"'
    )
    with pytest.raises(ApiError, match='cannot patch resource "pods/status" in API group "" at the cluster scope'):
        api.client("bob").patch("pods", "a", {}, subresource="status")
    assert [entry.code for entry in api.audit] == [403, 403]


def test_the_audit_tells_who_did_what_with_which_preconditions(api: Api) -> None:
    client = api.client("alice")
    uid = client.create("pods", {"metadata": {"generateName": "p-", "namespace": "default"}})["metadata"]["uid"]
    name = api.audit[-1].name
    assert name.startswith("p-")
    with pytest.raises(ApiError):
        client.delete("pods", name, "default", uid="another", grace=0)
    client.delete("pods", name, "default", uid=uid, grace=0)
    assert list(api.audit) == [
        AuditEntry(NOW, "alice", "create", "pods", "", "default", name, None, None, 201),
        AuditEntry(NOW, "alice", "delete", "pods", "", "default", name, "another", 0, 409),
        AuditEntry(NOW, "alice", "delete", "pods", "", "default", name, uid, 0, 200),
    ]


def test_a_fault_refuses_a_request_before_it_takes_effect(api: Api, client: Client) -> None:
    api.faults.append(lambda request: ApiError(503, "ServiceUnavailable", "no") if request.verb == "create" else None)
    with pytest.raises(ApiError, match="503"):
        client.create("pods", pod())
    assert client.list("pods") == []


def test_a_late_fault_hides_that_a_request_took_effect(api: Api, client: Client) -> None:
    api.late_faults.append(lambda request: ApiError(504, "Timeout", "?") if request.verb == "create" else None)
    with pytest.raises(ApiError, match="504"):
        client.create("pods", pod())
    assert len(client.list("pods")) == 1


def informed(informer: Informer) -> list[tuple[str, str]]:
    return [(kind, obj["metadata"]["name"]) for kind, obj in informer.poll()]


def test_an_informer_reports_what_there_is_and_then_what_changes(client: Client) -> None:
    client.create("pods", pod("a"))
    client.create("pods", pod("b", namespace="other"))
    everything, some = client.informer("pods"), client.informer("pods", "default")
    assert informed(everything) == [("ADDED", "a"), ("ADDED", "b")]
    assert informed(some) == [("ADDED", "a")]
    client.delete("pods", "b", "other", grace=0)
    client.patch("pods", "a", {"metadata": {"labels": {"x": "y"}}}, "default")
    assert informed(everything) == [("MODIFIED", "b"), ("DELETED", "b"), ("MODIFIED", "a")]
    assert informed(some) == [("MODIFIED", "a")]
    assert informed(some) == []
    assert list(everything.objects) == [("default", "a")]


def test_an_informer_that_slept_too_long_lists_anew_and_reports_the_difference(client: Client) -> None:
    for name in ("goes", "stays", "changes"):
        client.create("pods", pod(name))
    informer = client.informer("pods")
    informer.poll()
    client.delete("pods", "goes", "default", grace=0)
    client.patch("pods", "changes", {"spec": {"x": 1}}, "default")
    for number in range(10):
        client.create("pods", pod(f"new{number}"))
        client.delete("pods", f"new{number}", "default", grace=0)
    client.create("pods", pod("comes"))
    assert informed(informer) == [("DELETED", "goes"), ("ADDED", "comes"), ("MODIFIED", "changes")]
    assert informer.poll() == []


def test_a_watch_with_a_selector_tells_what_comes_into_sight_and_what_leaves_it(api: Api, client: Client) -> None:
    watch = api.watch(Request("u", "watch", "pods"), labels="app=web", fields="metadata.namespace=default")
    client.create("pods", pod())
    seen = watch.poll()
    for labels in ({"app": "web"}, {"app": "web", "x": "y"}, {"app": None}):
        client.patch("pods", "a", {"metadata": {"labels": labels}}, "default")
        seen += watch.poll()
    assert [kind for kind, _ in seen] == ["ADDED", "MODIFIED", "DELETED"]


def test_a_watch_from_the_future_is_refused(api: Api) -> None:
    with pytest.raises(ApiError, match="Too large resource version"):
        api.watch(Request("u", "watch", "pods"), since=99).poll()
