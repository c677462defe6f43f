"""Alerts and dashboard: every query asks for what there is, every alert fires when it should, and says what to do."""

import copy
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis

from tests.support.exposition import Metric, metrics
from tests.support.manifests import OVERLAYS, Obj, built, faults, kubectl, overlays
from tests.support.places import K8S, ROOT

COMPONENT = K8S / "components" / "monitoring"
DOCS = K8S.parent / "docs"
CASES = ROOT / "tests" / "monitoring" / "rules_test.yaml"
RULE_FILE: Mapping[str, Any] = yaml.safe_load((COMPONENT / "rules.yaml").read_text())["spec"]
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
ALERTS = [rule for group in RULE_FILE["groups"] for rule in group["rules"]]
DASHBOARD: Mapping[str, Any] = json.loads((COMPONENT / "vm-drift.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# What Grafana puts in before it asks.
VARIABLES = {"$__range": "6h", "$__rate_interval": "1m"}

promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool (Debian: prometheus) judges rules and queries"
)


@pytest.fixture
def there(redis: Redis) -> Mapping[str, Metric]:
    """What `/metrics` tells."""
    return metrics(redis)


def queries() -> list[str]:
    """Of every alert and every panel."""
    shown = [target["expr"] for panel in PANELS for target in panel["targets"]]
    for variable, value in VARIABLES.items():
        shown = [query.replace(variable, value) for query in shown]
    return [rule["expr"] for rule in ALERTS] + shown


def asked(query: str, there: Mapping[str, Metric]) -> Iterator[str]:
    """What this query wants and nobody tells: metrics, and labels that are matched or kept."""
    labels: set[str] = set()
    for name, matchers in re.findall(r"\b(vmdrift_\w+)(?:\{([^}]*)\})?", query):
        known = [metric for metric in there.values() if name in metric.samples]
        yield from [] if known else [name]
        own = {label for metric in known for label in metric.labels} | ({"le"} if name.endswith("_bucket") else set())
        labels |= own
        yield from (f"{name}{{{label}}}" for label in re.findall(r"(\w+)\s*[=!]", matchers) if label not in own)
    kept = {label.strip() for names in re.findall(r"\bby\s*\(([^)]*)\)", query) for label in names.split(",")}
    yield from (f"by ({label}) in {query}" for label in sorted(kept - labels))


def test_every_query_asks_for_metrics_and_labels_that_there_are(there: Mapping[str, Metric]) -> None:
    assert len(queries()) > len(ALERTS) + len(PANELS) - 1
    assert [missing for query in queries() for missing in asked(query, there)] == []


def test_a_query_for_something_else_would_be_found(there: Mapping[str, Metric]) -> None:
    wrong = 'max by (node, phase) (vmdrift_drifts{phaze="failed"}) or max by (le) (vmdrift_outages)'
    told = list(asked(wrong, there))
    assert told == ["vmdrift_drifts{phaze}", "vmdrift_outages", f"by (le) in {wrong}", f"by (node) in {wrong}"]


def test_every_metric_is_shown(there: Mapping[str, Metric]) -> None:
    text = " ".join(queries())
    assert [name for name, metric in there.items() if not any(sample in text for sample in metric.samples)] == []


def test_the_page_lists_exactly_the_metrics_that_there_are(there: Mapping[str, Metric]) -> None:
    rows = re.findall(r"^\| `(vmdrift_\w+)` \| (\w+) \|([^|]*)\|", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    page = {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert page == {name: (metric.kind, metric.labels) for name, metric in there.items()}


@promtool
def test_every_query_is_one(tmp_path: Path) -> None:
    rules = [{"record": "x", "expr": query, "labels": {"n": str(number)}} for number, query in enumerate(queries())]
    judged(tmp_path, {"groups": [{"name": "queries", "rules": rules}]}, "check", "rules", "rules.yaml")
    judged(tmp_path, RULE_FILE, "check", "rules", "rules.yaml")


@promtool
def test_every_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    shutil.copy(CASES, tmp_path)
    short: Any = copy.deepcopy(dict(RULE_FILE))
    for group in short["groups"]:
        for rule in group["rules"]:
            rule["annotations"] = {"summary": rule["annotations"]["summary"]}  # promtool wants all or nothing
    judged(tmp_path, short, "test", "rules", CASES.name)


def judged(folder: Path, rules: Mapping[str, Any], *words: str) -> None:
    (folder / "rules.yaml").write_text(yaml.safe_dump(dict(rules)))
    command = ["promtool", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tried_both_firing_and_silent() -> None:
    tried = [one for case in yaml.safe_load(CASES.read_text())["tests"] for one in case["alert_rule_test"]]
    names = {rule["alert"] for rule in ALERTS}
    assert {one["alertname"] for one in tried if one.get("exp_alerts")} == names
    assert {one["alertname"] for one in tried if not one.get("exp_alerts")} == names


def test_each_alert_says_how_bad_it_is_what_to_do_and_where_more_is_said() -> None:
    page = (DOCS / "operations.md").read_text()
    sections = set(re.findall(r"^#### (VmDrift\w+)$", page, re.MULTILINE))
    assert sections == {rule["alert"] for rule in ALERTS}
    for rule in ALERTS:
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert (
            rule["annotations"]["runbook_url"] == f"{REPOSITORY}/blob/main/docs/operations.md#{rule['alert'].lower()}"
        )
        assert rule["labels"]["severity"] in {"warning", "critical"}


def test_each_panel_has_a_title_a_word_what_it_shows_and_a_place_of_its_own() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert all(panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.fixture(params=OVERLAYS)
def monitored(request: pytest.FixtureRequest) -> tuple[tuple[Obj, ...], list[Obj]]:
    """What an overlay builds alone, and what the component adds to it."""
    plain, both = built(request.param), built(request.param, "monitoring")
    assert [obj for obj in plain if obj not in both] == []
    return plain, [obj for obj in both if obj not in plain]


@kubectl
@overlays
def test_the_component_adds_to_every_overlay_and_changes_nothing(monitored: tuple[tuple[Obj, ...], list[Obj]]) -> None:
    _, added = monitored
    assert sorted(obj["kind"] for obj in added) == ["ConfigMap", "NetworkPolicy", "PodMonitor", "PrometheusRule"]
    assert {obj["metadata"]["namespace"] for obj in added} == {"vm-drift"}
    assert {obj["kind"]: faults(obj) for obj in added if faults(obj)} == {}
    (dashboard,) = [obj for obj in added if obj["kind"] == "ConfigMap"]
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["vm-drift.json"]) == DASHBOARD


@kubectl
@overlays
def test_an_unknown_field_of_what_it_adds_would_be_found(monitored: tuple[tuple[Obj, ...], list[Obj]]) -> None:
    for obj in monitored[1]:
        if "spec" in obj:
            broken: Any = copy.deepcopy(dict(obj))
            broken["spec"]["grupps"] = []
            assert faults(broken), obj["kind"]


@kubectl
@overlays
def test_what_is_scraped_is_the_receiver_and_prometheus_may_come_in(
    monitored: tuple[tuple[Obj, ...], list[Obj]],
) -> None:
    plain, added = monitored
    (receiver,) = [obj for obj in plain if obj["metadata"]["name"] == "receiver" and "template" in obj.get("spec", {})]
    pod = receiver["spec"]["template"]
    ports = [port for one in pod["spec"]["containers"] for port in one["ports"]]
    (port,) = [port["containerPort"] for port in ports if port["name"] != "probes"]
    by_kind = {obj["kind"]: obj["spec"] for obj in added if "spec" in obj}
    (endpoint,) = by_kind["PodMonitor"]["podMetricsEndpoints"]
    (kept,) = endpoint["relabelings"]
    (way,) = by_kind["NetworkPolicy"]["ingress"]
    wanted = by_kind["PodMonitor"]["selector"]["matchLabels"]
    assert wanted == by_kind["NetworkPolicy"]["podSelector"]["matchLabels"]
    assert wanted.items() <= pod["metadata"]["labels"].items()
    assert (endpoint["path"], kept["regex"], way["ports"]) == ("/metrics", str(port), [{"port": port}])
