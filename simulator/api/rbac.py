"""RBAC, as far as manifests use it: ClusterRoles and Roles bound to ServiceAccounts, each by its kind of binding.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/: rules only add up, and what no rule allows is refused.
`resourceNames` are not looked at.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from simulator.api.api import Authorize
from simulator.documents import documents
from simulator.store.resources import AGGREGATED, SERVED

_GROUPS = {kind.plural: kind.group for kind in SERVED}
Rule = tuple[str, str, str, str]  # API group, resource, verb, namespace ("": everywhere)
# What ClusterRole system:basic-user gives to everybody.
_BASIC: Rule = ("authorization.k8s.io", "selfsubjectaccessreviews", "create", "")


def allows(rule: Rule, resource: str, verb: str, namespace: str) -> bool:
    """Does this one rule allow that?"""
    return rule[:3] == (group_of(resource), resource, verb) and rule[3] in {"", namespace}


def rules_of(manifest: str) -> Mapping[str, frozenset[Rule]]:
    """What each ServiceAccount of these YAML documents may do, by its user name; without a binding: nothing."""
    objects = list(documents(manifest))
    roles = {(d["kind"], d["metadata"]["name"]): d for d in objects if d["kind"] in {"Role", "ClusterRole"}}
    found: dict[str, frozenset[Rule]] = {}
    for document in objects:
        if document["kind"] in {"RoleBinding", "ClusterRoleBinding"}:
            role = roles[document["roleRef"]["kind"], document["roleRef"]["name"]]
            for subject in document["subjects"]:
                user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
                # A Role's own namespace is filled in by kustomize: it is that of the accounts.
                space = subject["namespace"] if document["kind"] == "RoleBinding" else ""
                found[user] = found.get(user, frozenset()) | _rules(role, space)
    return found


def authorizer(manifest: str, namespace: str) -> Authorize:
    """Holds the ServiceAccounts of `namespace` to these rules; who is none of them may do everything."""
    allowed = rules_of(manifest)

    def authorize(user: str, verb: str, resource: str, where: str) -> bool:
        ours = user.startswith(f"system:serviceaccount:{namespace}:")
        rules = allowed.get(user, frozenset()) | {_BASIC}
        return not ours or any(allows(rule, resource, verb, where) for rule in rules)

    return authorize


def group_of(resource: str) -> str:
    """Its API group; `resource` may name a subresource after a slash."""
    plural = resource.partition("/")[0]
    return AGGREGATED.get(resource) or _GROUPS.get(plural, "")  # users, who can be impersonated, are no kind


def _rules(role: Mapping[str, Any], namespace: str) -> frozenset[Rule]:
    rules: Iterable[Mapping[str, Any]] = role["rules"] or ()
    return frozenset(
        (group, resource, verb, namespace)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    )
