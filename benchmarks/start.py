"""`python -m benchmarks.start`: how long `vmdrift --help` takes, beside an interpreter that does nothing."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.report import Figure, report

RUNS = 15
_COMMAND = str(Path(sys.executable).with_name("vmdrift"))


def seconds(*command: str) -> float:
    """From start to end of a process."""
    begun = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own commands
    return time.monotonic() - begun


def main() -> int:
    """Returns the exit code."""
    helps, bare = [], []
    for _ in range(RUNS):
        helps.append(seconds(_COMMAND, "--help"))
        bare.append(seconds(sys.executable, "-c", "pass"))
    figures = [
        Figure("vmdrift --help, median", median(helps), "s", 0.3),
        Figure("slowest", max(helps), "s"),
        Figure("an interpreter that does nothing, median", median(bare), "s"),
    ]
    return report("start", "Start", figures, runs=RUNS, helps=helps, bare=bare)


if __name__ == "__main__":
    sys.exit(main())
