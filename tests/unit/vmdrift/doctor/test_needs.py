"""The one table of verbs is what the manifest gives, role by role."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.adapters.kubernetes.cluster import api_prefix, plural
from reactor.settings import Settings
from simulator.api.rbac import group_of
from simulator.documents import documents
from tests.support.places import K8S
from vmdrift.doctor.needs import OPTIONAL, ROLES, Right, needs, provided, rights

MANIFESTS = (K8S / "base" / "rbac.yaml", *(K8S / "components" / name / "rbac.yaml" for name in ("fencing", "audit")))
GIVEN: dict[str, list[dict[str, Any]]] = {}
for document in (document for file in MANIFESTS for document in documents(file.read_text())):
    if document["kind"] in {"ClusterRole", "Role"}:
        GIVEN.setdefault(document["metadata"]["name"].removeprefix("vm-drift-"), []).extend(document["rules"])
GIVEN["fencing"] += [
    rule for provider in ("network-fence", "remediation", "metal3") for rule in GIVEN.pop(f"fencing-{provider}")
]
GIVEN["drifts"] += GIVEN.pop("drifts-network-fence")
KIND = "fence-agents-remediation.medik8s.io/v1alpha1/fenceagentsremediationtemplates"
SETTINGS = Settings(fencing=("remediation", "network-fence", "metal3"), remediation_template=f"{KIND}/medik8s/off")


def test_every_role_that_has_rights_is_looked_at() -> None:
    assert set(ROLES) == set(GIVEN)


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_needs_is_what_the_manifest_gives_it(role: str) -> None:
    given = {
        (group, Right(verb, resource, name))
        for rule in GIVEN[role]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }
    asked = {(_group(right), replace(right, resource=plural(right.resource))) for right in needs(role, SETTINGS)}
    assert asked == given


def _group(right: Right) -> str:
    return group_of(plural(right.resource))


def test_each_kind_is_asked_for_in_its_own_group() -> None:
    for right in rights(ROLES, SETTINGS):
        _, group, _ = f"/{api_prefix(right.resource)}".rsplit("/", 2)
        assert group == (_group(right) or "api")


@pytest.mark.parametrize("role", ROLES)
def test_a_provider_that_is_not_used_needs_nothing(role: str) -> None:
    assert not {group_of(right.resource) for right in needs(role, Settings())} & {"csiaddons.openshift.io"}
    assert provided(role, Settings()) == {}


def test_all_roles_together_need_each_right_once_and_know_who_needs_it() -> None:
    together = rights(ROLES, SETTINGS)
    assert together[Right("get", "nodes")] == ("intake", "drifts", "fencing")
    assert together[Right("delete", "pods")] == ("drifts",)
    assert set(together) == {right for role in ROLES for right in needs(role, SETTINGS)}
    assert {right.resource for right in together} > OPTIONAL
