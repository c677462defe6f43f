"""Ports for processes that must be told theirs."""

import random
import socket

# Below those that the kernel gives out by itself: until it is used, a port is nobody's connection.
_RANGE = range(12000, 32000)
_MARKS: list[socket.socket] = []  # held until this process ends: no other test takes the port before it is used


def free_port() -> int:
    """One of this machine that nobody listens on; another one each time, because others look for theirs meanwhile."""
    while True:
        port = random.SystemRandom().choice(_RANGE)
        if not _marked(port):
            continue
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def _marked(port: int) -> bool:
    """Is it ours now? By a name of Linux' own that goes with whoever holds it."""
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0vm-drift-tests-port-{port}")
    except OSError:
        mark.close()
        return False
    _MARKS.append(mark)
    return True
