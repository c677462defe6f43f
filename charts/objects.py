"""What kustomize builds of each overlay and component, and where in k8s/ each object stands."""

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
from typing import Any

import yaml

K8S = Path(__file__).parents[1] / "k8s"
PLAIN = ""
Obj = dict[str, Any]
Key = tuple[str, str, str]  # apiVersion, kind, name

# What can be switched on, each on top of the overlay plain, and the value that does it.
SWITCHES = {
    "overlays/knative": ".Values.knative.enabled",
    "overlays/redis-sentinel": ".Values.redis.sentinel.enabled",
    "overlays/keda": ".Values.keda.enabled",
    "components/fencing": ".Values.fencing.enabled",
    "components/audit": ".Values.audit.enabled",
    "components/monitoring": ".Values.monitoring.enabled",
}
SINGLE = {"audit"}  # of these roles one runs: two would read the whole cluster twice
# kustomize's hash of a ConfigMap's content behind its name; these are the characters that it uses.
_HASHED = re.compile(r"-[2456789bcdfghkmt]{10}$")


@dataclass(frozen=True)
class Source:
    """A file below k8s/, the comment that stands above the object there, and the file of its template."""

    file: Path
    comment: str = ""
    named: str = ""

    @property
    def template(self) -> Path:
        """The same place among the chart's templates."""
        folders = [part for part in self.file.parent.parts if part not in {"base", "overlays", "components"}]
        return Path(*folders, self.named or self.file.name)


def builds() -> Mapping[str, Mapping[Key, Obj]]:
    """By switch, and `PLAIN`: all objects. ConfigMaps with a hash in their names are without it."""
    return {switch: {key_of(obj): obj for obj in _built(switch)} for switch in (PLAIN, *SWITCHES)}


def key_of(obj: Mapping[str, Any]) -> Key:
    """Which object it is, in whatever build."""
    return obj["apiVersion"], obj["kind"], obj["metadata"]["name"]


def hashed(objects: list[Obj]) -> Mapping[str, str]:
    """The names that kustomize has put a hash behind, and what they are without it."""
    names = [obj["metadata"]["name"] for obj in objects if obj["kind"] == "ConfigMap"]
    return {name: _HASHED.sub("", name) for name in names if _HASHED.search(name)}


def _built(switch: str) -> list[Obj]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        kind, _, _ = switch.partition("/")
        used = {"resources": [relpath(K8S / "overlays" / "plain", folder)]}
        if switch:
            used |= {"resources" if kind == "overlays" else "components": [relpath(K8S / switch, folder)]}
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(used))
        command = ["kubectl", "kustomize", str(folder)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own folder
    objects = list(yaml.safe_load_all(text))
    for name, plain in hashed(objects).items():
        text = text.replace(name, plain)
    return list(yaml.safe_load_all(text))


def sources() -> Mapping[Key, Source]:
    """Of every object that stands in a file; the generated ConfigMaps do not."""
    found: dict[Key, Source] = {}
    for file in sorted(K8S.rglob("*.yaml"), key=lambda file: ("base" not in file.parts, file)):
        for key, comment in _documents(file):
            found.setdefault(key, Source(file.relative_to(K8S), comment))
    return found


def _documents(file: Path) -> Iterator[tuple[Key, str]]:
    for text in re.split(r"^---\n", file.read_text(), flags=re.MULTILINE):
        obj = yaml.safe_load(text)
        if obj and "name" in obj.get("metadata", {}):
            comment = re.match(r"(?:#.*\n)*", text)
            yield key_of(obj), comment[0] if comment else ""
