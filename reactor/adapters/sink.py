"""Where events about drifts are delivered: one POST each, in structured mode, and the response to it.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import orjson
import urllib3

from reactor import timing
from reactor.model.errors import SettingsError
from reactor.model.times import Clock, retry_after
from reactor.settings import Settings

_TIMEOUT = urllib3.Timeout(connect=timing.SINK_CONNECT, read=timing.SINK_READ)


@dataclass(frozen=True, slots=True)
class Answer:
    """`status`: HTTP's, 0 without a response; `what` was answered, for a sentence; `retry_after` in seconds."""

    status: int
    what: str
    retry_after: float = 0.0


class Sink(Protocol):
    """The receiver of events."""

    def deliver(self, event: Mapping[str, Any]) -> Answer:
        """Deliver this event, as JSON. Raises nothing: whatever goes wrong is an Answer."""


class HttpSink:
    """The Sink at VMDRIFT_SINK. Its URL may hold a token, so no sentence shows it."""

    def __init__(self, settings: Settings, clock: Clock, timeout: urllib3.Timeout = _TIMEOUT) -> None:
        """Raises SettingsError."""
        if not settings.sink:
            raise SettingsError(
                "VMDRIFT_SINK: not set, and neither is K_SINK, so there is nowhere to deliver events to"
            )
        self._url, self._clock, self._timeout = settings.sink, clock, timeout
        self._token_file = Path(settings.sink_token_file) if settings.sink_token_file else None
        self._overrides = dict(settings.sink_overrides)
        self._pool = urllib3.PoolManager(ssl_context=_ssl_context(settings.sink_ca_certs))

    def deliver(self, event: Mapping[str, Any]) -> Answer:
        headers = {"Content-Type": "application/cloudevents+json; charset=utf-8", "User-Agent": "vm-drift"}
        try:
            if self._token_file:
                headers["Authorization"] = f"Bearer {self._token_file.read_text().strip()}"
            return self._post(orjson.dumps({**event, **self._overrides}), headers)
        except OSError as error:
            return Answer(0, f"VMDRIFT_SINK_TOKEN_FILE cannot be read: {error.strerror}")
        except (urllib3.exceptions.HTTPError, ValueError) as error:  # ValueError: a token that cannot be a header
            return Answer(0, f"the sink cannot be reached: {type(error).__name__}")

    def _post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        # Without `retries` it is sent once, and to nobody else: a redirect could lead anywhere, with our token.
        response = self._pool.request(
            "POST",
            self._url,
            body=body,
            headers=headers,
            retries=False,
            timeout=self._timeout,
            preload_content=False,
        )
        response.close()
        phrase = HTTPStatus(response.status).phrase if response.status in HTTPStatus._value2member_map_ else ""
        what = f"the sink answers {response.status} {phrase}".strip()
        return Answer(response.status, what, retry_after(response.headers.get("Retry-After", ""), self._clock()) or 0.0)


def _ssl_context(ca_certs: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_certs:
        try:
            context.load_verify_locations(cadata=ca_certs)
        except ssl.SSLError as error:
            raise SettingsError(f"K_CA_CERTS: expected certificates in PEM format: {error.reason}") from error
    return context
