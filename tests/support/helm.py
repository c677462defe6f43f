"""Helm, as the chart's users have it: its own library, in a process of its own.

It is written in Go, whose threads no process should have that is copied later, as tests do.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self

from simulator.documents import documents
from tests.support.manifests import Obj
from tests.support.places import ROOT

_COMMAND = [sys.executable, "-m", "tests.support.helm_process"]
CHART = ROOT / "charts" / "vm-drift"
# What each overlay and component is for Helm.
VALUES: Mapping[str, Any] = {
    "plain": {},
    "knative": {"knative": {"enabled": True}},
    "redis-sentinel": {"redis": {"sentinel": {"enabled": True}}},
    "keda": {"keda": {"enabled": True}},
    "fencing": {"fencing": {"enabled": True}},
    "audit": {"audit": {"enabled": True}},
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
    found: Mapping[str, str] = _once(json.dumps(_asked("render", values, namespace=namespace, chart=str(chart))))
    return found


def lint(values: Mapping[str, Any]) -> Any:
    """What `helm lint --strict` says."""
    return _once(json.dumps(_asked("lint", values)))


def packaged(folder: Path) -> Path:
    """The chart as an archive, as it is released."""
    return Path(_helm(json.dumps(_asked("package", {}, folder=str(folder)))))


class Helm:
    """On a cluster, in one process as long as the `with` lasts: that is where Helm's memory of the release is."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._process = subprocess.Popen(_COMMAND, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)

    def run(self, what: str, values: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """`helm install | upgrade | rollback | uninstall`; Refused."""
        asked = json.dumps(_asked(what, values or {}, kubeconfig=str(self._kubeconfig), options=options))
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{asked}\n")
        self._process.stdin.flush()
        return _done(self._process.stdout.readline())


def _asked(what: str, values: Mapping[str, Any], **more: Any) -> Mapping[str, Any]:
    return {"what": what, "values": values, "chart": str(CHART), "namespace": "vm-drift", **more}


def _helm(asked: str) -> Any:
    done = subprocess.run(_COMMAND, cwd=ROOT, input=asked, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return _done(done.stdout)


def _done(said: str) -> Any:
    found = json.loads(said)
    if "refused" in found:
        raise Refused(found["refused"])
    return found["done"]


_once = cache(_helm)
