"""A sign of life for roles without HTTP: a file that says when its process last went round its loop.

The time is that of the machine's monotonic clock, which all of its processes share and nobody sets.
"""

import os
import time
from pathlib import Path

import structlog

log = structlog.get_logger()

_EVERY = 1.0  # seconds


class LivenessFile:
    """The writing side."""

    def __init__(self, path: str, every: float = _EVERY) -> None:
        """`every` in seconds."""
        self._path, self._every, self._last_beat, self._trouble = Path(path), every, 0.0, ""

    def beat(self) -> None:
        """Write it, if it is time. A file that cannot be written is logged once, and is no reason to stop."""
        now = time.monotonic()
        if now - self._last_beat < self._every:
            return
        self._last_beat = now
        try:
            temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            temporary.write_text(f"{now:.1f}")
            temporary.replace(self._path)  # a reader never sees half a file
        except OSError as error:
            if str(error) != self._trouble:
                log.warning("heartbeat cannot be written", why=str(error))
            self._trouble = str(error)


def trouble(path: str, most: float) -> str:
    """What is wrong with the process that writes this file: "" if it was written within the last `most` seconds."""
    try:
        age = time.monotonic() - float(Path(path).read_text())
    except (OSError, ValueError) as error:
        return f"{path} contains no heartbeat: {error}"
    return "" if age <= most else f"the last heartbeat in {path} is {age:.0f} s old; at most {most:g} s are allowed"
