"""`vmdrift probe`: whether a role without HTTP still goes round its loop."""

import sys

from reactor.heartbeat import trouble
from reactor.model.errors import SettingsError
from reactor.process import start
from reactor.settings import Settings


def probe(within: float) -> int:
    """Returns the exit code. `within` in seconds."""
    found: list[str] = []

    def look(settings: Settings) -> None:
        if not settings.heartbeat_file:
            raise SettingsError("VMDRIFT_HEARTBEAT_FILE: not set, so there is no heartbeat to look at")
        found.append(trouble(settings.heartbeat_file, within))

    code = start("probe", look)
    if found and found[0]:
        sys.stderr.write(f"vmdrift probe: {found[0]}\n")
    return 1 if found and found[0] else code
