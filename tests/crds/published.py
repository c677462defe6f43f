"""`python -m tests.crds.published CRD.yaml...`: writes the schema of each kind of `PUBLISHED` that these files define.

The kinds that fencing meets come from operators for which there are no models: their CustomResourceDefinitions are
published with their source, under the Apache License 2.0. Only the shape of the objects is kept: names, types, what is
required, and which values there are. Rules in CEL are not; unknown fields are errors here, and are dropped there.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from simulator.documents import documents
from tests import crds


class Source(NamedTuple):
    """A repository on GitHub, and its commit."""

    repository: str
    commit: str


_CSI_ADDONS = Source("csi-addons/kubernetes-csi-addons", "d4d7fea4e749a31ebf58c8c59494f19db43ef20a")
_FAR = Source("medik8s/fence-agents-remediation", "51f603e03904f4e0124685548accba21d74b1aef")
_SNR = Source("medik8s/self-node-remediation", "640aac50d7ba64bc08a5c1a45763bb3043ee9ed7")
_METAL3 = Source("metal3-io/baremetal-operator", "02aa5059e3482f9dc3b5115c3a45cec4b000ae16")
# In the folder of each that ends with crd/bases or crds/bases.
PUBLISHED: Mapping[tuple[str, str], Source] = {
    ("csiaddons.openshift.io/v1alpha1", "CSIAddonsNode"): _CSI_ADDONS,
    ("csiaddons.openshift.io/v1alpha1", "NetworkFence"): _CSI_ADDONS,
    ("csiaddons.openshift.io/v1alpha1", "NetworkFenceClass"): _CSI_ADDONS,
    ("fence-agents-remediation.medik8s.io/v1alpha1", "FenceAgentsRemediation"): _FAR,
    ("fence-agents-remediation.medik8s.io/v1alpha1", "FenceAgentsRemediationTemplate"): _FAR,
    ("self-node-remediation.medik8s.io/v1alpha1", "SelfNodeRemediation"): _SNR,
    ("self-node-remediation.medik8s.io/v1alpha1", "SelfNodeRemediationTemplate"): _SNR,
    ("metal3.io/v1alpha1", "BareMetalHost"): _METAL3,
}
_KEPT = frozenset(
    {"type", "required", "enum", "pattern", "format", "items", "properties", "additionalProperties", "minItems"}
    | {"maxItems", "minLength", "maxLength", "minimum", "maximum", "anyOf", "oneOf", "allOf", "not"}
)
_ANYTHING = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING = "x-kubernetes-int-or-string"


def schemas(definition: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Of a CustomResourceDefinition, by apiVersion and kind."""
    spec = definition["spec"]
    for version in spec["versions"]:
        kind = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
        yield kind, _whole(_closed(version["schema"]["openAPIV3Schema"]), *kind)


def _whole(schema: dict[str, Any], api_version: str, kind: str) -> dict[str, Any]:
    """With what every object has, and CustomResourceDefinitions do not say."""
    own = {"apiVersion": {"const": api_version}, "kind": {"const": kind}}
    named = {"metadata": {"type": "object", "required": ["name"]}}
    required = sorted({*schema.get("required", ()), *own, *named})
    return {**schema, "properties": {**schema["properties"], **own, **named}, "required": required}


def _closed(node: Mapping[str, Any]) -> dict[str, Any]:
    """In the words of JSON Schema; an object with properties has no others."""
    if node.get(_INT_OR_STRING):
        return {"type": ["integer", "string"]}
    kept = {key: _inner(key, value) for key, value in node.items() if key in _KEPT}
    if node.get("nullable"):
        kept["type"] = [kept["type"], "null"]
    if "properties" in kept and not node.get(_ANYTHING):
        kept["additionalProperties"] = False
    return kept


def _inner(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: _closed(inner) for name, inner in value.items()}
    if key in {"anyOf", "oneOf", "allOf"}:
        return [_closed(inner) for inner in value]
    return _closed(value) if key in {"items", "additionalProperties", "not"} and isinstance(value, dict) else value


def main(files: list[str]) -> None:
    """Kinds of other versions, and other kinds, are left out."""
    for definition in (document for file in files for document in documents(Path(file).read_text())):
        for kind, schema in schemas(definition):
            if kind in PUBLISHED:
                crds.place(*kind).write_text(json.dumps(schema, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
