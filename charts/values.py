"""The values of the chart, once: `values.schema.json`, `values.yaml` and the table of its README are made of them."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from charts.objects import PLAIN, SINGLE, Key, Obj
from charts.schemas import Schema, array, group, image, labels, networks, number, resources, switch, text
from reactor.roles import ROLES
from reactor.settings import Settings, env_name

Builds = Mapping[str, Mapping[Key, Obj]]


def schema(built: Builds) -> Schema:
    """Of all values."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart vm-drift; written by `python -m charts`",
        **group(
            "What can be chosen.",
            image=image("vm-drift", "The image of every role."),
            imagePullSecrets=array(
                [],
                "Secrets for pulling images: `[{name: ...}]`.",
                {**group("A Secret.", name={"type": "string"}), "required": ["name"]},
            ),
            nodeSelector=labels("Labels of the nodes that pods may run on (all pods but those of Knative's Services)."),
            settings=_settings(built),
            roles=group("By role.", **{role.name: _role(built, role.name) for role in ROLES}),
            redis=_redis(),
            **_overlays(built),
            **_components(),
            **_surroundings(),
        ),
    }


def _redis() -> Schema:
    return group(
        "Redis (Valkey), with one user per role.",
        image=text("valkey/valkey:9", "Its image, whole."),
        sentinel=group(
            "As the overlay redis-sentinel.",
            enabled=switch("Three servers and three Sentinels instead of one server."),
        ),
    )


def _overlays(built: Builds) -> dict[str, Schema]:
    return {
        "knative": group(
            "As the overlay knative; Knative Serving and Eventing must be installed.",
            enabled=switch(
                "The receiver as a Knative Service, Nodes from an ApiServerSource, events in and out through a Broker."
            ),
            deadLettersImage=text(_dead_letters(built), "The image that logs what could not be delivered."),
        ),
        "keda": group(
            "As the overlay keda; KEDA must be installed.",
            enabled=switch("More workers for `drifts` while many drifts are due."),
            namespace=text("keda", "Where KEDA runs; it may ask Redis for the length of one list."),
            least=number(1, "So many workers always run."),
            most=number(10, "So many workers run at most."),
        ),
    }


def _components() -> dict[str, Schema]:
    return {
        "fencing": group(
            "As the component fencing.",
            enabled=switch("The role `fencing` with its rights. `settings.VMDRIFT_FENCING` says what proves death."),
            image=image("", "Another image for this role, as the provider fence-agent needs. Empty: that of all."),
        ),
        "audit": group(
            "As the component audit. The Secret `redis` needs a password for `audit` before.",
            enabled=switch("The role `audit` with its rights, each hour or as `settings.VMDRIFT_AUDIT_EVERY` says."),
        ),
        "monitoring": group(
            "As the component monitoring; the Prometheus operator must be installed.",
            enabled=switch("A PodMonitor, alerts, and a dashboard for Grafana's sidecar."),
            namespace=text("monitoring", "Where Prometheus runs; it may come in to the receivers."),
            labels=labels("More labels for PodMonitor and PrometheusRule, if your Prometheus selects by labels."),
        ),
    }


def _surroundings() -> dict[str, Schema]:
    return {
        "network": group(
            "Narrows the NetworkPolicies down. Empty: any address at these ports.",
            apiServer=networks("Addresses of the API server as pods reach it, `[10.0.0.1/32]`. Not for the receiver."),
            bmcs=networks("Networks of the BMCs that the provider redfish asks."),
            nodes=networks("Networks of the nodes whose ports witnesses try (`VMDRIFT_FENCE_AT`)."),
            sinkPorts=array(
                [80, 443, 8080, 8443], "Ports of the sink of outgoing events.", {"type": "integer", "minimum": 1}
            ),
        ),
        "admission": group(
            "The admission policies that narrow down what `drifts` and `fencing` may do.",
            enabled=switch("Install them. Kubernetes before 1.30 does not know them.", default=True),
        ),
        "namespace": group(
            "The namespace itself.",
            create=switch(
                "Make it an object of the chart, as kustomize does: for `helm template` and GitOps. `helm install` "
                "needs it to be there before, and `helm uninstall` would delete it with all Secrets in it."
            ),
        ),
    }


def _settings(built: Builds) -> Schema:
    own = set(_own(built)) | {"VMDRIFT_NAMESPACE", "VMDRIFT_KUBE_CONTEXT"}  # the release's; a kubeconfig's
    rows = {env_name(row): row.metadata for row in fields(Settings)}
    known = {name: row for name, row in rows.items() if name.startswith("VMDRIFT_") and name not in own}
    return {
        **group(
            "Environment variables of all roles, as docs/settings.md describes them. It observes until "
            "`VMDRIFT_POLICY` is `auto`. A change restarts the roles.",
            **{name: _setting(str(row["unit"]), str(row["why"])) for name, row in known.items()},
        ),
        "default": _named(built, "ConfigMap", "settings")["data"],
    }


def _own(built: Builds) -> Iterator[str]:
    """What containers are given: the same among the settings would change nothing."""
    for switched in (PLAIN, "components/fencing"):
        for (_, kind, _), obj in built[switched].items():
            if kind == "Deployment":
                for container in obj["spec"]["template"]["spec"]["containers"]:
                    yield from (one["name"] for one in container.get("env", []))


def _setting(unit: str, why: str) -> Schema:
    words: list[Any] = unit.split(" | ")
    if words == ["true", "false"]:
        return {"enum": [True, False, *words], "description": why}
    if len(words) > 1:
        return {"enum": words, "description": why}
    return {"type": ["string", "number"], "description": f"{why} ({unit})"}


def _role(built: Builds, name: str) -> Schema:
    (container,) = _named(built, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    counted = {
        "drifts": "How many run (without KEDA).",
        "fencing": "How many run, if `fencing.enabled`.",
        "outgoing": "How many run, once there is `settings.VMDRIFT_SINK` or Knative's Broker.",
        "receiver": "How many run (without Knative).",
    }
    copies = {} if name in SINGLE else {"replicas": number(2, counted.get(name, "How many run."))}
    return group(
        f"The role `{name}`.",
        **copies,
        resources=resources(container["resources"]),
    )


def _named(built: Builds, kind: str, name: str, switched: str = PLAIN) -> Obj:
    return next(obj for key, obj in built[switched].items() if key[1:] == (kind, name))


def _dead_letters(built: Builds) -> str:
    service = _named(built, "Service", "dead-letters", "overlays/knative")
    return str(service["spec"]["template"]["spec"]["containers"][0]["image"])
