"""What the simulated KubeVirt makes of a VM: the instance, its launcher, the copies and claims that it keeps."""

import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from simulator.actors.launcher import launcher, migration_target
from simulator.client import ApiError, Client, Obj
from simulator.scene import Scene, Storage, Vm, add_vm, is_up, staged
from simulator.vms import Kind
from simulator.world import World
from tests.support.places import TRACES

A, B = "node-a", "node-b"
VMS, VMIS, CLAIMS = "virtualmachines", "virtualmachineinstances", "persistentvolumeclaims"
FRESH = {"key": "node-labeller.kubevirt.io/obsolete-host-model", "operator": "DoesNotExist"}
OWN = {"kubernetes.io/arch", "kubevirt.io/schedulable", "machine-type.node.kubevirt.io/q35"}


def recorded() -> Iterator[Any]:
    """Every recorded instance with its launcher before the loss."""
    for file in sorted(TRACES.glob("*/before.json.gz")):
        found = json.loads(gzip.decompress(file.read_bytes()))
        instances = {vmi["metadata"]["uid"]: vmi for vmi in found["vmi"]}
        for pod in found["pods"]:
            if vmi := instances.get(pod["metadata"].get("labels", {}).get("kubevirt.io/created-by", "")):
                yield pytest.param(vmi, pod, id=f"{file.parent.name}-{vmi['metadata']['name']}")


@pytest.mark.parametrize(("vmi", "pod"), list(recorded()))
def test_a_launcher_may_go_where_the_recorded_one_of_the_same_instance_may(vmi: Obj, pod: Obj) -> None:
    made = launcher(vmi)["spec"]
    assert made["nodeSelector"] == pod["spec"]["nodeSelector"]
    assert made["affinity"] == pod["spec"]["affinity"]
    assert made["tolerations"] == pod["spec"]["tolerations"]


def instance(name: str = "vm", **spec: Any) -> Obj:
    domain = {"machine": {"type": "q35"}, "cpu": {"model": "host-model"}, **spec.pop("domain", {})}
    meta = {"name": name, "namespace": "default", "uid": "u"}
    vmi = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "metadata": meta}
    return {**vmi, "spec": {"architecture": "amd64", "domain": domain, **spec}}


def added(vmi: Obj) -> set[str]:
    return set(launcher(vmi)["spec"]["nodeSelector"]) - OWN


@pytest.mark.parametrize(
    ("domain", "labels"),
    [
        ({}, set()),
        ({"cpu": {"model": "Haswell"}}, {"cpu-model.node.kubevirt.io/Haswell"}),
        ({"cpu": {"model": "host-passthrough"}}, set()),
        (
            {
                "cpu": {
                    "model": "host-model",
                    "features": [{"name": "pcid"}, {"name": "svm", "policy": "require"}],
                }
            },
            {"cpu-feature.node.kubevirt.io/pcid", "cpu-feature.node.kubevirt.io/svm"},
        ),
        ({"cpu": {"model": "host-model", "features": [{"name": "pcid", "policy": "optional"}]}}, set()),
        ({"cpu": {"features": [{"name": "pcid"}]}}, set()),
        ({"cpu": {"model": "host-model", "dedicatedCpuPlacement": True}}, {"cpumanager"}),
        ({"cpu": {"model": "host-model", "dedicatedCpuPlacement": False}}, set()),
        ({"cpu": {"model": "host-model", "realtime": {}}}, {"kubevirt.io/realtime"}),
        ({"features": {"hyperv": {"synic": {}, "relaxed": {}}}}, {"hyperv.node.kubevirt.io/synic"}),
        ({"features": {"hyperv": {"synic": {"enabled": False}}}}, set()),
        ({"features": {"hyperv": {"evmcs": {}}}}, {"cpu-vendor.node.kubevirt.io/Intel"}),
        ({"launchSecurity": {"sev": {}}}, {"kubevirt.io/sev"}),
        ({"launchSecurity": {"sev": {"policy": {"encryptedState": True}}}}, {"kubevirt.io/sev", "kubevirt.io/sev-es"}),
        ({"launchSecurity": {"snp": {}}}, {"kubevirt.io/sev", "kubevirt.io/sev-snp"}),
        ({"launchSecurity": {"tdx": {}}}, {"kubevirt.io/tdx"}),
        ({"machine": {"type": "pc-q35-rhel9.6.0"}}, {"machine-type.node.kubevirt.io/pc-q35-rhel9.6.0"}),
    ],
)
def test_what_a_domain_needs_of_its_node_is_selected(domain: Obj, labels: set[str]) -> None:
    assert added(instance(domain=domain)) == labels


def test_the_architecture_is_the_instances_and_its_own_selector_comes_last() -> None:
    chosen = {"disk": "ssd", "kubevirt.io/schedulable": "false"}
    made = launcher(instance(architecture="ARM64", nodeSelector=chosen))["spec"]["nodeSelector"]
    assert made == {"kubernetes.io/arch": "arm64", "machine-type.node.kubevirt.io/q35": "true", **chosen}


@pytest.mark.parametrize(
    ("cpu", "absent"),
    [
        ({}, [FRESH]),
        ({"model": "host-model"}, [FRESH]),
        ({"model": "Haswell"}, []),
        (
            {"model": "Haswell", "features": [{"name": "hle", "policy": "forbid"}]},
            [{"key": "cpu-feature.node.kubevirt.io/hle", "operator": "DoesNotExist"}],
        ),
    ],
)
def test_every_term_refuses_what_the_cpu_cannot_do_with(cpu: Obj, absent: list[Obj]) -> None:
    wish = {"matchExpressions": [{"key": "rack", "operator": "Exists"}]}
    rules = {"nodeSelectorTerms": [wish, wish]}
    own = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": rules}}
    made = launcher(instance(domain={"cpu": cpu}, affinity=own))["spec"]["affinity"]["nodeAffinity"]
    terms = made["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [term["matchExpressions"] for term in terms] == [[*wish["matchExpressions"], *absent]] * 2


def world_of(**vm: Any) -> World:
    return staged(Scene((A, B), (Vm("vm", node=A, **vm),)))


def admin(world: World) -> Client:
    return world.api.client("system:admin")


def lives(world: World) -> Obj:
    return admin(world).get(VMIS, "vm", "default")


def launched(world: World) -> Obj:
    (pod,) = admin(world).list("pods", "default", "kubevirt.io=virt-launcher")
    return pod


def again(world: World) -> Obj:
    """The launcher after a restart."""
    old = launched(world)["metadata"]["uid"]
    admin(world).delete(VMIS, "vm", "default")
    world.run(lambda: "vm" in _names(world) and _uid(world) != old and is_up(world.store, Vm("vm")), 300)
    return launched(world)


def _names(world: World) -> list[str]:
    return [vmi["metadata"]["name"] for vmi in admin(world).list(VMIS)]


def _uid(world: World) -> str:
    return "".join(pod["metadata"]["uid"] for pod in admin(world).list("pods", labels="kubevirt.io=virt-launcher"))


def test_an_instance_type_gives_size_and_place_and_a_preference_what_lacks() -> None:
    kind = {
        "cpu": {"guest": 2, "dedicatedCPUPlacement": False, "model": "Skylake-Client"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "memory": {"guest": "1Gi"},
    }
    preference = {
        "cpu": {"preferredCPUTopology": "cores", "preferredCPUFeatures": [{"name": "x", "policy": "optional"}]},
        "firmware": {"preferredEfi": {"secureBoot": False, "persistent": True}},
        "machine": {"preferredMachineType": "pc"},
        "preferredArchitecture": "arm64",
        "features": {"preferredHyperv": {"relaxed": {}}},
    }
    spec = lives(world_of(instancetype=kind, preference=preference))["spec"]
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert spec["domain"]["cpu"]["cores"] == 2
    assert (spec["domain"]["cpu"]["model"], spec["domain"]["memory"]) == ("Skylake-Client", {"guest": "1Gi"})
    assert spec["domain"]["cpu"]["features"] == [{"name": "x", "policy": "optional"}]
    assert spec["domain"]["firmware"]["bootloader"]["efi"]["persistent"] is True
    assert spec["domain"]["features"]["hyperv"] == {"relaxed": {}}
    assert (spec["domain"]["machine"], spec["architecture"]) == ({"type": "q35"}, "amd64")


def test_the_copy_counts_that_was_kept_when_the_vm_first_named_it() -> None:
    world = world_of(instancetype={"nodeSelector": {"kubernetes.io/os": "linux"}})
    told = admin(world).get(VMS, "vm", "default")["status"]["instancetypeRef"]
    assert (told["kind"], told["name"]) == ("VirtualMachineInstancetype", "vm-instancetype")
    kept = admin(world).get("controllerrevisions", told["controllerRevisionRef"]["name"], "default")
    assert (kept["apiVersion"], kept["data"]["kind"]) == ("apps/v1", "VirtualMachineInstancetype")
    assert kept["metadata"]["ownerReferences"][0]["kind"] == "VirtualMachine"
    admin(world).delete("virtualmachineinstancetypes", "vm-instancetype", "default")
    assert again(world)["spec"]["nodeSelector"]["kubernetes.io/os"] == "linux"


def test_another_name_means_another_copy() -> None:
    world = world_of(instancetype={"nodeSelector": {"kubernetes.io/os": "linux"}})
    other = {"cpu": {"guest": 1}, "memory": {"guest": "1Gi"}, "nodeSelector": {"kubernetes.io/hostname": B}}
    meta = {"name": "other"}
    admin(world).create("virtualmachineclusterinstancetypes", {"metadata": meta, "spec": other})
    admin(world).patch(VMS, "vm", {"spec": {"instancetype": {"kind": None, "name": "other"}}}, "default")
    assert again(world)["spec"]["nodeName"] == B


def test_a_revision_that_the_vm_names_is_the_one() -> None:
    world = world_of(instancetype={"nodeSelector": {"kubernetes.io/os": "linux"}})
    (kept,) = admin(world).list("controllerrevisions", "default")
    mine = {"data": {"spec": {"nodeSelector": {"kubernetes.io/hostname": B}}}, "metadata": {"name": "mine"}}
    admin(world).create("controllerrevisions", {**kept, **mine, "metadata": {"name": "mine", "namespace": "default"}})
    admin(world).patch(VMS, "vm", {"spec": {"instancetype": {"revisionName": "mine"}}}, "default")
    assert again(world)["spec"]["nodeName"] == B


def test_expand_spec_answers_with_the_vm_as_it_would_be_without_them() -> None:
    preference = {"devices": {"preferredTPM": {"persistent": True}}}
    world = world_of(instancetype={"nodeSelector": {"kubernetes.io/os": "linux"}}, preference=preference)
    found = admin(world).get("virtualmachines/expand-spec", "vm", "default")
    spec = found["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert spec["domain"]["devices"]["tpm"] == {"persistent": True}
    assert not {"instancetype", "preference"} & found["spec"].keys()
    assert not {"instancetypeRef", "preferenceRef"} & found["status"].keys()
    (entry,) = (entry for entry in world.api.audit if entry.subresource == "expand-spec")
    assert (entry.verb, entry.resource, entry.code) == ("get", VMS, 200)


def test_expand_spec_fails_where_a_copy_is_gone() -> None:
    world = world_of(instancetype={})
    for revision in admin(world).list("controllerrevisions"):
        admin(world).delete("controllerrevisions", revision["metadata"]["name"], "default")
    with pytest.raises(ApiError, match=r'500 InternalError: .*controllerrevisions.apps ".*" not found'):
        admin(world).get("virtualmachines/expand-spec", "vm", "default")
    with pytest.raises(ApiError, match=r'404 NotFound: virtualmachines.kubevirt.io "nobody" not found'):
        admin(world).get("virtualmachines/expand-spec", "nobody", "default")


@pytest.mark.parametrize(
    "vm",
    [
        {"preference": {"devices": {"preferredTPM": {"persistent": True}}}},
        {"preference": {"firmware": {"preferredEfi": {"persistent": True}}}},
        {"template": {"domain": {"firmware": {"bootloader": {"efi": {"persistent": True}}}}}},
        {"tracked": True},
    ],
)
def test_a_state_is_kept_on_a_claim_that_kubevirt_makes(vm: Mapping[str, Any]) -> None:
    world = world_of(**vm)
    (claim,) = admin(world).list(CLAIMS, "default", "persistent-state-for=vm")
    name = claim["metadata"]["name"]
    assert name.startswith("persistent-state-for-vm-")
    assert claim["metadata"]["ownerReferences"][0]["kind"] == "VirtualMachine"
    assert (claim["status"]["phase"], claim["spec"]["accessModes"]) == ("Bound", ["ReadWriteOnce"])
    assert {"name": "vm-state", "persistentVolumeClaim": {"claimName": name}} in launched(world)["spec"]["volumes"]
    told = [entry["persistentVolumeClaimInfo"]["claimName"] for entry in lives(world)["status"]["volumeStatus"][-1:]]
    assert told == [name]
    assert again(world)["spec"]["volumes"][-1]["persistentVolumeClaim"]["claimName"] == name


@pytest.mark.parametrize(
    "vm",
    [
        {},
        {"preference": {"devices": {"preferredTPM": {}}}},
        {"template": {"domain": {"devices": {"tpm": {"persistent": True, "enabled": False}}}}},
        {
            "template": {"domain": {"devices": {"tpm": {}}}},
            "preference": {"devices": {"preferredTPM": {"persistent": True}}},
        },
    ],
)
def test_who_keeps_no_state_gets_no_claim(vm: Mapping[str, Any]) -> None:
    assert admin(world_of(**vm)).list(CLAIMS) == []


def test_of_two_state_claims_the_one_that_is_not_being_deleted_is_used() -> None:
    world = world_of(storage=Storage.PERSISTENT_STATE)
    (old,) = admin(world).list(CLAIMS, "default")
    admin(world).delete(CLAIMS, old["metadata"]["name"], "default")  # held by its finalizer
    used = again(world)["spec"]["volumes"][-1]["persistentVolumeClaim"]["claimName"]
    assert used != old["metadata"]["name"]
    assert {claim["metadata"]["name"] for claim in admin(world).list(CLAIMS)} == {used, old["metadata"]["name"]}


def test_an_instance_without_a_vm_owns_its_state() -> None:
    tpm = {"domain": {"devices": {"tpm": {"persistent": True}}}}
    world = world_of(kind=Kind.VMI, template=tpm)
    (claim,) = admin(world).list(CLAIMS, "default")
    assert claim["metadata"]["ownerReferences"][0]["kind"] == "VirtualMachineInstance"


def test_a_guest_that_counts_on_its_frequency_stays_on_nodes_that_have_it() -> None:
    features = {"domain": {"cpu": {"features": [{"name": "invtsc", "policy": "require"}]}}}
    world = staged(Scene((A, B), ()))
    label = "cpu-feature.node.kubevirt.io/invtsc"
    slow = {label: "true", "cpu-timer.node.kubevirt.io/tsc-frequency": "2100000000"}
    both = {label: "true", "scheduling.node.kubevirt.io/tsc-frequency-2100000000": "true"}
    admin(world).patch("nodes", A, {"metadata": {"labels": both}})
    admin(world).patch("nodes", B, {"metadata": {"labels": slow}})
    add_vm(admin(world), Vm("vm", template=features))
    assert world.run(lambda: is_up(world.store, Vm("vm")), 300)
    assert lives(world)["status"]["topologyHints"] == {"tscFrequency": 2100000000}
    assert launched(world)["spec"]["nodeSelector"]["scheduling.node.kubevirt.io/tsc-frequency-2100000000"] == "true"
    assert launched(world)["spec"]["nodeName"] == A


def test_the_selector_of_its_namespace_binds_a_pod() -> None:
    world = world_of()
    note = {"metadata": {"annotations": {"openshift.io/node-selector": "env=prod, tier = 1"}}}
    admin(world).patch("namespaces", "default", note)
    admin(world).patch("nodes", B, {"metadata": {"labels": {"env": "prod", "tier": "1"}}})
    moved = again(world)["spec"]
    assert (moved["nodeName"], moved["nodeSelector"]["env"], moved["nodeSelector"]["tier"]) == (B, "prod", "1")


def test_a_pod_that_contradicts_its_namespace_is_denied_until_it_does_not() -> None:
    world = staged(Scene((A, B), ()))
    note = {"metadata": {"annotations": {"openshift.io/node-selector": f"kubernetes.io/hostname={B}"}}}
    admin(world).patch("namespaces", "default", note)
    add_vm(admin(world), Vm("vm", node=A, pinned=True))
    world.run_for(60)
    assert _uid(world) == ""
    assert {entry.code for entry in world.api.audit if (entry.verb, entry.resource) == ("create", "pods")} >= {403}
    admin(world).patch("namespaces", "default", {"metadata": {"annotations": None}})
    assert world.run(lambda: is_up(world.store, Vm("vm")), 300)


def test_the_placement_of_a_template_reaches_the_launcher() -> None:
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    template = {"topologySpreadConstraints": [spread], "schedulerName": "default-scheduler"}
    spec = launched(world_of(template=template, labels={"team": "blue"}))
    assert spec["spec"]["topologySpreadConstraints"] == [spread]
    assert spec["spec"]["schedulerName"] == "default-scheduler"
    assert spec["metadata"]["labels"]["team"] == "blue"


def test_a_migration_target_keeps_the_wishes_of_its_instance() -> None:
    wish = {"labelSelector": {"matchLabels": {"team": "red"}}, "topologyKey": "kubernetes.io/hostname"}
    own = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [wish]}}
    made = migration_target(instance(affinity=own), {"metadata": {"name": "m", "uid": "m"}})["spec"]
    terms = made["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert terms[0] == wish
    assert len(terms) == 2
