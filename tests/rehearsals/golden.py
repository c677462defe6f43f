"""What `vmdrift rehearse --each` says of each cluster: `python -m tests.rehearsals.golden --write` writes it."""

import json
import sys
from pathlib import Path

from click.testing import CliRunner

from tests.rehearsals.clusters import CLUSTERS, dump
from vmdrift.cli import main

PLACE = Path(__file__).parent
ENV = {"KUBECONFIG": "", "COLUMNS": "120", "VMDRIFT_REDIS_URL": ""}


def answer(name: str) -> str:
    """The whole answer, and the exit code."""
    done = CliRunner().invoke(main, ["rehearse", "--each", "-f", str(PLACE / f"{name}.json")], env=ENV)
    lines = [line.rstrip() for line in done.output.replace(f"{PLACE}/", "").splitlines()]
    return "\n".join([*lines, f"exit code {done.exit_code}", ""])


def write() -> None:
    """The dumps and their answers."""
    for name, cluster in CLUSTERS.items():
        (PLACE / f"{name}.json").write_text(json.dumps(dump(cluster), separators=(",", ":"), sort_keys=True) + "\n")
        (PLACE / f"{name}.txt").write_text(answer(name))


if __name__ == "__main__":
    write() if "--write" in sys.argv else print(*map(answer, CLUSTERS), sep="\n")  # noqa: T201 - it is a command
