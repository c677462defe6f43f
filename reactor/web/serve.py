"""`python -m reactor serve`: the receiver, as processes that share an address."""

import ipaddress

import structlog

from reactor.model.errors import SettingsError
from reactor.process import Stop
from reactor.settings import Settings
from reactor.web.auth.senders import Senders
from reactor.web.server.listening import ListeningSockets, split
from reactor.wiring import Wiring

log = structlog.get_logger()


def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT; running requests are answered first. Raises SettingsError, StoreError."""
    # Imported here, once for all of its processes: no other role needs Flask and aiohttp.
    from reactor.web.server.process import serving  # noqa: PLC0415
    from reactor.web.server.processes import supervise, terminate  # noqa: PLC0415

    require_authentication(settings, required=Senders.of(settings).required)
    Wiring.of(settings).connection().close()  # its processes share none
    probes = {"VMDRIFT_PROBES": settings.probes} if settings.probes else {}
    sockets = ListeningSockets({"VMDRIFT_LISTEN": settings.listen, **probes}, settings.web_processes)
    stop = Stop()
    stop.listen()
    address, port = split(settings.listen)
    log.info("receiving events", address=address, port=port, processes=settings.web_processes)
    running = supervise(lambda index: serving(sockets.of(index), settings, stop), settings.web_processes, stop)
    sockets.close()
    terminate(running)


def require_authentication(settings: Settings, *, required: bool) -> None:
    """SettingsError where anybody could post without authentication."""
    if not required and not settings.insecure_no_auth and not is_loopback(split(settings.listen)[0]):
        raise SettingsError(
            f"VMDRIFT_LISTEN: {settings.listen} can be reached from outside, and no senders are configured. Set "
            "VMDRIFT_TOKENS_FILE or VMDRIFT_OIDC_ISSUER, or use --insecure-no-auth on a test bed."
        )


def is_loopback(address: str) -> bool:
    """Can only this machine reach it?"""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
