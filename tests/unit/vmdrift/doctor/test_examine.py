"""Where the facts come from: the environment, and a cluster by its door."""

from dataclasses import replace

import pytest

from reactor.model.times import format_time
from reactor.settings import Settings
from rehearsal.twins.cluster import ApiCluster
from simulator.api.api import Api
from simulator.client import ApiError
from simulator.store.resources import KUBERNETES, SERVED
from simulator.store.store import Store
from vmdrift.doctor.examine import cluster_facts, configured, examine
from vmdrift.doctor.facts import ClusterFacts, KubeVirt, Skew, Unreadable
from vmdrift.doctor.needs import ROLES, Right

NOW = 1_795_502_400.0


def an_api(**more: object) -> Api:
    return Api(Store(lambda: NOW, **more))  # type: ignore[arg-type]  # what the test says


SETTINGS = Settings(namespace="vm-drift")


def asked(api: Api, *, ahead: float = 0.0, settings: Settings = SETTINGS) -> ClusterFacts:
    """By a machine whose clock is `ahead` of the API server's."""
    return cluster_facts(ApiCluster(api, "somebody"), "https://api", settings, ROLES, lambda: NOW + ahead)


def test_a_malformed_setting_a_stranger_and_what_is_given_are_told_apart() -> None:
    found = configured({"VMDRIFT_RESYNC": "soon", "VMDRIFT_POLICY": "observe", "VMDRIFT_POLYCY": "auto", "K_SINK": ""})
    assert found.settings.policy == "observe"
    assert found.settings.resync == 60.0
    assert list(found.wrong or ()) == ["VMDRIFT_RESYNC"]
    assert found.given == ("VMDRIFT_POLICY", "VMDRIFT_RESYNC")
    assert found.strange == ("VMDRIFT_POLYCY",)


def test_a_malformed_url_of_redis_is_not_tried_under_another_name() -> None:
    facts = examine({"VMDRIFT_REDIS_URL": "http://:secret@redis"}, ROLES)
    assert isinstance(facts.redis, Unreadable)
    assert facts.redis.why.startswith("VMDRIFT_REDIS_URL")
    assert "secret" not in facts.redis.why
    assert isinstance(facts.cluster, Unreadable)


def test_a_cluster_without_kubevirt_and_hwameistor() -> None:
    found = asked(an_api(resources=KUBERNETES))
    assert found.kubevirt is None
    assert found.absent == ("localvolumereplicas", "localvolumes")
    assert isinstance(found.allowed, dict)
    assert Right("get", "localvolumes") not in found.allowed


def test_of_providers_that_are_used_it_is_told_what_is_not_installed() -> None:
    kind = "fence-agents-remediation.medik8s.io/v1alpha1/fenceagentsremediationtemplates"
    providers = replace(SETTINGS, fencing=("remediation", "network-fence"), remediation_template=f"{kind}/medik8s/off")
    absent = asked(an_api(resources=KUBERNETES), settings=providers).absent
    assert [name.rpartition("/")[2] for name in absent] == [
        "csiaddonsnodes",
        "fenceagentsremediations",
        "fenceagentsremediationtemplates",
        "localvolumereplicas",
        "localvolumes",
        "networkfenceclasses",
        "networkfences",
    ]
    served = asked(an_api(), settings=providers)
    assert served.absent == ()
    assert isinstance(served.allowed, dict)
    assert Right("get", kind) in served.allowed


def test_what_is_needed_of_bare_metal_hosts_is_asked_in_the_namespace_of_the_setting() -> None:
    api = an_api()
    api.authorize = lambda _user, _verb, resource, namespace: resource != "baremetalhosts" or namespace == "metal3"
    for trusted in ("metal3", "elsewhere"):
        allowed = asked(api, settings=replace(SETTINGS, fencing=("metal3",), metal3_namespace=trusted)).allowed
        assert isinstance(allowed, dict)
        theirs = {right.verb: given for right, given in allowed.items() if right.resource == "baremetalhosts"}
        assert theirs == dict.fromkeys(("list", "patch"), trusted == "metal3")


def test_kubernetes_version_is_what_its_api_server_reports() -> None:
    assert asked(an_api()).version == "v1.36.0+simulated"


def test_kubevirts_version_is_its_operators_word() -> None:
    api = an_api()
    assert asked(api).kubevirt == KubeVirt("", "")
    status = {"observedKubeVirtVersion": "v1.8.0", "phase": "Deployed"}
    api.store.create("kubevirts", {"metadata": {"name": "kv", "namespace": "kubevirt"}, "status": status})
    assert asked(api).kubevirt == KubeVirt("v1.8.0", "Deployed")
    fewer = tuple(one for one in SERVED if one.plural != "kubevirts")
    assert asked(an_api(resources=fewer)).kubevirt == KubeVirt("", "")


@pytest.mark.parametrize("ahead", [0.0, 30.0, -30.0])
def test_a_clock_is_compared_with_this_machines(ahead: float) -> None:
    skew = asked(an_api(), ahead=ahead).skew
    assert isinstance(skew, Skew)
    assert skew.ahead == pytest.approx(-ahead, abs=skew.within)


def test_the_controller_manager_is_known_by_its_lease() -> None:
    api = an_api()
    assert asked(api).manager is None
    meta = {"name": "kube-controller-manager", "namespace": "kube-system"}
    api.store.create("leases", {"metadata": meta, "spec": {"renewTime": format_time(NOW)}})
    assert asked(api).manager == Skew(0.0, 0.0)
    api.store.update("leases", {"metadata": meta, "spec": {"renewTime": format_time(NOW - 60)}})
    assert isinstance(asked(api).manager, Unreadable)


def test_rights_are_asked_for_where_they_are_needed() -> None:
    api = an_api()
    api.authorize = lambda _user, verb, resource, namespace: (
        (namespace == "vm-drift") if resource == "configmaps" else (verb, resource) != ("delete", "pods")
    )
    found = asked(api).allowed
    assert isinstance(found, dict)
    assert [right for right, allowed in found.items() if not allowed] == [Right("delete", "pods")]


def test_what_is_forbidden_is_told_and_the_rest_is_read() -> None:
    api = an_api()
    api.faults.append(lambda request: ApiError(403, "Forbidden", "no") if request.resource == "nodes" else None)
    found = asked(api)
    assert isinstance(found.nodes, Unreadable)
    assert found.nodes.refused
    assert isinstance(found.allowed, dict)


def test_what_is_written_to_is_tried_without_changing_anything() -> None:
    api = an_api()
    places = ("vm-drift-claims", "vm-drift-fencing", "vm-drift-interventions")
    assert asked(api).notebooks == dict.fromkeys(places)
    assert list(api.client("somebody").list("configmaps")) == []


def test_a_namespace_that_is_missing_is_a_fact_too() -> None:
    api, missing = an_api(), ApiError(404, "NotFound", "no such namespace", {"kind": "namespaces"})
    api.faults.append(
        lambda request: missing if request.verb == "create" and request.resource == "configmaps" else None
    )
    assert asked(api).notebooks["vm-drift-fencing"] == Unreadable("404 NotFound: no such namespace")
