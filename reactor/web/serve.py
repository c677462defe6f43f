"""`python -m reactor serve`: the receiver, as processes behind a production WSGI server."""

import ipaddress
import socket
from typing import Any

import structlog

from reactor.doors import redis as redis_door
from reactor.model.errors import SettingsError
from reactor.settings import Settings
from reactor.web.senders import Senders

log = structlog.get_logger()

# That one process holds at once; the next one has to wait. Idle ones count until they are closed, after half a minute.
_CONNECTIONS = 1024
_STOP_WITHIN = 8  # seconds that one has for the requests in hand; less than the grace of `vmdrift run` (10 s)
_THREADS = 24  # on so many of which it works; they mostly wait for Redis, and for its disk


def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT; running requests are answered first. Raises SettingsError, StoreError."""
    from granian import Granian  # noqa: PLC0415 - its compiled parts are wanted by this role only
    from granian.constants import Interfaces  # noqa: PLC0415 - as above
    from granian.log import LogLevels  # noqa: PLC0415 - as above

    address, port = split(settings.listen)
    guarded(settings, required=Senders.of(settings).required)
    redis_door.connect(settings.redis_url)
    free(settings.listen)
    options: dict[str, Any] = {"address": address, "port": port, "interface": Interfaces.WSGI, "factory": True}
    log.info("receiving events", address=address, port=port, processes=settings.web_processes)
    Granian(
        "reactor.web.app:create",
        **options,
        workers=settings.web_processes,
        backpressure=_CONNECTIONS,
        blocking_threads=_THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_WITHIN,
        log_level=LogLevels.error,
        log_access=False,  # a URL may hold an access token
    ).serve()


def split(listen: str) -> tuple[str, int]:
    """Address and port."""
    address, _, port = listen.rpartition(":")
    return address.strip("[]"), int(port)


def free(listen: str) -> None:
    """SettingsError where the address cannot be had. The server itself would share it with another of its kind."""
    address, port = split(listen)
    try:
        family, *_, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        raise SettingsError(f"VMDRIFT_LISTEN: {listen}: {error.strerror}") from error


def guarded(settings: Settings, *, required: bool) -> None:
    """SettingsError where anybody could post whom nobody has named."""
    if not required and not settings.insecure_no_auth and not is_loopback(split(settings.listen)[0]):
        raise SettingsError(
            f"VMDRIFT_LISTEN: {settings.listen} can be reached from outside, and nobody is named who may post. Set "
            "VMDRIFT_TOKENS_FILE or VMDRIFT_OIDC_ISSUER, or say --insecure-no-auth on a test bed."
        )


def is_loopback(address: str) -> bool:
    """Can only this machine reach it?"""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
