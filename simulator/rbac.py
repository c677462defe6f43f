"""RBAC, as far as manifests use it: ClusterRoles bound to ServiceAccounts by ClusterRoleBindings.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/: rules only add up, and what no rule allows is refused.
`resourceNames` are not looked at.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from simulator.api import Authorize
from simulator.resources import SERVED

_GROUPS = {kind.plural: kind.group for kind in SERVED}
Rule = tuple[str, str, str]  # API group, resource, verb
# What ClusterRole system:basic-user gives to everybody.
_BASIC: Rule = ("authorization.k8s.io", "selfsubjectaccessreviews", "create")


def rules_of(manifest: str) -> Mapping[str, frozenset[Rule]]:
    """What each ServiceAccount of these YAML documents may do, by its user name; without a binding: nothing."""
    documents = [document for document in yaml.safe_load_all(manifest) if document]
    roles = {d["metadata"]["name"]: _rules(d) for d in documents if d["kind"] == "ClusterRole"}
    found: dict[str, frozenset[Rule]] = {}
    for document in documents:
        if document["kind"] == "ClusterRoleBinding":
            for subject in document["subjects"]:
                user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
                found[user] = found.get(user, frozenset()) | roles[document["roleRef"]["name"]]
    return found


def authorizer(manifest: str, namespace: str) -> Authorize:
    """Holds the ServiceAccounts of `namespace` to these rules; who is none of them may do everything."""
    allowed = rules_of(manifest)

    def authorize(user: str, verb: str, resource: str, _namespace: str) -> bool:
        ours = user.startswith(f"system:serviceaccount:{namespace}:")
        rule = (group_of(resource), resource, verb)
        return not ours or rule == _BASIC or rule in allowed.get(user, frozenset())

    return authorize


def group_of(resource: str) -> str:
    """Its API group; `resource` may name a subresource after a slash."""
    return _GROUPS[resource.partition("/")[0]]


def _rules(role: Mapping[str, Any]) -> frozenset[Rule]:
    rules: Iterable[Mapping[str, Any]] = role["rules"] or ()
    return frozenset(
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    )
