"""Processes that begin as copies of the seed (tests.support.fork_server), where `python -m` would begin each anew."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from tests.support.fork_server import Child, fork_server
from vmdrift.processes import Processes


class ForkedProcesses(Processes):
    """Those children of which the command is `python -m`."""

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None, *, talks: bool = False
    ) -> "subprocess.Popen[bytes]":
        if list(command[:2]) != [sys.executable, "-m"]:
            return super().start(name, command, env, talks=talks)
        begin = _talking if talks else silent
        with self.log(name).open("ab") as log:
            child = begin(command[2:], {**os.environ, **(env or {})}, log.fileno(), self._leash.pid)
        self.children[name] = cast("subprocess.Popen[bytes]", child)
        return self.children[name]


def silent(words: Sequence[str], env: Mapping[str, str], log: int, group: int = 0) -> Child:
    """`python -m WORDS`; it says everything into `log`."""
    with Path(os.devnull).open("rb") as nothing:
        return fork_server().start(words, env, (nothing.fileno(), log, log), group)


def _talking(words: Sequence[str], env: Mapping[str, str], log: int, group: int) -> Child:
    stdin, ours = os.pipe()
    theirs, stdout = os.pipe()
    child = fork_server().start(words, env, (stdin, stdout, log), group)
    os.close(stdin)
    os.close(stdout)
    child.stdin, child.stdout = os.fdopen(ours, "wb"), os.fdopen(theirs, "rb")
    return child
