"""`python -m tests.support.forked_run`: as `python -m vmdrift`, but the roles that it starts begin as copies."""

from tests.support.forked import ForkedProcesses
from vmdrift import run
from vmdrift.cli import main

if __name__ == "__main__":
    run.Processes = ForkedProcesses  # type: ignore[attr-defined]
    main(prog_name="vmdrift")
