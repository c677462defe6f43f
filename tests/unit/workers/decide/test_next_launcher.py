"""What the next launcher will bear: held against every launcher that a real virt-controller was recorded to make."""

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from reactor.model.objects import part
from tests.support.places import TRACES
from workers.decide.observation import Observation, PodView, VmiView
from workers.decide.placement.next_launcher import PlacementNeeds, next_launcher
from workers.observe.parse import pod_view, vm_view, vmi_view

Obj = dict[str, Any]
_RECORDED: list[Obj] = json.loads(gzip.decompress((TRACES / "launchers.json.gz").read_bytes()))
_BY_ADMISSION = 300  # seconds of the tolerations that Kubernetes adds to every pod
_FIRST = _RECORDED[0]
_JOB = {"kubevirt.io/migrationJobUID": "m"}


def _bears(one: Obj, *, pod: bool = True, vmi: bool = True) -> PlacementNeeds:
    seen = Observation(None, vm_view(one["vm"]), vmi_view(one["vmi"]) if vmi else None)
    return next_launcher(seen, "run1", [pod_view(one["pod"])] if pod else [])


def _changed(one: Obj, **specs: Obj) -> Obj:
    """With changes to the specs of `vm` (its template's), `vmi` and `pod`."""
    found: Obj = json.loads(json.dumps(one))
    found["vm"]["spec"]["template"]["spec"] |= specs.get("vm", {})
    found["vm"]["metadata"]["generation"] = specs.get("generation", found["vm"]["metadata"]["generation"])
    found["vmi"]["spec"] |= specs.get("vmi", {})
    found["pod"]["spec"] |= specs.get("pod", {})
    return found


def _selector(bears: PlacementNeeds) -> Obj:
    return dict(part(bears.spec, "nodeSelector"))


def _asked(one: Obj, selector: Obj) -> Obj:
    return {"nodeSelector": {**one["pod"]["spec"]["nodeSelector"], **selector}}


@pytest.mark.parametrize("pod", [True, False], ids=["by the lost launcher", "by KubeVirt's rules alone"])
@pytest.mark.parametrize("vmi", [True, False], ids=["with the instance", "by the template"])
def test_every_recorded_launcher_is_what_is_reckoned_with(pod: bool, vmi: bool) -> None:
    for one in _RECORDED:
        bears, spec = _bears(one, pod=pod, vmi=vmi), one["pod"]["spec"]
        may = {key: value for doubt in bears.doubts for key, value in doubt.selectors.items()}
        assert {**_selector(bears), **may} == spec["nodeSelector"]
        found = {name: rules for name, rules in bears.spec["affinity"].items() if rules != {} and any(rules.values())}
        assert found == spec["affinity"]
        borne, rest = bears.spec.get("tolerations", []), spec["tolerations"]
        assert [one for one in rest if one in borne] == borne
        assert {one["tolerationSeconds"] for one in rest if one not in borne} <= (set() if pod else {_BY_ADMISSION})
        assert bears.limits == ()


def test_what_nobody_edited_leaves_nothing_in_doubt() -> None:
    assert [doubt for one in _RECORDED for doubt in _bears(one).doubts] == []


def test_what_only_a_migration_target_gets_is_not_asked_for_again() -> None:
    """Recorded of a migration: model and features of the source, its vendor, and the rule against the source's node."""
    one = _changed(_FIRST)
    of_the_source = {
        "cpu-model-migration.node.kubevirt.io/Skylake": "true",
        "cpu-feature.node.kubevirt.io/vmx": "true",
        "cpu-vendor.node.kubevirt.io/Intel": "true",
        "machine-type.node.kubevirt.io/pc-q35-rhel9.6.0": "true",
    }
    rule = {"labelSelector": {"matchLabels": {"kubevirt.io/created-by": "x"}}, "topologyKey": "kubernetes.io/hostname"}
    target = _changed(one, pod=_asked(one, of_the_source))
    target["pod"]["metadata"]["labels"] |= _JOB
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}
    target["pod"]["spec"]["affinity"]["podAntiAffinity"] = required
    bears = _bears(target)
    assert _selector(bears) == one["pod"]["spec"]["nodeSelector"]
    assert bears.spec["affinity"]["podAntiAffinity"] == {"requiredDuringSchedulingIgnoredDuringExecution": []}
    assert "kubevirt.io/migrationJobUID" not in bears.labels


def test_what_a_migration_was_sent_to_binds_the_next_launcher_only_perhaps() -> None:
    target = _changed(_FIRST, pod=_asked(_FIRST, {"rack": "7"}))
    target["pod"]["metadata"]["labels"] |= _JOB
    (doubt,) = _bears(target).doubts
    assert doubt.selectors == {"rack": "7"}
    assert "rack" not in _selector(_bears(target))


def test_what_admission_or_the_namespace_added_is_added_again() -> None:
    assert _selector(_bears(_changed(_FIRST, pod=_asked(_FIRST, {"env": "prod"}))))["env"] == "prod"


def test_what_was_edited_since_goes_and_comes() -> None:
    """The launcher was pinned and dedicated; today's template asks for a zone and a CPU model."""
    old = {"nodeSelector": {"kubernetes.io/hostname": "node-a"}}
    cpu = {"cpu": {"dedicatedCpuPlacement": True, "model": "host-model"}}
    one = _changed(
        _FIRST,
        vmi={**old, "domain": {**_FIRST["vmi"]["spec"]["domain"], **cpu}},
        pod=_asked(_FIRST, {**old["nodeSelector"], "cpumanager": "true", "env": "prod"}),
        vm={"nodeSelector": {"zone": "east"}, "domain": {"cpu": {"model": "Haswell"}}},
        generation=7,  # type: ignore[arg-type]
    )
    selector = _selector(_bears(one))
    assert {"zone", "env", "cpu-model.node.kubevirt.io/Haswell"} <= selector.keys()
    assert not {"kubernetes.io/hostname", "cpumanager"} & selector.keys()


def test_tolerations_and_spread_of_today_take_the_place_of_those_that_went() -> None:
    gpu, spot = {"key": "gpu", "operator": "Exists"}, {"key": "spot", "operator": "Exists"}
    admitted = _FIRST["pod"]["spec"]["tolerations"]
    one = _changed(
        _FIRST,
        vmi={"tolerations": [gpu]},
        pod={"tolerations": [gpu, *admitted]},
        vm={"tolerations": [spot]},
        generation=2,  # type: ignore[arg-type]
    )
    assert _bears(one).spec["tolerations"] == [spot, *admitted]


def test_a_default_that_only_the_lost_instance_shows_is_asked_for_perhaps() -> None:
    """Whether `Haswell` was KubeVirt's default or went out of the template nobody can tell."""
    cpu = {"domain": {**_FIRST["vmi"]["spec"]["domain"], "cpu": {"model": "Haswell"}}}
    haswell = {"cpu-model.node.kubevirt.io/Haswell": "true"}
    one = _changed(_FIRST, vmi=cpu, pod=_asked(_FIRST, haswell), generation=2)  # type: ignore[arg-type]
    bears = _bears(one)
    assert haswell.keys().isdisjoint(_selector(bears))
    assert [dict(doubt.selectors) for doubt in bears.doubts] == [haswell]


def _typed(one: Obj) -> Observation:
    one["vm"]["spec"]["instancetype"] = {"kind": "VirtualMachineInstancetype", "name": "pooled"}
    return Observation(None, vm_view(one["vm"]), vmi_view(one["vmi"]))


def test_an_instance_type_whose_wishes_nobody_tells_is_a_condition() -> None:
    one = _changed(
        _FIRST,
        vmi={"nodeSelector": {"pool": "a"}},
        pod=_asked(_FIRST, {"pool": "a"}),
        vm={"schedulerName": "default-scheduler"},
        generation=2,  # type: ignore[arg-type]
    )
    bears = next_launcher(_typed(one), "run1", [pod_view(one["pod"])])
    assert bears.limits == ("instancetype pooled add nothing to it that the lost instance did not bear",)
    assert _selector(bears)["pool"] == "a"


def test_what_the_instance_type_asks_for_today_is_asked_for_once_it_is_told() -> None:
    one = _changed(_FIRST, vmi={"nodeSelector": {"pool": "a"}}, pod=_asked(_FIRST, {"pool": "a"}), generation=2)  # type: ignore[arg-type]
    today = {**one["vm"]["spec"]["template"]["spec"], "nodeSelector": {"pool": "b"}}
    bears = next_launcher(replace(_typed(one), expanded=today), "run1", [pod_view(one["pod"])])
    assert (_selector(bears)["pool"], bears.limits) == ("b", ())


@pytest.mark.parametrize(
    ("spec", "limit"),
    [
        ({"schedulerName": "volcano"}, "scheduler volcano places it as Kubernetes' own would"),
        ({"resourceClaims": [{"name": "gpu"}]}, "its resource claims (gpu) can be met there"),
    ],
)
def test_what_no_rule_covers_is_named_as_a_condition(spec: Obj, limit: str) -> None:
    one = _changed(_FIRST, vm=spec, vmi=spec, pod=spec)
    assert _bears(one).limits == (limit,)


def test_a_namespace_of_openshift_binds_a_vm_of_which_no_launcher_is_left() -> None:
    seen = Observation(None, vm_view(_FIRST["vm"]), None, namespace={"openshift.io/node-selector": "env=prod, zone=a"})
    assert {"env": "prod", "zone": "a"}.items() <= _selector(next_launcher(seen, "run1", [])).items()


def test_its_labels_are_the_templates_and_those_that_every_launcher_gets() -> None:
    bears = _bears(_FIRST)
    assert bears.labels["kubevirt.io"] == "virt-launcher"
    assert bears.labels["app"] == _FIRST["vm"]["spec"]["template"]["metadata"]["labels"]["app"]
    assert not {"kubevirt.io/created-by", "kubevirt.io/nodeName"} & bears.labels.keys()


def test_without_a_vm_nothing_is_borne() -> None:
    assert next_launcher(Observation(None, None, VmiView("u", "", "", 0.0)), "a", ()) == PlacementNeeds()
    assert isinstance(pod_view(_FIRST["pod"]), PodView)
