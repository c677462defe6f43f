"""Helm's own library, asked by tests.support.helm: a question in JSON a line, an answer in JSON a line.

It keeps its releases in memory: the simulated API server takes JSON only, and Helm would write its Secrets as protobuf.
"""

import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import helm_python
import helm_python.config as library
from helm_python.chart import lint, package

RELEASE = "vm-drift"
Asked = Mapping[str, Any]


def rendered(asked: Asked) -> Any:
    """By file."""
    with helm_python.Chart.load(asked["chart"]) as chart:
        return chart.render(asked["values"], name=RELEASE, namespace=asked["namespace"])


@cache
def connected(kubeconfig: str, namespace: str) -> Any:
    """With the releases of this process."""
    return helm_python.Config(kubeconfig_path=kubeconfig, namespace=namespace, storage_driver="memory")


def released(what: str) -> Callable[[Asked], Any]:
    """Of the release in the cluster of this kubeconfig."""

    def act(asked: Asked) -> Any:
        config = connected(asked["kubeconfig"], asked["namespace"])
        # The library knows more options than its Python functions have parameters.
        library._opts = lambda **named: OPTIONS(**named, **asked["options"])  # noqa: SLF001
        if what in {"rollback", "uninstall"}:
            return getattr(config, what)(RELEASE)
        return getattr(config, what)(asked["chart"], RELEASE, asked["values"], namespace=asked["namespace"])

    return act


OPTIONS = library._opts  # noqa: SLF001 - see above
DOES: Mapping[str, Callable[[Asked], Any]] = {
    "render": rendered,
    "lint": lambda asked: lint(asked["chart"], asked["values"], strict=True, namespace=asked["namespace"]),
    "package": lambda asked: package(asked["chart"], destination=asked["folder"]),
    **{what: released(what) for what in ("install", "upgrade", "rollback", "uninstall")},
}


def answer(question: str) -> Mapping[str, Any]:
    """`done`, or `refused` with a sentence."""
    asked = json.loads(question)
    try:
        return {"done": DOES[asked["what"]](asked)}
    except helm_python.HelmError as error:
        return {"refused": str(error)}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)  # noqa: T201 - to whoever asked
