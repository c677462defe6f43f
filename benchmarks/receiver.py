"""`python -m benchmarks.receiver`: POSTs per second that are answered 202, and how long one takes at 200 per second.

The sender is another process on the same machine, so it takes part of what the receiver could use; how much is told.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from itertools import count
from statistics import median, quantiles
from urllib.request import urlopen

import aiohttp
import psutil

from benchmarks.place import Place, place
from benchmarks.report import Figure, report
from reactor.web.server.listening import check_address_free

PROCESSES, SENDERS = 2, 48
FLAT_OUT, STEADY, RATE = 15.0, 30.0, 200.0  # seconds, seconds, POSTs per second
RUNS = 3
_ADDRESS = "127.0.0.1:18080"
_URL = f"http://{_ADDRESS}/events"
_NUMBERS = count()
Post = Callable[[], Awaitable[float]]


def event() -> dict[str, object]:
    """One of a node that is not lost; each has its own id."""
    number = next(_NUMBERS)
    return {
        "specversion": "1.0",
        "id": f"{os.getpid()}-{number}",
        "source": "/bench",
        "type": "io.vmdrift.node.unreachable",
        "subject": f"node-{number % 5000:05}",
    }


def poster(session: aiohttp.ClientSession) -> Post:
    """One POST; how many seconds it took. RuntimeError where it was not accepted."""

    async def post() -> float:
        begun = time.perf_counter()
        async with session.post(_URL, json=event(), headers={"Content-Type": "application/cloudevents+json"}) as answer:
            text = await answer.text()
            if answer.status != HTTPStatus.ACCEPTED:
                raise RuntimeError(f"{answer.status}: {text}")
        return time.perf_counter() - begun

    return post


async def flat_out(post: Post, seconds: float) -> float:
    """Per second, by senders each of which waits for its answer."""
    end, sent = time.monotonic() + seconds, 0

    async def sender() -> None:
        nonlocal sent
        while time.monotonic() < end:
            await post()
            sent += 1

    begun = time.monotonic()
    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    return sent / (time.monotonic() - begun)


async def steady(post: Post, seconds: float) -> list[float]:
    """Seconds of each of RATE per second, sent at their time whatever became of those before."""
    begun, tasks = time.monotonic(), []
    for number in range(int(seconds * RATE)):
        await asyncio.sleep(max(0.0, begun + number / RATE - time.monotonic()))
        tasks.append(asyncio.create_task(_coroutine(post)))
    return list(await asyncio.gather(*tasks))


async def _coroutine(post: Post) -> float:
    return await post()


async def measure() -> tuple[float, float, list[float]]:
    """POSTs per second, the sender's share of a core meanwhile, and the seconds of each at a steady rate."""
    async with _session() as session:
        await flat_out(poster(session), 3.0)
    # Anew: all connections of the first second may be one process', because the other was not listening yet.
    async with _session() as session:
        post = poster(session)
        me = psutil.Process()
        before = sum(me.cpu_times()[:2])
        speed = await flat_out(post, FLAT_OUT)
        share = (sum(me.cpu_times()[:2]) - before) / FLAT_OUT
        await asyncio.sleep(2)
        return speed, share, await steady(post, STEADY)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


def _started(here: Place) -> None:
    check_address_free(_ADDRESS)
    here.start("reactor serve")
    here.until("it answers", _answers)


def _answers() -> bool:
    try:
        with urlopen(f"http://{_ADDRESS}/readyz", timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def main() -> int:
    """Returns the exit code."""
    settings = {
        "VMDRIFT_LISTEN": _ADDRESS,
        "VMDRIFT_WEB_PROCESSES": str(PROCESSES),
        "VMDRIFT_INSECURE_NO_AUTH": "true",
        "VMDRIFT_MAX_BACKLOG": "1000000",
        "VMDRIFT_SENDER_RATE": "100000",
        "VMDRIFT_SENDER_BYTES": "999999999",
    }
    found = []
    for _ in range(RUNS):
        with place(3, 0, 0, settings) as here:
            _started(here)
            speed, share, took = asyncio.run(measure())
        cuts = quantiles(took, n=100)
        found.append((speed, share, cuts[49], cuts[98]))
    speed, share, middle, late = (median(column) for column in zip(*found, strict=True))
    figures = [
        Figure("POSTs answered 202, 2 processes", speed, "/s", 800, least=True),
        Figure("the sender's share of a core meanwhile", 100 * share, "%"),
        Figure("one POST at 200/s, median", 1000 * middle, "ms"),
        Figure("one POST at 200/s, p99", 1000 * late, "ms", 50),
    ]
    return report("receiver", "Receiver, medians of runs", figures, runs=RUNS, found=found)


if __name__ == "__main__":
    sys.exit(main())
