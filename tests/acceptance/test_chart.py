"""What the Helm chart installs is played: its settings, its commands, its rights in the cluster and in Redis."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reactor.roles import ROLES
from simulator.api.rbac import rules_of
from tests.support.commands import vmdrift
from tests.support.forked import ForkedProcesses
from tests.support.helm import rendered
from tests.support.http import free_address
from tests.support.manifests import Obj
from tests.support.places import K8S
from tests.support.redis_users import denied, guarded
from tests.support.sites import Site

VMS = ("crowd/vm-000", "crowd/vm-001")
# Windows that nobody waits for here: only with the proof, and so with all rights of fencing, do the VMs move.
SETTINGS = {
    "VMDRIFT_POLICY": "auto",
    "VMDRIFT_FENCING": "event",
    "VMDRIFT_UNREACHABLE_WINDOW": 600,
    "VMDRIFT_VIRT_HANDLER_GRACE": 600,
}
VALUES: Mapping[str, Any] = {"fencing": {"enabled": True}, "settings": SETTINGS}
ENFORCED = {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}
ENFORCED |= {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
MODULES = {role.command: role.module for role in ROLES}


def manifest(objects: tuple[Obj, ...]) -> str:
    return yaml.safe_dump_all([dict(obj) for obj in objects if obj["kind"] in ENFORCED])


def config_map(objects: tuple[Obj, ...], name: str) -> Mapping[str, str]:
    (data,) = [
        obj["data"] for obj in objects if obj["kind"] == "ConfigMap" and obj["metadata"]["name"].startswith(name)
    ]
    return data  # type: ignore[no-any-return]


def commands(objects: tuple[Obj, ...]) -> Iterator[str]:
    """Of every Deployment of ours of which something runs."""
    for obj in objects:
        if "vm-drift.io/role" in obj["metadata"].get("labels", {}) and obj["spec"]["replicas"]:
            (container,) = obj["spec"]["template"]["spec"]["containers"]
            yield " ".join(container["args"])


def test_its_accounts_may_do_what_those_of_the_overlays_may() -> None:
    base, fencing, audit = (
        (K8S / place / "rbac.yaml").read_text() for place in ("base", "components/fencing", "components/audit")
    )
    assert rules_of(manifest(rendered({}))) == rules_of(base)
    assert rules_of(manifest(rendered(VALUES))) == rules_of(f"{base}\n---\n{fencing}")
    assert rules_of(manifest(rendered({"audit": {"enabled": True}}))) == rules_of(f"{base}\n---\n{audit}")


@pytest.mark.long(25)
@pytest.mark.timeout(200)
def test_what_it_installs_moves_vms_with_proof_and_nobody_lacks_a_right(folder: Path) -> None:
    objects = rendered(VALUES)
    with ForkedProcesses(folder) as processes:
        users = guarded(processes, folder, config_map(objects, "redis-users"))
        site = Site(processes, folder, len(VMS), users, manifest(objects))
        modules = [MODULES[command] for command in commands(objects)]
        assert len(modules) == len(ROLES) - 2  # but for outgoing and audit: there is no sink, and who opts in to it
        site.start(*modules, VMDRIFT_LISTEN=free_address(), **config_map(objects, "settings"))

        site.demo.cut_power()
        site.wait_for("waiting", *VMS)
        told = vmdrift("confirm-off", site.demo.lost, "--i-checked", "its lamp is out", env=site.env("operator"))
        assert (told.code, told.err) == (0, "")
        site.wait_for("completed", *VMS)

        assert {drift["proof"] for drift in site.drifts().values()} == {"fenced"}
        assert len(site.deletes("pods")) == len(VMS)
        assert site.truth()["twice"] == []
        assert denied(users["tester"]) == []
        assert [entry for entry in site.audit() if entry["code"] == 403] == []


@pytest.mark.long(15)
def test_without_a_right_that_it_gives_the_same_story_does_not_end(folder: Path) -> None:
    """So it is the chart's manifest that counted, and not another."""
    objects = tuple(obj for obj in rendered(VALUES) if obj["metadata"]["name"] != "vm-drift-drifts")
    with ForkedProcesses(folder) as processes:
        site = Site(processes, folder, 1, guarded(processes, folder), manifest(objects))
        doctor = vmdrift("doctor", "--role", "drifts", env=site.env("drifts"))
        assert doctor.code == 1
        assert "pods: get, list and delete not allowed, and needed by drifts." in " ".join(doctor.out.split())
