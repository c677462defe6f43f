"""`vmdrift status --watch`: the table, drawn again every second. Redis may come and go."""

import time
from collections.abc import Callable

from reactor.model.errors import StoreError, StoreUnreachable
from reactor.model.times import Clock
from reactor.settings import Settings
from reactor.wiring import Wiring
from vmdrift.command import answer
from vmdrift.selector import ALL, VmSelector
from vmdrift.status import StatusSnapshot, read_all
from vmdrift.status.live import Live
from vmdrift.terminal import Terminal

_EVERY = 1.0  # seconds

Read = Callable[[], StatusSnapshot]
Pause = Callable[[float], None]


def watch(only: VmSelector = ALL) -> int:
    """Until Ctrl-C; returns the exit code. 2 when Redis refuses us: waiting for that would help nobody."""

    def show(settings: Settings) -> int:
        with Live(Terminal(), settings.to_windows()) as live:
            follow(reader(settings, only), live, time.time, time.sleep)
        return 0

    return answer("status", show)


def reader(settings: Settings, only: VmSelector = ALL) -> Read:
    """Reads all that is not done; it connects when it first reads. Raises StoreError."""
    wiring = Wiring.of(settings)
    return lambda: read_all(wiring).only(only)


def follow(read: Read, live: Live, clock: Clock, pause: Pause) -> None:
    """Show what is read, and what was read last while nothing can be. StoreRefused at the first read."""
    snapshot: StatusSnapshot | None = None
    try:
        while True:
            try:
                snapshot = read()
                live.show(snapshot, clock())
            except StoreError as error:
                if snapshot is None and not isinstance(error, StoreUnreachable):
                    raise
                live.away(str(error), clock())
            pause(_EVERY)
    except KeyboardInterrupt:
        return
