"""What an instance type and a preference add to a template, as KubeVirt merges them; and what its rules select then."""

from typing import Any

import pytest

from workers.decide.placement.instance_type import expanded
from workers.decide.placement.next_instance import keeps_state
from workers.decide.placement.selectors import counts_time, derived, gated, with_rejects

Obj = dict[str, Any]
_ON = "true"


def test_a_template_that_says_nothing_gets_all_that_decides_where_it_runs() -> None:
    kind = {
        "nodeSelector": {"pool": "a"},
        "schedulerName": "volcano",
        "cpu": {"guest": 2, "model": "Haswell", "dedicatedCPUPlacement": True, "realtime": {}},
        "launchSecurity": {"sev": {}},
    }
    preference = {
        "cpu": {"preferredCPUFeatures": [{"name": "vmx"}]},
        "devices": {"preferredTPM": {"persistent": True}},
        "features": {"preferredHyperv": {"synic": {}}},
        "machine": {"preferredMachineType": "q35"},
        "preferredArchitecture": "amd64",
    }
    found = expanded({"domain": {}}, kind, preference)
    assert found["schedulerName"] == "volcano"
    assert keeps_state(found)
    assert derived(found) == {
        "kubevirt.io/schedulable": _ON,
        "kubernetes.io/arch": "amd64",
        "pool": "a",
        "cpumanager": _ON,
        "kubevirt.io/realtime": _ON,
        "kubevirt.io/sev": _ON,
        "cpu-model.node.kubevirt.io/Haswell": _ON,
        "cpu-feature.node.kubevirt.io/vmx": _ON,
    }
    assert gated(found) == {"machine-type.node.kubevirt.io/q35": _ON, "hyperv.node.kubevirt.io/synic": _ON}


@pytest.mark.parametrize(
    ("template", "preference"),
    [
        ({"devices": {"tpm": {}}}, {"devices": {"preferredTPM": {"persistent": True}}}),
        ({"firmware": {"bootloader": {"bios": {}}}}, {"firmware": {"preferredEfi": {"persistent": True}}}),
    ],
)
def test_what_the_template_says_of_its_state_a_preference_does_not_change(template: Obj, preference: Obj) -> None:
    assert not keeps_state(expanded({"domain": template}, {}, preference))


def test_a_preference_for_efi_that_lasts_needs_a_state_claim() -> None:
    assert keeps_state(expanded({"domain": {}}, {}, {"firmware": {"preferredEfi": {"persistent": True}}}))


def test_a_preference_adds_only_features_that_are_not_named_yet() -> None:
    own = {"domain": {"cpu": {"features": [{"name": "vmx", "policy": "forbid"}]}}}
    wished = {"cpu": {"preferredCPUFeatures": [{"name": "vmx", "policy": "require"}, {"name": "pcid"}]}}
    found = expanded(own, {}, wished)
    assert [feature["name"] for feature in found["domain"]["cpu"]["features"]] == ["vmx", "pcid"]
    assert "cpu-feature.node.kubevirt.io/vmx" not in derived(found)


@pytest.mark.parametrize(
    ("domain", "label"),
    [
        ({"launchSecurity": {"sev": {"policy": {"encryptedState": True}}}}, "kubevirt.io/sev-es"),
        ({"launchSecurity": {"snp": {}}}, "kubevirt.io/sev-snp"),
        ({"launchSecurity": {"snp": {}}}, "kubevirt.io/sev"),
        ({"launchSecurity": {"tdx": {}}}, "kubevirt.io/tdx"),
        ({"cpu": {"dedicatedCpuPlacement": True}}, "cpumanager"),
        ({"cpu": {"features": [{"name": "vmx"}]}}, "cpu-feature.node.kubevirt.io/vmx"),
    ],
)
def test_each_feature_of_a_domain_selects_its_nodes(domain: Obj, label: str) -> None:
    assert derived({"domain": domain}).get(label) == _ON
    assert label not in derived({"domain": {}})


@pytest.mark.parametrize("security", [{}, {"sev": {}}])
def test_secure_execution_is_any_launch_security_of_s390x(security: Obj) -> None:
    spec = {"architecture": "s390x", "domain": {"launchSecurity": security}}
    assert derived(spec)["kubevirt.io/s390-pv"] == _ON


@pytest.mark.parametrize("model", ["host-model", "host-passthrough"])
def test_a_model_of_the_hosts_own_selects_no_node(model: str) -> None:
    assert set(derived({"domain": {"cpu": {"model": model}}})) == {"kubevirt.io/schedulable"}


@pytest.mark.parametrize(
    ("hyperv", "labels"),
    [
        ({"evmcs": {}}, {"cpu-vendor.node.kubevirt.io/Intel"}),
        ({"evmcs": {"enabled": False}}, set()),
        ({"tlbflush": {"enabled": True}, "relaxed": {}}, {"hyperv.node.kubevirt.io/tlbflush"}),
    ],
)
def test_hyperv_features_select_nodes_where_kubevirt_is_strict_about_them(hyperv: Obj, labels: set[str]) -> None:
    assert gated({"domain": {"features": {"hyperv": hyperv}}}).keys() == labels


def test_forbidden_features_and_obsolete_models_are_kept_out_of_every_term() -> None:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    own = [{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}, {"matchFields": []}]
    spec = {
        "affinity": {"nodeAffinity": {required: {"nodeSelectorTerms": own}}},
        "domain": {"cpu": {"features": [{"name": "svm", "policy": "forbid"}]}},
    }
    terms = with_rejects(spec)["nodeAffinity"][required]["nodeSelectorTerms"]
    rejected = ["node-labeller.kubevirt.io/obsolete-host-model", "cpu-feature.node.kubevirt.io/svm"]
    assert [[rule["key"] for rule in term["matchExpressions"]] for term in terms] == [["zone", *rejected], rejected]


@pytest.mark.parametrize(
    ("domain", "timed"),
    [
        ({"cpu": {"features": [{"name": "invtsc", "policy": "require"}]}}, True),
        ({"cpu": {"features": [{"name": "invtsc"}]}}, False),
        ({"features": {"hyperv": {"reenlightenment": {}}}}, True),
        ({}, False),
    ],
)
def test_a_steady_time_stamp_counter_binds_to_a_frequency(domain: Obj, timed: bool) -> None:
    assert counts_time({"domain": domain}) is timed
