"""Commands in a terminal of their own: what they draw, byte for byte."""

import os
import pty
import re
import signal
import termios
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.commands import SOON, clean_env, eventually
from tests.support.fork_server import fork_server

COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7]|38[;:][0-9;:]*)(?:;[0-9;]*)?m")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Terminal:
    """`python -m WORDS` in a terminal of 80 columns and 40 lines; stdout and stderr are one."""

    words: tuple[str, ...]
    env: Mapping[str, str]

    def __post_init__(self) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 80))
        env = {name: value for name, value in clean_env().items() if name not in {"COLUMNS", "NO_COLOR"}}
        self.process = fork_server().start(self.words, {**env, "TERM": "xterm-256color", **self.env}, [theirs] * 3)
        os.close(theirs)
        self._said = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._ours, 65536)
            except OSError:  # how a terminal says that nobody is left on the other side
                return
            self._said += piece

    @property
    def said(self) -> str:
        """Everything so far, control characters too."""
        return self._said.decode(errors="replace")

    @property
    def text(self) -> str:
        """The same without them, in one line."""
        return " ".join(_CONTROL.sub(" ", self.said).split())

    def shows(self, text: str, after: str = "") -> None:
        """Wait until it shows it, and later than it showed `after`."""
        eventually(
            f"{self.words} shows {text!r}", lambda: text in (self.text.rpartition(after)[2] if after else self.text)
        )

    def types(self, line: str) -> None:
        """What a person types, with Return."""
        os.write(self._ours, f"{line}\n".encode())

    def ends(self, number: signal.Signals | None = None) -> int:
        """Its exit code, after a signal if one is given."""
        if number:
            self.process.send_signal(number)
        code = self.process.wait(SOON)
        self._reader.join(SOON)
        os.close(self._ours)
        return code
