"""What the overlays build, and the schemas that each object must keep to: unknown fields are errors."""

import subprocess
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from kubernetes_validate.utils import ValidationError as NotKubernetes
from kubernetes_validate.utils import validate

K8S = Path(__file__).parents[1] / "k8s"
OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())
VERSION = "1.32"  # of Kubernetes, whose schemas are asked
Obj = Mapping[str, Any]

# Where the models of the kinds that are not Kubernetes' own are.
_MODELS = {
    "serving.knative.dev/v1": "cloudcoil.models.knative_serving.serving.v1",
    "eventing.knative.dev/v1": "cloudcoil.models.knative_eventing.eventing.v1",
    "sources.knative.dev/v1": "cloudcoil.models.knative_eventing.sources.v1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
}


@cache
def built(overlay: str) -> tuple[Obj, ...]:
    """All objects of one overlay, as `kubectl apply -k` would send them."""
    return kustomized(K8S / "overlays" / overlay)


def kustomized(folder: Path) -> tuple[Obj, ...]:
    """All objects of a folder with a kustomization."""
    command = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    return tuple(yaml.safe_load_all(done.stdout))


def faults(obj: Obj) -> list[str]:
    """What is wrong with it by its schema; empty if all is well."""
    if obj["apiVersion"] in _MODELS:
        errors = Draft202012Validator(_closed_schema(obj["apiVersion"], obj["kind"])).iter_errors(obj)
        return [f"{error.json_path}: {error.message[:300]}" for error in map(_deepest, errors)]
    try:
        validate(dict(obj), VERSION, strict=True)
    except NotKubernetes as error:
        return [str(error)[:300]]
    return []


def pods(objects: tuple[Obj, ...]) -> Iterator[tuple[str, Obj]]:
    """Every pod template, with its owner's kind and name."""
    for obj in objects:
        template = obj.get("spec", {}).get("template") if isinstance(obj.get("spec"), dict) else None
        if template and "spec" in template:
            yield f"{obj['kind']} {obj['metadata']['name']}", template["spec"]


def _deepest(error: ValidationError) -> ValidationError:
    """Not that none of several forms fits, but why the likeliest does not."""
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return error


@cache
def _closed_schema(api_version: str, kind: str) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's, of names in models that we do not use
        model = getattr(import_module(_MODELS[api_version]), kind)
        schema: dict[str, Any] = model.model_json_schema(by_alias=True)
    _close(schema)
    return schema


def _close(node: Any) -> None:
    """The models let unknown fields pass; an object with properties shall not."""
    if isinstance(node, dict):
        if "properties" in node and not isinstance(node.get("additionalProperties"), dict):
            node["additionalProperties"] = False
        for inner in node.values():
            _close(inner)
    elif isinstance(node, list):
        for inner in node:
            _close(inner)
