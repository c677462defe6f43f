"""The simulated API server ends while somebody connects: nothing of that stays open."""

import asyncio
import gc
import socket
from contextlib import suppress

import pytest

from simulator.api.api import Api
from simulator.apiserver import HOST, serving
from simulator.store.store import Store

_MOMENTS = 6  # turns of the event loop from a connection that waits to one that aiohttp knows, and one more


@pytest.mark.parametrize("moment", range(_MOMENTS))
def test_a_connection_at_the_last_moment_is_ended(moment: int) -> None:
    async def connect_and_end() -> socket.socket:
        async with serving(Api(Store(lambda: 0.0))) as port:
            client = socket.create_connection((HOST, port))
            for _ in range(moment):
                await asyncio.sleep(0)
        return client

    with asyncio.run(connect_and_end()) as client:
        gc.collect()
        client.settimeout(1.0)
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
