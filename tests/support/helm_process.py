"""Helm's own library, asked once by tests.support.helm: `render|lint|package CHART VALUES WHERE`; answers in JSON."""

import json
import sys
from typing import Any

import helm_python
from helm_python.chart import lint, package


def answer(what: str, chart: str, values: str, where: str) -> Any:
    """`where`: the namespace, or the folder of the archive."""
    given = json.loads(values)
    if what == "lint":
        return lint(chart, given, strict=True, namespace=where)
    if what == "package":
        return package(chart, destination=where)
    with helm_python.Chart.load(chart) as loaded:
        return loaded.render(given, name="vm-drift", namespace=where)


def main(words: list[str]) -> None:
    """One question, one answer."""
    try:
        said = {"done": answer(*words)}
    except helm_python.HelmError as error:
        said = {"refused": str(error)}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1:])
