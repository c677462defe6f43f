"""`vmdrift probe`: whether a role without HTTP still runs its loop."""

from reactor.liveness import trouble
from reactor.model.errors import NotDone, SettingsError
from reactor.settings import Settings
from vmdrift.command import answer


def probe(within: float) -> int:
    """Returns the exit code. `within` in seconds."""

    def look(settings: Settings) -> int:
        if not settings.heartbeat_file:
            raise SettingsError("VMDRIFT_HEARTBEAT_FILE: not set, so there is no heartbeat to check")
        if problem := trouble(settings.heartbeat_file, within):
            raise NotDone(problem)
        return 0

    return answer("probe", look)
