"""`python -m benchmarks [NAME...]`: every figure, or those named, one after the other, then in one table."""

import json
import subprocess
import sys
from collections.abc import Sequence

from rich.console import Console

from benchmarks.report import RESULTS, table

ALL = (
    *("start", "requests", "proof", "host_off", "worker", "watcher", "receiver", "added", "woken", "crowd"),
    *("many_nodes", "sweep", "rehearsal", "audit"),
)


def main(names: Sequence[str]) -> int:
    """Returns the exit code: 1 when a target was missed, or a figure could not be measured."""
    console, bad = Console(), 0
    for name in names:
        console.print(f"[bold]{name}[/bold] ...")
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False)  # noqa: S603 - our own modules
        bad += done.returncode != 0
    for name in names:
        file = RESULTS / f"{name}.json"
        if file.exists():
            found = json.loads(file.read_text())
            console.print(table(found["title"], found["figures"]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ALL))
