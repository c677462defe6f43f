"""What others say stands in another ConfigMap than what is proven, and that only the fencing role writes."""

import pytest

from simulator.documents import documents
from tests.support.places import K8S

DOCUMENTS = [one for file in sorted(K8S.rglob("*.yaml")) for one in documents(file.read_text())]
WRITING = {"create", "update", "patch", "delete", "deletecollection", "*"}


def _writers(name: str) -> set[str]:
    """The ServiceAccounts that may write this ConfigMap. A rule that names none means every ConfigMap."""
    roles = {
        (one["kind"], one["metadata"]["name"])
        for one in DOCUMENTS
        if one.get("kind") in {"Role", "ClusterRole"}
        for rule in one["rules"]
        if {"configmaps", "*"} & set(rule["resources"])
        and WRITING & set(rule["verbs"])
        and name in rule.get("resourceNames", [name])
    }
    bindings = [one for one in DOCUMENTS if one.get("kind") in {"RoleBinding", "ClusterRoleBinding"}]
    bound = [one for one in bindings if (one["roleRef"]["kind"], one["roleRef"]["name"]) in roles]
    return {subject["name"] for one in bound for subject in one["subjects"]}


@pytest.mark.parametrize(
    ("name", "writers"),
    [
        ("vm-drift-fencing", {"fencing"}),
        ("vm-drift-claims", {"intake", "fencing"}),
        ("vm-drift-interventions", {"receiver"}),
        ("any-other", set()),
    ],
)
def test_a_book_is_written_by_those_whose_it_is_and_proof_by_the_fencing_role_alone(
    name: str, writers: set[str]
) -> None:
    assert _writers(name) == writers
