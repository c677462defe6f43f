"""What the API server says of itself and of us: the twin and the real one keep the same promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reactor.adapters.kubernetes.cluster import Survey
from reactor.model import errors
from simulator.api.api import Api
from simulator.client import ApiError
from simulator.store.resources import KUBERNETES, SERVED
from tests.contracts.clusters import USER, an_api, answering, opened, over_http

KINDS = ["http", "memory"]


def surveyed(cluster: Any) -> Survey:
    """Both doors can do more than the Cluster's Protocol says."""
    found: Survey = cluster
    return found


@pytest.fixture
def api() -> Api:
    return an_api()


@pytest.fixture(params=KINDS)
def cluster(request: pytest.FixtureRequest, api: Api, tmp_path: Path) -> Iterator[Any]:
    with opened(request.param, api, tmp_path) as found:
        yield found


def test_the_api_server_reports_its_version(cluster: Any) -> None:
    assert surveyed(cluster).version() == "v1.36.0+simulated"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("resource", "there"), [("pods", True), ("leases", True), ("virtualmachines", False)])
def test_a_kind_is_served_where_it_is_installed(kind: str, resource: str, there: bool, tmp_path: Path) -> None:
    with opened(kind, an_api(resources=KUBERNETES), tmp_path) as cluster:
        assert surveyed(cluster).serves(resource) is there


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_without_that_kind_does_not_serve_it(kind: str, tmp_path: Path) -> None:
    fewer = tuple(one for one in SERVED if one.plural != "kubevirts")
    with opened(kind, an_api(resources=fewer), tmp_path) as cluster:
        assert surveyed(cluster).serves("virtualmachines")
        assert not surveyed(cluster).serves("kubevirts")


def test_each_verb_is_told_as_it_is_granted(api: Api, cluster: Any) -> None:
    api.authorize = lambda user, verb, resource, _: (
        (user, verb, resource)
        in {
            (USER, "get", "pods"),
            (USER, "list", "virtualmachines"),
            (USER, "create", "selfsubjectaccessreviews"),
        }
    )
    assert cluster.may("get", "pods")
    assert cluster.may("get", "pods", "shop", "launcher")
    assert not cluster.may("delete", "pods")
    assert cluster.may("list", "virtualmachines")
    assert not cluster.may("list", "nodes")


def test_a_kind_may_be_named_with_its_group(api: Api, cluster: Any) -> None:
    kind = "fence-agents-remediation.medik8s.io/v1alpha1/fenceagentsremediations"
    assert cluster.serves(kind)
    assert not cluster.serves("fence-agents-remediation.medik8s.io/v1alpha1/others")
    api.authorize = lambda _user, verb, resource, _: (
        (verb, resource)
        in {
            ("list", "fenceagentsremediations"),
            ("create", "selfsubjectaccessreviews"),
        }
    )
    assert cluster.may("list", kind)
    assert not cluster.may("delete", kind)


def test_a_right_in_one_namespace_is_none_in_all(api: Api, cluster: Any) -> None:
    api.authorize = lambda _user, _verb, resource, namespace: resource != "configmaps" or namespace == "vm-drift"
    assert cluster.may("get", "configmaps", "vm-drift", "vm-drift-interventions")
    assert not cluster.may("get", "configmaps")


def test_asking_stores_nothing_and_is_seen_in_the_audit(api: Api, cluster: Any) -> None:
    version = api.store.version
    cluster.may("get", "pods")
    assert api.store.version == version
    assert [(entry.verb, entry.resource, entry.code) for entry in api.audit] == [
        ("create", "selfsubjectaccessreviews", 201)
    ]


def test_who_may_not_even_ask_is_forbidden(api: Api, cluster: Any) -> None:
    api.authorize = lambda *_: False
    with pytest.raises(errors.Forbidden, match="selfsubjectaccessreviews"):
        cluster.may("get", "pods")


@pytest.mark.parametrize("code", [429, 503])
def test_later_means_that_nothing_is_known(api: Api, cluster: Any, code: int) -> None:
    api.faults.append(lambda _: ApiError(code, "Later", "not now"))
    with pytest.raises(errors.ClusterUnreachable, match="not now"):
        cluster.may("get", "pods")


@pytest.mark.parametrize("body", [b"null", b"{}", b'{"status": "Success"}', b"[]", b"<html>"])
def test_an_answer_that_is_none_is_no_right(tmp_path: Path, body: bytes) -> None:
    words = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with answering(words) as url, over_http(url, tmp_path) as cluster, pytest.raises(errors.ClusterUnreachable):
        cluster.may("get", "pods")


@pytest.mark.parametrize("body", [b"null", b"{}", b'{"resources": "pods"}'])
def test_an_answer_that_is_none_tells_of_no_kind(tmp_path: Path, body: bytes) -> None:
    words = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with answering(words) as url, over_http(url, tmp_path) as cluster, pytest.raises(errors.ClusterUnreachable):
        cluster.serves("pods")


@pytest.mark.parametrize("body", [b"null", b"{}", b'{"gitVersion": 1}'])
def test_an_answer_that_is_none_tells_of_no_version(tmp_path: Path, body: bytes) -> None:
    words = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with answering(words) as url, over_http(url, tmp_path) as cluster, pytest.raises(errors.ClusterUnreachable):
        surveyed(cluster).version()


@pytest.mark.parametrize("grace", [0, None])
def test_a_rehearsed_deletion_deletes_nothing(api: Api, cluster: Any, grace: int | None) -> None:
    pod = api.store.create("pods", {"metadata": {"name": "launcher", "namespace": "shop"}})
    version = api.store.version
    surveyed(cluster).rehearse_delete("pods", pod, grace)
    kept = api.store.get("pods", "launcher", "shop")
    assert (api.store.version, "deletionTimestamp" in kept["metadata"]) == (version, False)
    entry = api.audit[-1]
    assert (entry.verb, entry.uid_precondition, entry.grace_period) == ("delete", pod["metadata"]["uid"], grace)


def test_a_rehearsed_deletion_raises_what_the_real_one_would(api: Api, cluster: Any) -> None:
    pod = api.store.create("pods", {"metadata": {"name": "launcher", "namespace": "shop"}})
    another = {"metadata": {**pod["metadata"], "uid": "another"}}
    with pytest.raises(errors.Conflict):
        surveyed(cluster).rehearse_delete("pods", another, 0)
    with pytest.raises(errors.NotFound):
        surveyed(cluster).rehearse_delete("pods", {"metadata": {**pod["metadata"], "name": "gone"}}, 0)
    api.authorize = lambda _user, verb, _resource, _namespace: verb != "delete"
    with pytest.raises(errors.Forbidden):
        surveyed(cluster).rehearse_delete("pods", pod, 0)


def test_where_the_body_is_lost_on_the_way_a_rehearsed_deletion_is_still_none(tmp_path: Path) -> None:
    """Some proxies drop the body of a DELETE: the query says it, too."""
    sent = list[tuple[str, Any]]()
    with over_http("http://127.0.0.1:9", tmp_path) as cluster:
        pool = cluster.api.rest_client.pool_manager

        def request(method: str, url: str, **more: Any) -> Any:
            sent.append((f"{method} {url}", more))
            raise ConnectionError(url)

        pool.request = request
        with pytest.raises(Exception, match="dryRun"):
            cluster.rehearse_delete("pods", {"metadata": {"name": "x", "uid": "u", "resourceVersion": "1"}}, 0)
    assert sent
    assert "dryRun=All" in sent[0][0]
