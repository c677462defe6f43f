"""Who may come in and go out, in every overlay: a policy for each role, and a sentence for what is open."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from reactor.roles import OUTGOING, ROLES
from tests.support.manifests import OVERLAYS, Obj, building, built, kubectl, overlays, pods

pytestmark = [kubectl, overlays, building]
EVERY = pytest.mark.parametrize("overlay", OVERLAYS)
COMPONENTS = ["", "audit", "fencing", "monitoring"]
API, DNS, REDIS, SENTINEL, SINK = {443, 6443}, {53}, {6379}, {26379}, {80, 443, 8080, 8443}
# Where each role may go, by port.
GOES: Mapping[str, set[int]] = {
    **{role.name: DNS | REDIS | (API if role.rights else set()) for role in ROLES},
    OUTGOING.name: DNS | REDIS | SINK,
    "redis": set(),
    "dead-letters": set(),
}


def _policies(overlay: str, component: str = "") -> dict[str, Obj]:
    return {obj["metadata"]["name"]: obj for obj in built(overlay, component) if obj["kind"] == "NetworkPolicy"}


def _roles(overlay: str) -> list[str]:
    """Every pod of it has its owner's name as the label `app`."""
    return [owner.split()[1] for owner, _ in pods(built(overlay))]


def _rules(policy: Obj) -> Iterator[tuple[str, Obj]]:
    """Each rule, with the field that says to or from whom."""
    yield from (("to", rule) for rule in policy["spec"].get("egress", []))
    yield from (("from", rule) for rule in policy["spec"].get("ingress", []))


def _ports(policy: Obj) -> set[int]:
    return {port["port"] for side, rule in _rules(policy) if side == "to" for port in rule["ports"]}


@EVERY
def test_nobody_comes_in_or_goes_out_but_by_a_policy_of_its_own(overlay: str) -> None:
    policies = _policies(overlay)
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name in _roles(overlay):
        spec = policies[name]["spec"]
        assert spec["podSelector"] == {"matchLabels": {"app": name}}
        assert spec["policyTypes"] == ["Ingress", "Egress"]


@EVERY
def test_each_role_goes_only_where_it_has_business(overlay: str) -> None:
    for name in _roles(overlay):
        more = SENTINEL if overlay == "redis-sentinel" and name != "dead-letters" else set()
        more = more | (DNS | REDIS if more and name == "redis" else set())
        assert _ports(_policies(overlay)[name]) == GOES[name] | more, name


@EVERY
def test_redis_is_reached_by_the_roles_that_have_a_user_there(overlay: str) -> None:
    (rule,) = _policies(overlay)["redis"]["spec"]["ingress"]
    first, *others = (peer["podSelector"] for peer in rule["from"])
    assert set(first["matchExpressions"][0]["values"]) == GOES.keys() - {"redis", "dead-letters"}
    assert others == ([{"matchLabels": {"app": "redis"}}] if overlay == "redis-sentinel" else [])


@pytest.mark.parametrize(
    ("overlay", "component"),
    [*((overlay, "") for overlay in OVERLAYS), *((OVERLAYS[0], component) for component in COMPONENTS if component)],
)
def test_no_rule_is_open_to_all_ports_and_one_to_whomever_says_why(overlay: str, component: str) -> None:
    for name, policy in _policies(overlay, component).items():
        why: Any = policy["metadata"].get("annotations", {}).get("vm-drift.io/open", "")
        for whom, rule in _rules(policy):
            assert rule.get("ports"), name
            assert whom in rule or (why.endswith(".") and len(why.split()) > 5), name
