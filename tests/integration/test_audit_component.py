"""The component that starts the audit, on every overlay: with its rights and its user in Redis, and nothing else."""

import pytest

from reactor.settings import Settings
from tests.support.manifests import OVERLAYS, Obj, building, built, faults, kubectl, overlays, pods

pytestmark = [kubectl, overlays, building]


@pytest.fixture(params=OVERLAYS)
def both(request: pytest.FixtureRequest) -> tuple[tuple[Obj, ...], tuple[Obj, ...]]:
    """An overlay as it is, and with the component."""
    return built(request.param), built(request.param, "audit")


def _named(objects: list[Obj]) -> set[str]:
    return {f"{obj['kind']} {obj['metadata']['name'].partition('-users')[0]}" for obj in objects}


def test_it_starts_one_process_with_its_rights_and_changes_nothing_but_what_that_needs(
    both: tuple[tuple[Obj, ...], tuple[Obj, ...]],
) -> None:
    plain, whole = both
    added = [obj for obj in whole if obj not in plain]
    # Redis' pods name the ConfigMap of its users, which has a digest of all users in its name.
    redis = {name for name in _named(added) if name.endswith(" redis")} - {"ConfigMap redis"}
    assert redis in ({"Deployment redis"}, {"StatefulSet redis"})
    new = {"ClusterRole vm-drift-audit", "ClusterRoleBinding vm-drift-audit"}
    assert _named(added) == new | redis | {"ConfigMap redis", "ConfigMap settings", "Deployment audit"}
    assert _named([obj for obj in plain if obj not in whole]) == _named(added) - new
    assert {f"{obj['kind']} {obj['metadata']['name']}": faults(obj) for obj in added if faults(obj)} == {}


def test_its_pod_is_restricted_as_every_other_and_has_a_user_in_redis(
    both: tuple[tuple[Obj, ...], tuple[Obj, ...]],
) -> None:
    whole = both[1]
    (pod,) = [pod for owner, pod in pods(whole) if owner == "Deployment audit"]
    (container,) = pod["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"]
    (deployment,) = [obj for obj in whole if obj["kind"] == "Deployment" and obj["metadata"]["name"] == "audit"]
    assert deployment["spec"]["replicas"] == 1
    maps = {obj["metadata"]["name"]: obj.get("data", {}) for obj in whole if obj["kind"] == "ConfigMap"}
    (rules,) = [data for name, data in maps.items() if name.startswith("redis-users")]
    assert rules["audit.rules"].splitlines()[-1].startswith("audit ")
    assert rules["users.rules"]
    assert Settings.read(maps["settings"]).audit_every == 3600.0
