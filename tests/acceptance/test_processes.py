"""Children end with us, also those that we had no time to note, and however we end."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import PROC, descendants, gone
from vmdrift.processes import Processes

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
PARENT = """
import sys, time
from pathlib import Path
from vmdrift.processes import Processes
from vmdrift.valkey import start
processes = Processes(Path(sys.argv[1]))
start(processes, Path(sys.argv[1]))
processes.start("sleeper", sys.argv[2:])
print("started", flush=True)
time.sleep(600)
"""
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"]


def test_a_child_that_was_started_but_not_yet_noted_is_ended_too(folder: Path) -> None:
    processes = Processes(folder)
    child = processes.start("sleeper", SLEEP)
    processes.children.clear()  # as if a signal handler had raised between the last lines of `start`

    processes.stop()

    assert child.wait(10) != 0


def test_a_child_that_ignores_sigterm_is_killed(folder: Path) -> None:
    with Processes(folder, grace=0.1) as processes:
        child = processes.start("stubborn", STUBBORN)

    assert child.returncode is not None


def test_a_child_that_ended_by_itself_is_told(folder: Path) -> None:
    with Processes(folder) as processes:
        processes.start("quick", [sys.executable, "-c", "print('last words')"]).wait(30)

        assert processes.dead() == ["quick"]
        assert processes.log("quick").read_text() == "last words\n"


@pytest.mark.skipif(not PROC.exists(), reason="looks at processes through /proc")
def test_kill_9_leaves_no_orphan_not_even_valkey(folder: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(folder), *SLEEP]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"started\n"
        children = descendants(parent.pid)
        assert any("valkey" in words for words in children.values())
        assert any("sleep(600)" in words for words in children.values())
        parent.kill()
    gone(children)
