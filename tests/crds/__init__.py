"""Schemas of the kinds that are not Kubernetes' own, in which unknown fields are errors.

They are made from the operators' models (`python -m tests.crds` writes them), whose import takes ten seconds.
"""

import json
import warnings
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

# Where the models are.
MODELS = {
    "serving.knative.dev/v1": "cloudcoil.models.knative_serving.serving.v1",
    "eventing.knative.dev/v1": "cloudcoil.models.knative_eventing.eventing.v1",
    "sources.knative.dev/v1": "cloudcoil.models.knative_eventing.sources.v1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
}
_WORDS = {"title", "description", "default"}  # they say nothing about what is valid


def place(api_version: str, kind: str) -> Path:
    """The file of a kind."""
    return Path(__file__).parent / f"{api_version.replace('/', '_')}_{kind}.json"


@cache
def schema(api_version: str, kind: str) -> dict[str, Any]:
    """As it was written down."""
    found: dict[str, Any] = json.loads(place(api_version, kind).read_text())
    return found


def made(api_version: str, kind: str) -> dict[str, Any]:
    """From the models as they are installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's, of names in models that we do not use
        model = getattr(import_module(MODELS[api_version]), kind)
        whole = model.model_json_schema(by_alias=True)
    shorter: dict[str, Any] = _short(whole)
    _close(shorter)
    return shorter


def _short(node: Any, *, names: bool = False) -> Any:
    """Without words for people. `names`: its keys are those of fields or types, and no keywords."""
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if names or key not in _WORDS}
        return {key: _short(value, names=not names and key in {"properties", "$defs"}) for key, value in kept.items()}
    return [_short(inner) for inner in node] if isinstance(node, list) else node


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
