"""Ports for processes that must be told theirs."""

import random
import socket

# Below those that the kernel gives out by itself: until it is used, a port is nobody's connection.
_RANGE = range(12000, 32000)


def free_port() -> int:
    """One of this machine that nobody listens on; another one each time, because others look for theirs meanwhile."""
    while True:
        port = random.SystemRandom().choice(_RANGE)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
