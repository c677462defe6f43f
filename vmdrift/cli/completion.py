"""What the shell completes: the script that it sources, and names of what is lost, where Redis answers at once."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

import click
from click.shell_completion import get_completion_class

from vmdrift.command import CANNOT_TELL

_PATIENCE = 2.0  # seconds; a shell that hangs at Tab is worse than one that knows no names

Names = tuple[list[str], list[str]]  # of nodes, and of VMs as NAMESPACE/NAME


def completion(main: click.Command, shell: str) -> int:
    """Print the script; returns the exit code."""
    completion_class = get_completion_class(shell)
    if completion_class is None:
        return CANNOT_TELL
    sys.stdout.write(completion_class(main, {}, "vmdrift", "_VMDRIFT_COMPLETE").source())
    return 0


def names(patience: float = _PATIENCE, read: Callable[[], Names] | None = None) -> Names:
    """Of lost nodes and their VMs; none when Redis does not answer within `patience` seconds. Never raises."""
    results: list[Names] = []
    # A daemon: while it still waits for a name server, or for Redis, the process can end.
    thread = Thread(target=_try, args=(results, read or _read), daemon=True)
    thread.start()
    thread.join(patience)
    return results[0] if results else ([], [])


def _try(results: list[Names], read: Callable[[], Names]) -> None:
    # Whatever it is, a shell that completes a word has no place to show it.
    with suppress(Exception):
        results.append(read())


def _read() -> Names:
    from reactor.settings import Settings  # noqa: PLC0415 - a slow import counts against the patience
    from reactor.wiring import Wiring  # noqa: PLC0415 - same

    store = Wiring.of(Settings.read(os.environ)).store
    nodes: set[str] = set()
    vms: set[str] = set()
    for outage in store.outages():
        nodes.add(outage.outage.node.name)
        vms |= {str(record.drift.vm) for record in store.records(outage.outage.id)}
    return sorted(filter(str.isprintable, nodes)), sorted(filter(str.isprintable, vms))
