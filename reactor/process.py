"""What every process does at its start: settings, logs, and one clear line and exit code 2 when it cannot start."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from types import FrameType
from typing import Any

import structlog

from reactor.liveness import LivenessFile
from reactor.model.errors import NotServed, VmDriftError
from reactor.model.printable import folded, harmless
from reactor.settings import GONE, Settings

log = structlog.get_logger()

CANNOT_START = 2  # exit code


def start(role: str, work: Callable[[Settings], None]) -> int:
    """Run `work` with the settings of the environment; returns the process' exit code."""
    configure_logs()
    try:
        settings = Settings.read(os.environ)
        for name in Settings.unknown(os.environ):
            log.warning("unknown setting", name=name, fix=GONE.get(name, "docs/settings.md lists the settings"))
        work(settings)
    except VmDriftError as error:
        sys.stderr.write(f"vmdrift {role}: cannot start: {explain(error)}\n")
        return CANNOT_START
    return 0


def explain(error: VmDriftError) -> str:
    """The error in one line, with the fix where there is a likely one."""
    likely = ". Is KubeVirt installed on this cluster?" if isinstance(error, NotServed) else ""
    return harmless(str(error).replace("\n", " ")) + likely


def configure_logs() -> None:
    """One line per event: for people on a terminal, JSON elsewhere. Of RQ, urllib3 and other libraries only errors."""
    human = sys.stderr.isatty()
    # structlog looks at NO_COLOR only where it configures itself.
    plain = bool(os.environ.get("NO_COLOR"))
    render = structlog.dev.ConsoleRenderer(colors=not plain) if human else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([_with_sentence, _plain] if human else []),  # JSON escapes by itself
            render,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain(logging.BASIC_FORMAT))
    logging.basicConfig(level=logging.ERROR, handlers=[handler])


def _with_sentence(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For a terminal: "drift decided: It waits.", followed by the other fields."""
    if sentence := entry.pop("sentence", ""):
        entry["event"] = f"{entry['event']}: {sentence}"
    return entry


def _plain(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """For a terminal: text of others stays on its line, and moves no cursor. A traceback is indented."""
    folding = {"exception": folded, "stack": folded}
    fields = ((harmless(name), value, folding.get(name, harmless)) for name, value in entry.items())
    return {name: escape(value) if isinstance(value, str) else value for name, value, escape in fields}


class _Plain(logging.Formatter):
    """The same, for what libraries log."""

    def format(self, record: logging.LogRecord) -> str:
        """With its traceback."""
        return folded(super().format(record))


class Stop:
    """Whether this process was asked to stop, and when first; further requests change nothing.

    Every loop of every role checks it in each round, so each check is a sign of life: it is written to `heartbeat`.
    """

    def __init__(self, heartbeat: str = "") -> None:
        """`heartbeat`: the path of a file that is written every second (reactor.liveness)."""
        self._at: float | None = None  # monotonic seconds
        self._heartbeat = LivenessFile(heartbeat) if heartbeat else None

    def listen(self) -> None:
        """To SIGTERM and SIGINT, from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.ask)

    def ask(self, *_: object) -> None:
        """A signal handler; it only remembers when."""
        if self._at is None:
            self._at = time.monotonic()

    def asked(self) -> bool:
        """Whether to stop."""
        self._beat()
        return self._at is not None

    def is_older_than(self, seconds: float) -> bool:
        """Whether it was asked to stop more than `seconds` ago."""
        self._beat()
        return self._at is not None and time.monotonic() - self._at > seconds

    def _beat(self) -> None:
        if self._heartbeat:
            self._heartbeat.beat()


class Stopped(BaseException):
    """Raised in the main thread by SIGTERM or SIGINT, where nothing can be left half-done."""


def raise_stopped(_signum: int, _frame: FrameType | None) -> None:
    """A signal handler."""
    raise Stopped
