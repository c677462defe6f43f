"""`vmdrift status --watch`: the table, drawn again every second. Redis may come and go."""

import time
from collections.abc import Callable
from dataclasses import replace

from reactor.model.errors import StoreError, StoreUnreachable
from reactor.model.times import Clock
from reactor.settings import Settings
from reactor.wiring import Wiring
from vmdrift.command import answer
from vmdrift.selector import ALL, VmSelector
from vmdrift.status import StatusSnapshot, read_all
from vmdrift.status.in_force import InForce, in_force, marked
from vmdrift.status.installed import ShownBy, shown_by
from vmdrift.status.live import Live
from vmdrift.terminal import Terminal

_EVERY, _ASKED = 1.0, 10.0  # seconds

Read = Callable[[], StatusSnapshot]
Pause = Callable[[float], None]


def watch(only: VmSelector = ALL) -> int:
    """Until Ctrl-C; returns the exit code. 2 when Redis refuses us: waiting for that would help nobody."""

    def show(settings: Settings) -> int:
        by = shown_by(settings)
        with Live(Terminal(), by.settings.to_windows()) as live:
            read_it = reader(settings, by, only)
            follow(marking(read_it, lambda: in_force(settings), time.time), live, time.time, time.sleep)
        return 0

    return answer("status", show)


def reader(settings: Settings, by: ShownBy, only: VmSelector = ALL) -> Read:
    """Reads all that is not done; it connects when it first reads. Raises StoreError."""
    wiring: Wiring | None = None

    def read_it() -> StatusSnapshot:
        nonlocal wiring
        wiring = wiring or Wiring.of(settings).shown()
        return read_all(wiring, by).only(only)

    return read_it


def marking(read: Read, ask: Callable[[], InForce], clock: Clock) -> Read:
    """The same with what people asked for on each row; the cluster is asked for that every ten seconds."""
    asked, again_at = InForce(unknown="not asked yet"), 0.0

    def marked_snapshot() -> StatusSnapshot:
        nonlocal asked, again_at
        snapshot, now = read(), clock()
        if snapshot.outages and now >= again_at:
            asked, again_at = ask(), clock() + _ASKED
        return replace(snapshot, outages=marked(snapshot.outages, asked, now))

    return marked_snapshot


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
