"""What our providers make and change, and what the simulated operators do, are objects as the real operators know them.

By their CustomResourceDefinitions (`tests.crds.published`), in which an unknown field is an error here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reactor.model.fencing import State, Target
from reactor.model.identity import NodeRef, Outage
from rehearsal.twins.cluster import ApiCluster
from simulator.actors.metal3_operator import Metal3Operator
from simulator.actors.network_fencer import NetworkFencer
from simulator.actors.remediator import Remediator
from simulator.fencing import METAL3, SNR_TEMPLATE, TEMPLATE, add_hosts, add_storage_clients, add_template
from simulator.world import EPOCH, World
from tests import crds
from tests.crds.published import PUBLISHED, schemas
from tests.support.foreign import KINDS, Keeping, faults
from workers.fencing.providers.metal3 import Metal3
from workers.fencing.providers.network_fence import NetworkFence
from workers.fencing.providers.provider import Provider
from workers.fencing.providers.remediation import Remediation

_OURS, _THEIRS = "vm-drift", "system:operators"
_PROVIDERS: dict[str, Callable[[ApiCluster], Provider]] = {
    "network-fence": NetworkFence,
    "remediation": lambda cluster: Remediation(cluster, TEMPLATE),
    "remediation by SNR": lambda cluster: Remediation(cluster, SNR_TEMPLATE),
    "metal3": lambda cluster: Metal3(cluster, METAL3),
}
_WRITE = {
    "network-fence": "networkfences",
    "remediation": "fenceagentsremediations",
    "remediation by SNR": "selfnoderemediations",
    "metal3": "baremetalhosts",
}


class Site:
    """A node, all operators, and who looks at each object that any of them writes."""

    def __init__(self) -> None:
        self.world = World()
        self.keeping = Keeping(self.world)
        self.world.api.late_faults.append(self.keeping.written_by)
        self.world.hypervisor.add_machine("node-a")
        self.world.api.client("system:admin").create("nodes", {"metadata": {"name": "node-a"}, "spec": {}})
        admin, operators = (self.world.api.client(user) for user in ("system:admin", _THEIRS))
        add_template(admin)
        add_template(admin, SNR_TEMPLATE)
        hypervisor, nodes = self.world.hypervisor, ("node-a",)
        self.actors = (
            NetworkFencer(operators, hypervisor, add_storage_clients(admin, nodes)),
            Remediator(operators, hypervisor),
            Remediator(operators, hypervisor, resource="selfnoderemediations"),
            Metal3Operator(operators, hypervisor, add_hosts(admin, nodes)),
        )
        self.world.add(*self.actors)
        self.world.run_for(5)

    @property
    def target(self) -> Target:
        uid = self.world.store.get("nodes", "node-a")["metadata"]["uid"]
        return Target(Outage(NodeRef("node-a", uid), int(EPOCH)), "boot-1")


@pytest.mark.parametrize("name", _PROVIDERS)
@pytest.mark.parametrize("fails", ["", "BMC: no"])
def test_each_object_that_a_provider_writes_and_its_operator_answers_with_is_a_valid_one(name: str, fails: str) -> None:
    site = Site()
    for actor in site.actors:
        vars(actor)["fails"] = fails
    provider = _PROVIDERS[name](ApiCluster(site.world.api, _OURS))
    provider.fence(site.target)
    site.world.run_for(20)
    assert provider.status(site.target).state is (State.FAILED if fails else State.FENCED)
    for _ in range(3):
        provider.release(site.target)
        site.world.run_for(20)
    assert site.keeping.wrong == []
    assert {(_OURS, _WRITE[name]), (_THEIRS, _WRITE[name])} <= site.keeping.written


def test_every_published_kind_is_made_here_and_valid() -> None:
    site = Site()
    made = {resource for _, resource in site.keeping.written} | set(_WRITE.values())
    assert made == set(KINDS)
    assert set(KINDS.values()) == set(PUBLISHED)
    assert site.keeping.wrong == []


def _host(**spec: Any) -> dict[str, Any]:
    meta = {"name": "a", "namespace": "metal3"}
    return {
        "apiVersion": "metal3.io/v1alpha1",
        "kind": "BareMetalHost",
        "metadata": meta,
        "spec": {"online": True, **spec},
    }


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"onlin": True}, "'onlin' was unexpected"),
        ({"online": "true"}, "'true' is not of type 'boolean'"),
        ({"bmc": {"address": "redfish://a", "password": "x"}}, "'password' was unexpected"),
        ({"bootMACAddress": "no"}, "'no' does not match"),
        ({"inspectionMode": "slow"}, "'slow' is not one of"),
    ],
)
def test_what_the_operator_does_not_know_is_an_error(spec: dict[str, Any], wrong: str) -> None:
    assert faults(_host(description="rack 7")) == []
    assert any(wrong in fault for fault in faults(_host(**spec)))


def test_a_wrong_write_is_seen_with_its_writer() -> None:
    site = Site()
    patch = {"status": {"poweredOn": "no"}}
    site.world.api.client("somebody").patch("baremetalhosts", "host-node-a", patch, METAL3, subresource="status")
    (wrong,) = site.keeping.wrong
    assert wrong == "somebody: BareMetalHost host-node-a $.status.poweredOn: 'no' is not of type 'boolean'"


def test_of_a_definition_only_its_shape_is_kept_and_what_it_does_not_name_is_closed() -> None:
    shape = {
        "description": "words",
        "type": "object",
        "properties": {
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {}},
            "maybe": {"type": "string", "nullable": True, "default": "x"},
            "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "list": {"type": "array", "items": {"type": "object", "properties": {"description": {"type": "string"}}}},
        },
    }
    version = {"name": "v1", "schema": {"openAPIV3Schema": shape}}
    ((kind, schema),) = schemas({"spec": {"group": "a.b", "names": {"kind": "C"}, "versions": [version]}})
    assert kind == ("a.b/v1", "C")
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["apiVersion", "kind", "metadata"]
    properties = schema["properties"]
    assert properties["open"] == {"type": "object", "properties": {}}
    assert properties["maybe"] == {"type": ["string", "null"]}
    assert properties["port"] == {"type": ["integer", "string"]}
    assert properties["labels"] == {"type": "object", "additionalProperties": {"type": "string"}}
    item = {"type": "object", "properties": {"description": {"type": "string"}}, "additionalProperties": False}
    assert properties["list"] == {"type": "array", "items": item}


def test_every_schema_that_is_kept_is_a_schema_and_is_used() -> None:
    for kind in PUBLISHED:
        Draft202012Validator.check_schema(crds.schema(*kind))
    kept = {file.name for file in Path(crds.__file__).parent.glob("*.json")}
    of_models = tuple(api_version.replace("/", "_") for api_version in crds.MODELS)
    assert {name for name in kept if not name.startswith(of_models)} == {crds.place(*kind).name for kind in PUBLISHED}
