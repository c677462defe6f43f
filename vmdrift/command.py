"""How a command ends: 0 as it should, 1 not, 2 it is not known; the answer on stdout, an error on stderr."""

import os
import sys
from collections.abc import Callable
from typing import Any

import orjson

from reactor.model.errors import NotDone, SettingsError, StoreUnreachable, VmDriftError
from reactor.model.printable import harmless, harmless_lines
from reactor.process import configure_logs, explain
from reactor.settings import Settings

NOT_SO, CANNOT_TELL = 1, 2  # exit codes


def answer(command: str, work: Callable[[Settings], int]) -> int:
    """Run `work` with the settings of the environment; returns its exit code, or that of the error that it raises."""
    configure_logs()
    try:
        return work(Settings.read(os.environ))
    except VmDriftError as error:
        complain(f"vmdrift {command}: {explain(error)}{_fix(error)}")
        return NOT_SO if isinstance(error, NotDone) else CANNOT_TELL


def _fix(error: VmDriftError) -> str:
    if isinstance(error, StoreUnreachable) and not os.environ.get("VMDRIFT_REDIS_URL"):
        return " (VMDRIFT_REDIS_URL is not set; set it to the URL of Redis)"
    if isinstance(error, SettingsError) and "KUBECONFIG" in str(error):
        return " (set KUBECONFIG to a kubeconfig file)"
    return ""


def say(sentence: str) -> None:
    """On standard output."""
    sys.stdout.write(f"{harmless(sentence)}\n")


def complain(sentence: str) -> None:
    """On standard error."""
    sys.stderr.write(f"{harmless(sentence)}\n")


def print_json(value: Any, *, pretty: bool = True) -> None:
    """On standard output; on one line where it is not `pretty`."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 if pretty else 0).decode()
    sys.stdout.buffer.write(harmless_lines(text).encode() + b"\n")
