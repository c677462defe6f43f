"""What `reactor.adapters.kubernetes.cluster.Cluster` promises, asked over HTTP and of the twin."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from reactor.adapters.kubernetes import cluster as door
from reactor.adapters.kubernetes.cluster import Scope
from reactor.model import errors
from simulator.api.api import Api
from simulator.client import ApiError
from simulator.store.resources import KUBERNETES
from tests.contracts.clusters import Opened, an_api, opened, put_node, put_pod

KINDS = ["http", "memory"]


@pytest.fixture
def api() -> Api:
    return an_api()


@pytest.fixture(params=KINDS)
def cluster(request: pytest.FixtureRequest, api: Api, tmp_path: Path) -> Iterator[Opened]:
    with opened(request.param, api, tmp_path) as found:
        yield found


def names(pages: Iterator[door.Page]) -> list[list[str]]:
    return [[obj["metadata"]["name"] for obj in page.items] for page in pages]


def changes(cluster: Opened, version: str, count: int) -> list[tuple[str, str]]:
    """The first changes of Nodes after a version."""
    watch = cluster.watch("nodes", version, silence=5)
    told = ((kind, obj["metadata"]["name"]) for kind, obj in watch if kind != "BOOKMARK")
    return list(islice(told, count))


def test_an_object_is_found_as_it_is(api: Api, cluster: Opened) -> None:
    node, pod = put_node(api, "node-a"), put_pod(api, "launcher")
    assert cluster.find("nodes", "node-a") == node
    assert cluster.find("pods", "launcher", "shop") == pod


def test_what_was_found_is_the_callers_own(api: Api, cluster: Opened) -> None:
    put_node(api, "node-a")
    found = cluster.find("nodes", "node-a")
    assert found
    found["metadata"]["name"] = "changed"
    assert api.store.get("nodes", "node-a")["metadata"]["name"] == "node-a"


@pytest.mark.parametrize("resource", ["pods", "virtualmachines"])
def test_an_object_that_is_not_there_is_none(cluster: Opened, resource: str) -> None:
    assert cluster.find(resource, "absent", "shop") is None


# What a tenant can write where a name is expected, and a few that are only odd.
_ODD = [
    *("", ".", "..", "./launcher", "../pods/launcher", "../../office/pods/other", "../../..", "../../../../../.."),
    *("launcher/status", "launcher/log", "launcher/", "/launcher", "/", "a/b/c/d", "launcher/../other"),
    *("a?b", "a#b", "a b", "%2e%2e", "launcher%2Fstatus", "Launcher", "ä", "a" * 300, "launcher\n", "a..b", "-a", "a-"),
]


_PLACES = (".", "..", "../namespaces/shop", "shop/pods", "Shop", "shop?watch=1")


def test_what_is_no_name_is_a_bug_and_asked_of_nobody(api: Api, cluster: Opened) -> None:
    put_pod(api, "launcher")
    put_pod(api, "other", namespace="office")
    for name in _ODD:
        with pytest.raises(errors.InvalidName, match="is not a valid name of a Kubernetes object"):
            cluster.find("pods", name, "shop")
        with pytest.raises(errors.InvalidName, match="is not a valid name of a Kubernetes object"):
            cluster.delete("pods", name, "shop", uid="any", grace=0)
    assert not api.audit


def test_what_is_no_namespace_is_a_bug_and_asked_of_nobody(api: Api, cluster: Opened) -> None:
    put_pod(api, "launcher")
    for place in _PLACES:
        with pytest.raises(errors.InvalidName):
            cluster.find("pods", "launcher", place)
        with pytest.raises(errors.InvalidName):
            next(cluster.pages("pods", namespace=place))
    assert not api.audit


def test_every_valid_name_is_asked_for(api: Api, cluster: Opened) -> None:
    for name in ("a", "a.b-c.d0", "0", "x" * 253):
        pod = put_pod(api, name)
        assert cluster.find("pods", name, "shop") == pod


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_is_not_installed_is_not_served(kind: str, tmp_path: Path) -> None:
    with opened(kind, an_api(resources=KUBERNETES), tmp_path) as cluster:
        with pytest.raises(errors.NotServed):
            cluster.find("virtualmachines", "db", "shop")
        with pytest.raises(errors.NotServed):
            next(cluster.pages("virtualmachines"))
        assert cluster.find("pods", "absent", "shop") is None


def test_a_list_comes_in_pages_of_one_version(api: Api, cluster: Opened) -> None:
    for number in range(5):
        put_node(api, f"n{number}")
    version = api.store.version
    pages = list(cluster.pages("nodes", limit=2))
    assert names(iter(pages)) == [["n0", "n1"], ["n2", "n3"], ["n4"]]
    assert {page.version for page in pages} == {str(version)}
    assert [page.more for page in pages] == [True, True, False]


def test_an_empty_list_is_one_empty_page(api: Api, cluster: Opened) -> None:
    assert list(cluster.pages("nodes")) == [door.Page([], str(api.store.version))]


def test_the_next_page_is_asked_for_only_when_it_is_wanted(api: Api, cluster: Opened) -> None:
    for number in range(5):
        put_node(api, f"n{number}")
    next(cluster.pages("nodes", limit=2))
    assert [entry.verb for entry in api.audit] == ["list"]


def test_a_streamed_list_takes_one_request(api: Api, cluster: Opened) -> None:
    assert list(cluster.pages("nodes", limit=door.STREAMED)) == [door.Page([], str(api.store.version))]
    for number in range(door.PAGE + 1):
        put_node(api, f"n{number}")
    api.audit.clear()
    pages = list(cluster.pages("nodes", limit=door.STREAMED))
    assert sorted(name for page in names(iter(pages)) for name in page) == sorted(
        f"n{number}" for number in range(door.PAGE + 1)
    )
    assert pages[-1].version == str(api.store.version)
    assert [entry.verb for entry in api.audit] == ["watch"]


def test_a_streamed_list_is_chosen_by_its_scope(api: Api, cluster: Opened) -> None:
    put_pod(api, "a", node="node-a")
    put_pod(api, "b", node="node-b")
    put_pod(api, "c", node="node-a", namespace="office")
    assert names(cluster.pages("pods", namespace="shop", fields="spec.nodeName=node-a", limit=door.STREAMED)) == [["a"]]
    scope = Scope("office", labels="kubevirt.io=virt-launcher", metadata=True)
    assert [page.items[0]["kind"] for page in cluster.scoped("pods", scope, door.STREAMED)] == ["PartialObjectMetadata"]


@pytest.mark.parametrize("code", [403, 422])
def test_where_lists_are_not_streamed_they_come_in_pages(api: Api, cluster: Opened, code: int) -> None:
    put_node(api, "node-a")
    refused = ApiError(code, "Refused", "the WatchList feature gate is off, or no right to watch")
    api.faults.append(lambda request: refused if request.verb == "watch" else None)
    assert names(cluster.pages("nodes", limit=door.STREAMED)) == [["node-a"]]
    assert [entry.verb for entry in api.audit] == ["watch", "list"]


def test_a_list_is_chosen_by_namespace_labels_and_fields(api: Api, cluster: Opened) -> None:
    put_pod(api, "a", node="node-a")
    put_pod(api, "b", node="node-b")
    put_pod(api, "c", node="node-a", namespace="office")
    assert names(cluster.pages("pods", fields="spec.nodeName=node-a")) == [["c", "a"]]
    assert names(cluster.pages("pods", namespace="shop")) == [["a", "b"]]
    assert names(cluster.pages("pods", labels="kubevirt.io=virt-launcher", namespace="office")) == [["c"]]
    assert names(cluster.pages("pods", labels="kubevirt.io in (virt-handler)")) == [[]]


def test_a_watch_tells_what_changed_after_a_version(api: Api, cluster: Opened) -> None:
    put_node(api, "old")
    version = list(cluster.pages("nodes"))[-1].version
    put_node(api, "new")
    api.store.update("nodes", {**api.store.get("nodes", "new"), "spec": {"unschedulable": True}})
    api.store.delete("nodes", "old")
    assert changes(cluster, version, 3) == [("ADDED", "new"), ("MODIFIED", "new"), ("DELETED", "old")]


def test_a_watch_reports_what_its_scope_selects(api: Api, cluster: Opened) -> None:
    version = put_pod(api, "elsewhere", node="node-b")["metadata"]["resourceVersion"]
    put_pod(api, "a", node="node-a", namespace="office")
    put_pod(api, "b", node="node-a")
    for scope, name in ((Scope(fields="spec.nodeName=node-a"), "a"), (Scope(namespace="shop"), "b")):
        reported = (obj for kind, obj in cluster.watch("pods", version, 5, scope) if kind != "BOOKMARK")
        assert next(reported)["metadata"]["name"] == name
    labelled = Scope(labels="kubevirt.io=virt-launcher", metadata=True)
    reported = (obj for kind, obj in cluster.watch("pods", version, 5, labelled) if kind != "BOOKMARK")
    assert next(reported)["metadata"]["labels"] == {"kubevirt.io": "virt-launcher"}


@pytest.mark.parametrize("resource", ["pods", "virtualmachines"])
def test_of_metadata_alone_nothing_else_is_sent(api: Api, cluster: Opened, resource: str) -> None:
    vm = {"kind": "VirtualMachine", "metadata": {"name": "a", "namespace": "shop"}, "spec": {"runStrategy": "Always"}}
    version = str(api.store.version)
    obj = put_pod(api, "a") if resource == "pods" else api.store.create(resource, vm)
    partial = {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }
    assert [page.items for page in cluster.scoped(resource, Scope(metadata=True), 10)] == [[partial]]
    watch = cluster.watch(resource, version, 5, Scope(metadata=True))
    assert next((kind, obj) for kind, obj in watch if kind != "BOOKMARK") == ("ADDED", partial)


def test_a_watch_from_too_long_ago_is_expired(api: Api, cluster: Opened) -> None:
    for number in range(110):
        put_node(api, f"n{number}")
    with pytest.raises(errors.Expired, match="too old resource version"):
        changes(cluster, "2", 1)


def test_an_object_is_deleted_by_name_and_uid(api: Api, cluster: Opened) -> None:
    pod = put_pod(api, "launcher")
    cluster.delete("pods", "launcher", "shop", uid=pod["metadata"]["uid"], grace=0)
    assert cluster.find("pods", "launcher", "shop") is None


def test_without_a_grace_period_of_ours_the_objects_own_counts(api: Api, cluster: Opened) -> None:
    pod = put_pod(api, "launcher")
    cluster.delete("pods", "launcher", "shop", uid=pod["metadata"]["uid"])
    found = cluster.find("pods", "launcher", "shop")
    assert found
    assert found["metadata"]["deletionGracePeriodSeconds"] == 60


def test_another_object_of_that_name_is_not_deleted(api: Api, cluster: Opened) -> None:
    pod = put_pod(api, "launcher")
    with pytest.raises(errors.Conflict):
        cluster.delete("pods", "launcher", "shop", uid="another", grace=0)
    assert cluster.find("pods", "launcher", "shop") == pod


@pytest.mark.parametrize(("resource", "namespace"), [("pods", "shop"), ("volumeattachments", "")])
def test_with_a_version_an_object_is_deleted_only_as_it_was_read(
    api: Api, cluster: Opened, resource: str, namespace: str
) -> None:
    spec = {"nodeName": "node-a", "attacher": "csi", "source": {"persistentVolumeName": "pv"}}
    place = {"namespace": namespace} if namespace else {}
    read = api.store.create(resource, {"metadata": {"name": "it", **place}, "spec": spec})["metadata"]
    touched = api.store.get(resource, "it", namespace)
    changed = api.store.update(resource, {**touched, "status": {"message": "changed"}})["metadata"]
    with pytest.raises(errors.Conflict):
        cluster.delete(resource, "it", namespace, uid=read["uid"], grace=0, version=read["resourceVersion"])
    assert cluster.find(resource, "it", namespace)
    with pytest.raises(errors.Conflict):
        cluster.delete(resource, "it", namespace, uid="another", grace=0, version=changed["resourceVersion"])
    cluster.delete(resource, "it", namespace, uid=read["uid"], grace=0, version=changed["resourceVersion"])
    assert cluster.find(resource, "it", namespace) is None


def test_its_time_is_that_of_its_last_answer_in_whole_seconds_and_none_before_the_first(
    api: Api, cluster: Opened
) -> None:
    assert cluster.time() is None
    api.store.clock = lambda: 1_795_000_000.9
    cluster.find("nodes", "node-a")
    api.store.clock = lambda: 1_795_000_777.0
    assert cluster.time() == 1_795_000_000.0
    with pytest.raises(errors.NotFound):
        cluster.delete("nodes", "node-a", uid="gone")
    assert cluster.time() == 1_795_000_777.0


def test_deleting_what_is_gone_is_not_found(cluster: Opened) -> None:
    with pytest.raises(errors.NotFound):
        cluster.delete("pods", "launcher", "shop", uid="gone", grace=0)


def test_a_verb_that_is_not_granted_is_forbidden_and_named(api: Api, cluster: Opened) -> None:
    pod = put_pod(api, "launcher")
    api.authorize = lambda _user, verb, _resource, _namespace: verb not in {"get", "list", "watch", "delete"}
    with pytest.raises(errors.Forbidden, match='cannot get resource "pods"'):
        cluster.find("pods", "launcher", "shop")
    with pytest.raises(errors.Forbidden, match='cannot list resource "nodes"'):
        next(cluster.pages("nodes"))
    with pytest.raises(errors.Forbidden, match='cannot watch resource "nodes"'):
        changes(cluster, "1", 1)
    with pytest.raises(errors.Forbidden, match='cannot delete resource "pods"'):
        cluster.delete("pods", "launcher", "shop", uid=pod["metadata"]["uid"])


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_later_and_server_errors_mean_that_nothing_is_known(api: Api, cluster: Opened, code: int) -> None:
    pod = put_pod(api, "launcher")
    api.faults.append(lambda _: ApiError(code, "Later", "not now"))
    with pytest.raises(errors.ClusterUnreachable, match="not now"):
        cluster.find("nodes", "node-a")
    with pytest.raises(errors.ClusterUnreachable, match="not now"):
        next(cluster.pages("nodes"))
    with pytest.raises(errors.ClusterUnreachable, match="not now"):
        changes(cluster, "1", 1)
    with pytest.raises(errors.ClusterUnreachable, match="not now"):
        cluster.delete("pods", "launcher", "shop", uid=pod["metadata"]["uid"])


def test_a_deletion_whose_answer_was_lost_has_happened(api: Api, cluster: Opened) -> None:
    pod = put_pod(api, "launcher")
    api.late_faults.append(lambda _: ApiError(504, "Timeout", "too late"))
    with pytest.raises(errors.ClusterUnreachable):
        cluster.delete("pods", "launcher", "shop", uid=pod["metadata"]["uid"], grace=0)
    api.late_faults.clear()
    assert cluster.find("pods", "launcher", "shop") is None


def test_any_other_refusal_is_rejected(cluster: Opened) -> None:
    with pytest.raises(errors.Rejected):
        next(cluster.pages("pods", labels="a in b"))


def test_the_clusters_identity_is_that_of_its_namespace_kube_system(api: Api, cluster: Opened) -> None:
    with pytest.raises(errors.Rejected, match="is this a Kubernetes cluster"):
        door.uid(cluster)
    made = api.store.create("namespaces", {"metadata": {"name": "kube-system"}})
    assert door.uid(cluster) == made["metadata"]["uid"]
