"""`python -m tests.acceptance.quick_run`: as `python -m vmdrift`, but the roles that it starts begin as copies."""

from tests.acceptance.quick import QuickProcesses
from vmdrift import run
from vmdrift.cli import main

if __name__ == "__main__":
    run.Processes = QuickProcesses  # type: ignore[attr-defined]
    main(prog_name="vmdrift")
