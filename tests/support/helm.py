"""Helm, as the chart's users have it: its own library, in a process of its own.

It is written in Go, whose threads no process should have that is copied later, as tests do.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from simulator.documents import documents
from tests.support.manifests import Obj
from tests.support.places import ROOT

CHART = ROOT / "charts" / "vm-drift"
RELEASE = "vm-drift"
# What each overlay and component is for Helm.
VALUES: Mapping[str, Any] = {
    "plain": {},
    "knative": {"knative": {"enabled": True}},
    "redis-sentinel": {"redis": {"sentinel": {"enabled": True}}},
    "keda": {"keda": {"enabled": True}},
    "fencing": {"fencing": {"enabled": True}},
    "monitoring": {"monitoring": {"enabled": True}},
}
WITH_NAMESPACE: Mapping[str, Any] = {"namespace": {"create": True}}


class Refused(Exception):
    """Helm renders nothing, and says why."""


def values_of(overlay: str, *components: str) -> Mapping[str, Any]:
    """For an overlay with these components, and the namespace, as kustomize makes it."""
    return {
        **WITH_NAMESPACE,
        **VALUES[overlay],
        **{key: VALUES[part][key] for part in components for key in VALUES[part]},
    }


def rendered(values: Mapping[str, Any], namespace: str = "vm-drift", chart: Path = CHART) -> tuple[Obj, ...]:
    """All objects; Refused."""
    files = texts(values, namespace, chart)
    return tuple(obj for name, text in files.items() if not name.endswith(".txt") for obj in documents(text))


def texts(values: Mapping[str, Any], namespace: str = "vm-drift", chart: Path = CHART) -> Mapping[str, str]:
    """The same by file, and what people are told; Refused."""
    found: Mapping[str, str] = _helm("render", str(chart), json.dumps(values), namespace)
    return found


def lint(values: Mapping[str, Any]) -> Any:
    """What `helm lint --strict` says."""
    return _helm("lint", str(CHART), json.dumps(values), RELEASE)


def packaged(folder: Path) -> Path:
    """The chart as an archive, as it is released."""
    return Path(_helm("package", str(CHART), "{}", str(folder)))


@cache
def _helm(*words: str) -> Any:
    command = [sys.executable, "-m", "tests.support.helm_process", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    if "refused" in said:
        raise Refused(said["refused"])
    return said["done"]
