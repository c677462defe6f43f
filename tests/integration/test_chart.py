"""The Helm chart makes the same objects as the overlays, and its values do what they say."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from reactor.roles import ROLES
from reactor.settings import Settings, env_name
from tests.support.chance import every_other
from tests.support.helm import CHART, VALUES, WITH_NAMESPACE, Refused, lint, packaged, rendered, texts, values_of
from tests.support.manifests import OVERLAYS, Obj, built, faults, kubectl, pods, without_place
from tests.support.places import K8S, ROOT

pytestmark = [pytest.mark.xdist_group("chart"), pytest.mark.long(20)]
COMPONENTS = [(), ("fencing",), ("monitoring",), ("audit",), ("fencing", "monitoring", "audit")]
BOTH = [(overlay, components) for overlay in OVERLAYS for components in COMPONENTS]
MARK = "vm-drift.io/settings"  # on every pod of ours: it changes with the settings
SCHEMA: Mapping[str, Any] = json.loads((CHART / "values.schema.json").read_text())


def named(objects: tuple[Obj, ...]) -> dict[str, Obj]:
    found = {f"{obj['apiVersion']} {obj['kind']} {obj['metadata']['name']}": obj for obj in objects}
    assert len(found) == len(objects)
    return found


def one(objects: tuple[Obj, ...], name: str) -> Any:
    """Kind and name."""
    (found,) = [obj for obj in objects if f"{obj['kind']} {obj['metadata']['name']}" == name]
    return found


def unmarked(objects: tuple[Obj, ...]) -> Iterator[Obj]:
    """Without what the chart alone has: every pod of ours is started anew when the settings change."""
    for obj in objects:
        copy = json.loads(json.dumps(obj))
        annotations = copy.get("spec", {}).get("template", {}).get("metadata", {}).get("annotations", {})
        if annotations.pop(MARK, None) and not annotations:
            del copy["spec"]["template"]["metadata"]["annotations"]
        yield copy


@kubectl
@pytest.mark.parametrize("both", every_other(BOTH, ["+".join([overlay, *components]) for overlay, components in BOTH]))
def test_the_chart_makes_exactly_the_objects_that_kustomize_builds(both: tuple[str, tuple[str, ...]]) -> None:
    overlay, components = both
    ours = named(tuple(unmarked(rendered(values_of(overlay, *components)))))
    theirs = named(tuple(without_place(built(overlay, *components))))
    assert ours.keys() == theirs.keys()
    assert {name: ours[name] for name in ours if ours[name] != theirs[name]} == {}


def test_the_names_of_overlays_and_components_are_the_charts() -> None:
    assert VALUES.keys() == {*OVERLAYS, *(path.name for path in (K8S / "components").iterdir())}


def test_knative_and_keda_together_change_what_each_of_them_changes() -> None:
    plain, knative, keda = (named(rendered(VALUES[name])) for name in ("plain", "knative", "keda"))
    both = named(rendered({**VALUES["knative"], **VALUES["keda"]}))
    expected = {name: obj for name, obj in keda.items() if name not in plain or name in knative}
    expected |= {name: obj for name, obj in knative.items() if name not in plain or obj != plain[name]}
    assert both == expected


@kubectl
def test_the_chart_is_what_its_generator_writes() -> None:
    from charts.chart import CHART as HERE
    from charts.chart import files, there

    written = files()
    assert there() == set(written), "run: make chart"
    assert [name for name in written if (HERE / name).read_text() != written[name]] == [], "run: make chart"


def test_chart_package_and_overlays_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    (project,) = re.findall(r'(?m)^version = "(.*)"$', (ROOT / "pyproject.toml").read_text())
    (image,) = yaml.safe_load((K8S / "base" / "kustomization.yaml").read_text())["images"]
    assert (chart["version"], chart["appVersion"], image["newTag"]) == (project, project, project)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_helm_has_nothing_to_say_against_it(overlay: str) -> None:
    found = lint(values_of(overlay, "fencing", "monitoring", "audit"))
    assert found["errors"] == []
    assert [message["error"] for message in found["messages"]] == ["icon is recommended"]


def test_helm_would_say_what_is_wrong_with_it() -> None:
    assert "additional properties 'imagee' not allowed" in str(lint({"imagee": {}}))


def test_as_it_comes_it_only_observes_and_brings_no_namespace() -> None:
    objects = rendered({})
    assert one(objects, "ConfigMap settings")["data"] == {"VMDRIFT_POLICY": "observe"}
    assert [obj for obj in objects if obj["kind"] in {"Namespace", "Secret"}] == []
    assert "only observes" in notes({})
    assert "ACTS" in notes({"settings": {"VMDRIFT_POLICY": "auto"}})
    assert "no provider" in notes(VALUES["fencing"])


def notes(values: Mapping[str, Any]) -> str:
    return texts(values)["vm-drift/templates/NOTES.txt"]


EVERYTHING: Mapping[str, Any] = {
    **VALUES["fencing"],
    **VALUES["monitoring"],
    **VALUES["audit"],
    "image": {"repository": "registry.example/vm-drift", "digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "pull"}],
    "nodeSelector": {"node-role": "infra"},
    "redis": {"image": "registry.example/valkey:9.1"},
    "settings": {"VMDRIFT_POLICY": "auto", "VMDRIFT_SENDER_BYTES": 8388608, "VMDRIFT_SINK": "https://sink.example"},
    "roles": {"drifts": {"replicas": 5, "resources": {"limits": {"memory": "1Gi"}}}},
    "fencing": {"enabled": True, "image": {"repository": "registry.example/with-agents", "tag": "7"}},
    "network": {"apiServer": ["10.0.0.1/32"], "bmcs": ["10.9.0.0/16"], "nodes": ["10.1.0.0/16"], "sinkPorts": [9443]},
    "monitoring": {"enabled": True, "namespace": "watch", "labels": {"release": "prometheus"}},
}


@pytest.fixture(scope="module")
def everything() -> tuple[Obj, ...]:
    return rendered(EVERYTHING)


def test_with_every_value_changed_each_object_keeps_to_its_schema(everything: tuple[Obj, ...]) -> None:
    assert {name: faults(obj) for name, obj in named(everything).items() if faults(obj)} == {}


def test_every_pod_has_the_image_the_secret_and_the_nodes_that_are_chosen(everything: tuple[Obj, ...]) -> None:
    images = {}
    for owner, pod in pods(everything):
        assert pod["imagePullSecrets"] == [{"name": "pull"}], owner
        assert pod["nodeSelector"] == {"node-role": "infra"}, owner
        images[owner] = {container["image"] for container in [*pod.get("initContainers", []), *pod["containers"]]}
    assert images.pop("Deployment redis") == {"registry.example/valkey:9.1"}
    assert images.pop("Deployment fencing") == {"registry.example/with-agents:7"}
    assert set.union(*images.values()) == {f"registry.example/vm-drift@sha256:{'0' * 64}"}
    assert len(images) == len(ROLES) - 1


def test_a_roles_own_values_are_its_own(everything: tuple[Obj, ...]) -> None:
    replicas = {role.name: one(everything, f"Deployment {role.name}")["spec"]["replicas"] for role in ROLES}
    assert replicas == {**{role.name: 2 for role in ROLES}, "drifts": 5, "audit": 1}  # outgoing: there is a sink
    (container,) = one(everything, "Deployment drifts")["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {"requests": {"cpu": "20m", "memory": "96Mi"}, "limits": {"memory": "1Gi"}}


def test_policies_are_narrowed_down_to_the_addresses_that_are_named(everything: tuple[Obj, ...]) -> None:
    ways = {
        obj["metadata"]["name"]: obj["spec"].get("egress", []) for obj in everything if obj["kind"] == "NetworkPolicy"
    }
    for name in ("watcher", "intake", "drifts", "fencing"):
        assert {"ports": [{"port": 443}, {"port": 6443}], "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]} in ways[name]
    assert {"ports": [{"port": 443}, {"port": 6443}]} in ways["receiver"]
    assert ways["fencing-to-bmcs"] == [{"ports": [{"port": 443}], "to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}]}]
    assert ways["watcher-to-nodes"] == [{"ports": [{"port": 10250}], "to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}]
    assert {"ports": [{"port": 9443}]} in ways["outgoing"]
    (prometheus,) = one(everything, "NetworkPolicy metrics")["spec"]["ingress"][0]["from"]
    assert prometheus["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "watch"}
    for name in ("PodMonitor receiver", "PrometheusRule vm-drift"):
        assert one(everything, name)["metadata"]["labels"]["release"] == "prometheus"


def test_settings_are_what_a_process_reads_also_large_numbers(everything: tuple[Obj, ...]) -> None:
    data = one(everything, "ConfigMap settings")["data"]
    assert data == {**EVERYTHING["settings"], "VMDRIFT_SENDER_BYTES": "8388608", "VMDRIFT_AUDIT_EVERY": "3600"}
    assert Settings.read(data).sender_bytes == 8388608


def test_how_often_it_audits_can_be_chosen() -> None:
    chosen = rendered({**VALUES["audit"], "settings": {"VMDRIFT_AUDIT_EVERY": 7200}})
    assert one(chosen, "ConfigMap settings")["data"]["VMDRIFT_AUDIT_EVERY"] == "7200"


def test_other_settings_start_every_role_anew_and_nothing_else() -> None:
    before, after = (rendered({"settings": {"VMDRIFT_RESYNC": seconds}}) for seconds in (60, 61))
    assert different(before, after) == {"ConfigMap settings", *(f"Deployment {role.name}" for role in ROLES)}
    assert different(unmarked(before), unmarked(after)) == {"ConfigMap settings"}


def different(some: Iterable[Obj], others: Iterable[Obj]) -> set[str]:
    pairs = zip(some, others, strict=True)
    return {f"{obj['kind']} {obj['metadata']['name']}" for obj, other in pairs if obj != other}


def test_in_another_namespace_nothing_points_to_the_usual_one() -> None:
    for overlay in OVERLAYS:
        values = {**VALUES[overlay], **VALUES["fencing"]}
        there, here = rendered(values, "elsewhere"), rendered(values)
        assert one(there, "ConfigMap settings")["data"]["VMDRIFT_NAMESPACE"] == "elsewhere"
        moved = json.dumps(list(unmarked(here)))
        for place in ('"namespace": "%s"', "system:serviceaccount:%s:", "redis.%s.svc"):
            moved = moved.replace(place % "vm-drift", place % "elsewhere")
        moved = moved.replace(
            '"VMDRIFT_POLICY": "observe"', '"VMDRIFT_NAMESPACE": "elsewhere", "VMDRIFT_POLICY": "observe"'
        )
        assert json.loads(moved) == list(unmarked(there))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"imagee": {}}, "additional properties 'imagee' not allowed"),
        ({"settings": {"VMDRIFT_POLICYY": "auto"}}, "additional properties 'VMDRIFT_POLICYY' not allowed"),
        ({"settings": {"VMDRIFT_POLICY": "act"}}, "/settings/VMDRIFT_POLICY"),
        ({"settings": {"VMDRIFT_REDIS_URL": "redis://mine"}}, "VMDRIFT_REDIS_URL"),
        ({"settings": {"VMDRIFT_NAMESPACE": "other"}}, "VMDRIFT_NAMESPACE"),
        ({"roles": {"drifts": {"replicas": 0}}}, "minimum: got 0, want 1"),
        ({"image": {"digest": "latest"}}, "/image/digest"),
        ({"network": {"bmcs": ["10.0.0.1"]}}, "/network/bmcs/0"),
        ({"settings": {"VMDRIFT_FENCING": "event"}}, "the role that asks them would not run"),
        ({"settings": {"VMDRIFT_AUDIT_EVERY": 60}}, "the role that judges would not run"),
        ({**VALUES["redis-sentinel"], **VALUES["keda"]}, "redis.sentinel.enabled and keda.enabled exclude each other"),
        ({**VALUES["redis-sentinel"], **VALUES["knative"]}, "knative.enabled exclude each other"),
    ],
)
def test_what_would_not_work_is_refused_with_a_sentence(values: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        rendered(values)


def test_every_setting_is_a_value_but_those_that_the_manifests_say_themselves() -> None:
    known = {env_name(row) for row in fields(Settings) if env_name(row).startswith("VMDRIFT_")}
    said = {
        entry["name"]
        for _, pod in pods(rendered({**VALUES["fencing"], **VALUES["audit"]}))
        for c in pod["containers"]
        for entry in c.get("env", [])
    }
    settings = SCHEMA["properties"]["settings"]
    assert settings["properties"].keys() == known - said - {"VMDRIFT_NAMESPACE", "VMDRIFT_KUBE_CONTEXT"}
    assert settings["additionalProperties"] is False


def test_every_value_is_described_and_nothing_else_is_allowed() -> None:
    def walk(schema: Mapping[str, Any], path: str) -> Iterator[str]:
        for name, inner in schema.get("properties", {}).items():
            if "description" not in inner or (inner.get("type") == "object" and "additionalProperties" not in inner):
                yield f"{path}{name}"
            if "default" not in inner:
                yield from walk(inner, f"{path}{name}.")

    assert list(walk(SCHEMA, "")) == []


def test_without_admission_there_are_no_policies_and_with_it_they_are_all_there() -> None:
    kinds = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    values = VALUES["fencing"]
    assert len([obj for obj in rendered(values) if obj["kind"] in kinds]) == 6
    assert [obj for obj in rendered({**values, "admission": {"enabled": False}}) if obj["kind"] in kinds] == []


def test_an_upgrade_says_nothing_of_what_people_ask_for_and_what_is_proven() -> None:
    for name in ("vm-drift-interventions", "vm-drift-claims", "vm-drift-fencing"):
        assert one(rendered({}), f"ConfigMap {name}").keys() == {"apiVersion", "kind", "metadata"}


def test_its_readme_makes_the_passwords_of_every_user_that_there_is() -> None:
    wanted = {"sentinels"}  # who asks them
    for overlay in OVERLAYS:
        objects = rendered({**VALUES[overlay], **VALUES["audit"]})
        (rules,) = [obj["data"] for obj in objects if obj["metadata"]["name"].startswith("redis-users-")]
        lines = [line for file, text in rules.items() if file.endswith(".rules") for line in text.splitlines()]
        wanted |= {line.split()[0] for line in lines if line[0] != "#"}
    for page in (CHART / "README.md", ROOT / "docs" / "operations.md"):
        (users,) = re.findall(r"for user in ([\w\s\\]+); do", page.read_text())
        assert set(users.replace("\\", "").split()) == wanted


def test_the_archive_that_is_released_renders_the_same(tmp_path: Path) -> None:
    archive = packaged(tmp_path)
    assert re.fullmatch(r"vm-drift-[\d.]+\.tgz", archive.name)
    assert rendered(WITH_NAMESPACE, chart=archive) == rendered(WITH_NAMESPACE)
