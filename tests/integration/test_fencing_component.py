"""The component that gives fencing its rights, on every overlay: it starts the role, and adds nothing else."""

import pytest

from reactor.settings import Settings
from tests.support.manifests import OVERLAYS, Obj, building, built, faults, kubectl, overlays, pods
from tests.support.places import K8S

pytestmark = [kubectl, overlays, building]


@pytest.fixture(params=OVERLAYS)
def both(request: pytest.FixtureRequest) -> tuple[tuple[Obj, ...], tuple[Obj, ...]]:
    """An overlay as it is, and with the component."""
    return built(request.param), built(request.param, "fencing")


def test_it_starts_the_role_with_its_rights_and_changes_nothing_else(
    both: tuple[tuple[Obj, ...], tuple[Obj, ...]],
) -> None:
    plain, whole = both
    assert {obj["metadata"]["name"] for obj in plain if obj not in whole} == {"fencing"}
    added = [obj for obj in whole if obj not in plain]
    kinds = {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "NetworkPolicy", "Deployment"}
    kinds |= {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    assert {obj["kind"] for obj in added} == kinds
    assert {f"{obj['kind']} {obj['metadata']['name']}": faults(obj) for obj in added if faults(obj)} == {}
    (deployment,) = [obj for obj in added if obj["kind"] == "Deployment"]
    assert deployment["spec"]["replicas"] == 2


def test_its_pod_is_restricted_as_every_other_and_secrets_are_mounted_read_only(
    both: tuple[tuple[Obj, ...], tuple[Obj, ...]],
) -> None:
    (pod,) = [pod for owner, pod in pods(both[1]) if owner == "Deployment fencing"]
    (container,) = pod["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"]
    described, secrets = (K8S.parent / "docs" / "operations.md").read_text(), {}
    for volume in pod["volumes"]:
        if secret := volume.get("secret"):
            secrets[volume["name"]] = secret["secretName"]
            assert secret["optional"]
            assert f"secret generic {secret['secretName']}" in described
    assert secrets == {"bmc": "vm-drift-bmc", "fence-agents": "vm-drift-fence-agents"}
    for setting, volume in (("VMDRIFT_BMC_DIR", "bmc"), ("VMDRIFT_FENCE_AGENT_DIR", "fence-agents")):
        folder = next(one["value"] for one in container["env"] if one["name"] == setting)
        (mount,) = [one for one in container["volumeMounts"] if one["mountPath"] == folder]
        assert (mount["name"], mount["readOnly"]) == (volume, True)
        Settings.read({setting: folder})
