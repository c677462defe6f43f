"""Every overlay is built and held against the schemas, against the settings, and against what it promises."""

import copy
import re
from dataclasses import fields
from typing import Any

import pytest

from reactor.roles import ON_CLUSTER, ROLES
from reactor.settings import Settings, env_names
from tests import crds
from tests.support.manifests import OVERLAYS, Obj, building, built, faults, foreign, kubectl, overlays, pods
from tests.support.places import K8S
from tests.support.redis_users import roles

pytestmark = [kubectl, overlays, building]
EVERY = pytest.mark.parametrize("overlay", OVERLAYS)
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
COMMANDS = {role.name: role.command.split() for role in ROLES}


def of_kind(overlay: str, kind: str) -> dict[str, Obj]:
    return {obj["metadata"]["name"]: obj for obj in built(overlay) if obj["kind"] == kind}


def containers(pod: Obj) -> list[Obj]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def ours(overlay: str) -> list[tuple[str, Obj, Obj]]:
    """Owner, pod and container of each of vm-drift's own roles."""
    found = [(owner, pod, one) for owner, pod in pods(built(overlay)) for one in pod["containers"]]
    return [(owner, pod, one) for owner, pod, one in found if one["image"].startswith("vm-drift:")]


def value_of(container: Obj, name: str) -> Any:
    return next((one for one in container["env"] if one["name"] == name), {})


@EVERY
def test_every_object_keeps_to_its_schema(overlay: str) -> None:
    assert {f"{o['kind']} {o['metadata']['name']}": faults(o) for o in built(overlay) if faults(o)} == {}


@EVERY
def test_an_unknown_field_would_be_found_anywhere(overlay: str) -> None:
    for obj in built(overlay):
        if "spec" in obj:
            broken: Any = copy.deepcopy(dict(obj))
            broken["spec"]["replicaas"] = 2
            assert faults(broken), f"{obj['kind']} {obj['metadata']['name']}"


@pytest.mark.nightly
def test_schemas_of_foreign_kinds_are_what_their_models_say() -> None:
    assert {kind: crds.schema(*kind) == crds.made(*kind) for kind in foreign()} == dict.fromkeys(foreign(), True)


@EVERY
def test_everything_is_in_one_namespace_that_is_restricted(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    everywhere = {"Namespace", "PriorityClass", "ClusterRole", "ClusterRoleBinding"}
    everywhere |= {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}  # kustomize takes them for others
    places = {o["metadata"].get("namespace") for o in built(overlay) if o["kind"] not in everywhere}
    assert places == {namespace["metadata"]["name"]}


@EVERY
def test_every_pod_is_restricted_and_says_what_it_needs(overlay: str) -> None:
    for owner, pod in pods(built(overlay)):
        for one in containers(pod):
            security = {**pod.get("securityContext", {}), **one["securityContext"]}
            assert RESTRICTED.items() <= one["securityContext"].items(), owner
            assert (security["runAsNonRoot"], security["seccompProfile"]["type"]) == (True, "RuntimeDefault"), owner
            assert one["securityContext"]["readOnlyRootFilesystem"], owner
            assert one["resources"]["requests"].keys() == {"cpu", "memory"}, owner
            assert "memory" in one["resources"]["limits"], owner


@EVERY
def test_what_must_survive_leaves_a_lost_node_at_once_and_finds_room(overlay: str) -> None:
    for owner, pod in pods(built(overlay)):
        if owner.startswith("Service "):
            continue  # Knative's own: these fields are behind feature flags there
        seconds = {t["key"].rpartition("/")[2]: t["tolerationSeconds"] for t in pod["tolerations"]}
        assert seconds == {"unreachable": 5, "not-ready": 5}, owner
        assert pod["priorityClassName"] in of_kind(overlay, "PriorityClass"), owner
        assert pod["topologySpreadConstraints"], owner


@EVERY
def test_two_of_each_role_and_a_budget_that_never_takes_both(overlay: str) -> None:
    budgets = of_kind(overlay, "PodDisruptionBudget")
    for name, deployment in of_kind(overlay, "Deployment").items():
        if name == "redis":
            assert deployment["spec"]["replicas"] == 1
            continue
        assert deployment["spec"].get("replicas") == _replicas(overlay, name)
        assert budgets[name]["spec"]["maxUnavailable"] == 1
        assert budgets[name]["spec"]["selector"] == deployment["spec"]["selector"]


def _replicas(overlay: str, name: str) -> int | None:
    if name == "outgoing" and overlay != "knative":
        return 0  # until there is somewhere to deliver to
    if name in {"fencing", "audit"}:
        return 0  # until its component gives it its rights
    return None if (overlay, name) == ("keda", "drifts") else 2


@EVERY
def test_every_role_runs_as_itself_with_a_command_that_there_is(overlay: str) -> None:
    accounts, bound = of_kind(overlay, "ServiceAccount"), set[str]()
    for binding in of_kind(overlay, "ClusterRoleBinding").values():
        bound |= {subject["name"] for subject in binding["subjects"]}
    commands = {}
    for owner, pod, one in ours(overlay):
        name = owner.split()[1]
        commands[name] = one["args"]
        assert pod["serviceAccountName"] == name
        assert value_of(one, "REDIS_PASSWORD")["valueFrom"]["secretKeyRef"] == {"name": "redis", "key": name}
        assert value_of(one, "VMDRIFT_REDIS_URL")["value"].startswith(f"$(REDIS_SCHEME)://{name}:")
        assert name in accounts
        if name not in bound and overlay != "knative":  # Knative's receiver asks for the issuer's keys as itself
            assert pod.get("automountServiceAccountToken") is False or name == "receiver"
    assert commands == COMMANDS
    own = {role.name for role in ON_CLUSTER} - {"receiver", "fencing", "audit"}  # one ConfigMap; by their components
    assert bound == own | ({"nodes-source"} if overlay == "knative" else set())


@EVERY
def test_every_setting_that_is_named_there_is(overlay: str) -> None:
    known = {name for row in fields(Settings) for name in env_names(row)}
    named = {one["name"] for _, _, container in ours(overlay) for one in container["env"]}
    named |= of_kind(overlay, "ConfigMap")["settings"]["data"].keys()
    mine = {"REDIS_PASSWORD", "REDIS_SCHEME", "REDIS_PLACE", "REDIS_MORE"}
    assert named - known - mine == ({"SENTINELS_PASSWORD"} if overlay == "redis-sentinel" else set())
    assert mine <= named
    Settings.read(of_kind(overlay, "ConfigMap")["settings"]["data"])


@EVERY
def test_every_role_has_a_user_in_redis_and_a_sign_of_life(overlay: str) -> None:
    (rules,) = [o["data"] for n, o in of_kind(overlay, "ConfigMap").items() if n.startswith("redis-users")]
    told = [text for file, text in rules.items() if file.endswith(".rules")]
    users = {line.split()[0] for text in told for line in text.splitlines() if line and line[0] != "#"}
    names = {owner.split()[1] for owner, _, _ in ours(overlay)}
    more = {"keda": {"keda"}, "redis-sentinel": {"replica", "sentinel"}}.get(overlay, set())
    assert users == (names - {"audit"}) | more  # a component brings the user of that one
    assert set(roles()) == names == COMMANDS.keys()
    for owner, _, one in ours(overlay):
        if one["args"] == ["serve"]:
            assert one["livenessProbe"]["httpGet"]["path"] == "/healthz"
            assert one["readinessProbe"]["httpGet"]["path"] == "/readyz"
            assert overlay == "knative" or probed_apart(one)
        else:
            assert one["livenessProbe"]["exec"]["command"] == ["vmdrift", "probe"], owner
            assert value_of(one, "VMDRIFT_HEARTBEAT_FILE")["value"] == "/run/vm-drift/heartbeat", owner


def probed_apart(container: Obj) -> bool:
    """Where nobody else asks?"""
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    asked = {container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")}
    return asked == {"probes"} and value_of(container, "VMDRIFT_PROBES")["value"] == f"0.0.0.0:{ports['probes']}"


@EVERY
def test_every_image_is_named_exactly_and_every_container_that_stays_is_probed(overlay: str) -> None:
    for owner, pod in pods(built(overlay)):
        for one in containers(pod):
            assert re.fullmatch(r"[^:@]+(:[\w.-]+|@sha256:[0-9a-f]{64})", one["image"]), owner
            assert not one["image"].endswith(":latest"), owner
        if not owner.startswith(("Job ", "CronJob ")):
            assert [
                one["name"] for one in pod["containers"] if not {"livenessProbe", "readinessProbe"} & one.keys()
            ] == []


@EVERY
def test_every_secret_and_config_map_that_is_mounted_is_made_or_described(overlay: str) -> None:
    made = {obj["metadata"]["name"] for obj in built(overlay) if obj["kind"] == "ConfigMap"}
    described = (K8S.parent / "docs" / "operations.md").read_text()
    for owner, pod in pods(built(overlay)):
        for volume in pod.get("volumes", []):
            if "configMap" in volume:
                assert volume["configMap"]["name"] in made, owner
            if "secret" in volume:
                assert f"secret generic {volume['secret']['secretName']}" in described, owner
