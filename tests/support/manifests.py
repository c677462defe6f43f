"""What the overlays build, and the schemas that each object must keep to: unknown fields are errors.

Tests that ask are of the group `overlays`: one of xdist's workers builds each overlay, and loads each schema, once.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from simulator.documents import documents
from tests import crds
from tests.support.places import K8S
from vmdrift.doctor.versions import supported

OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())
Obj = Mapping[str, Any]

kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl builds the overlays")
overlays = pytest.mark.xdist_group("overlays")
building = pytest.mark.long(25)  # all that go by `overlays` together


@cache
def built(overlay: str, *components: str) -> tuple[Obj, ...]:
    """All objects of one overlay, with components where some are named, as `kubectl apply -k` would send them."""
    with TemporaryDirectory() as name:
        folder = Path(name).resolve()
        used = {"resources": [os.path.relpath(K8S / "overlays" / overlay, folder)]}
        if parts := [os.path.relpath(K8S / "components" / part, folder) for part in components if part]:
            used["components"] = parts
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(used))
        return _kustomized(folder)


def _kustomized(folder: Path) -> tuple[Obj, ...]:
    command = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    return tuple(documents(done.stdout))


def faults(obj: Obj) -> list[str]:
    """What is wrong with it by its schema; empty if all is well. Overlays have most objects in common."""
    return _faults(json.dumps(obj))


@cache
def _faults(text: str) -> list[str]:
    obj = json.loads(text)
    if obj["apiVersion"] not in crds.MODELS:
        return _unlike_kubernetes(obj)
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(crds.schema(obj["apiVersion"], obj["kind"])).iter_errors(obj)
    return [f"{error.json_path}: {error.message[:300]}" for error in map(_deepest, errors)]


def _unlike_kubernetes(obj: Obj) -> list[str]:
    """By the schemas of each Kubernetes that we support."""
    utils, faults = _kubernetes(), []
    for version in supported()["kubernetes"]:
        try:
            utils.validate(dict(obj), version.name, strict=True)
        except utils.ValidationError as error:
            faults.append(f"Kubernetes {version.name}: {str(error)[:300]}")
    return faults


@cache
def _kubernetes() -> Any:
    from kubernetes_validate import utils

    utils.schema_contents = cache(utils.schema_contents)  # it would read megabytes for each object
    utils.all_versions = cache(utils.all_versions)
    return utils


def pods(objects: tuple[Obj, ...]) -> Iterator[tuple[str, Obj]]:
    """Every pod template, with its owner's kind and name."""
    for obj in objects:
        template = obj.get("spec", {}).get("template") if isinstance(obj.get("spec"), dict) else None
        if template and "spec" in template:
            yield f"{obj['kind']} {obj['metadata']['name']}", template["spec"]


def without_place(objects: tuple[Obj, ...]) -> Iterator[Obj]:
    """kustomize says a namespace of admission policies, which have none; kubectl takes it out before it sends them."""
    for obj in objects:
        meta = {key: value for key, value in obj["metadata"].items() if key != "namespace"}
        yield {**obj, "metadata": meta} if obj["kind"].startswith("ValidatingAdmissionPolicy") else obj


def _deepest(error: Any) -> Any:
    """Not that none of several forms fits, but why the likeliest does not."""
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return error


def foreign() -> list[tuple[str, str]]:
    """apiVersion and kind of all that is not Kubernetes' own, in any overlay with any component."""
    parts = [(overlay, part) for overlay in OVERLAYS for part in ("", "fencing", "monitoring")]
    found = {(obj["apiVersion"], obj["kind"]) for overlay, part in parts for obj in built(overlay, part)}
    return sorted((api_version, kind) for api_version, kind in found if api_version in crds.MODELS)
