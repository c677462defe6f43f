"""What a BMC leads to is translated at its door, into a sentence that shows nothing of what was sent."""

import inspect
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import sushy
from urllib3 import exceptions as http

from reactor.adapters.redfish.connection import translated
from reactor.adapters.redfish.credentials import BmcAccess
from reactor.model.errors import FenceError, NoAnswer

ACCESS = BmcAccess("n.json", "https://bmc", "user", "secret")


def _answer(status: int) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    return answer


def _foreign() -> Iterator[Exception]:
    """All that sushy and requests can raise, and what was seen to pass both."""
    kind: Any  # each takes arguments of its own
    for _, kind in inspect.getmembers(sushy.exceptions, inspect.isclass):
        is_http = issubclass(kind, sushy.exceptions.HTTPError)
        if issubclass(kind, sushy.exceptions.SushyError):
            yield kind("GET", "/secret", _answer(418)) if is_http else kind("secret")
    for _, kind in inspect.getmembers(requests.exceptions, inspect.isclass):
        if issubclass(kind, requests.RequestException):
            yield kind("secret", "{", 0) if issubclass(kind, ValueError) and "JSON" in kind.__name__ else kind("secret")
    yield from (OSError("secret"), TimeoutError("secret"), ssl.SSLError("secret"), socket.gaierror("secret"))
    yield from (http.HTTPError("secret"), http.ProtocolError("secret"), http.LocationParseError("secret"))
    yield from (ValueError("secret"), KeyError("secret"), AttributeError("secret"), TypeError("secret"))
    yield from (
        UnicodeDecodeError("utf-8", b"secret", 0, 1, "secret"),
        RecursionError("secret"),
        RuntimeError("secret"),
    )


@pytest.mark.parametrize("error", list(_foreign()), ids=lambda error: type(error).__name__)
def test_every_foreign_error_is_translated_into_a_sentence_of_ours(error: Exception) -> None:
    with pytest.raises(FenceError) as caught, translated(ACCESS):
        raise error
    assert str(caught.value).startswith("BMC https://bmc ")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("error", "heard"),
    [
        (TimeoutError(), False),
        (requests.exceptions.ConnectTimeout(), False),
        (requests.exceptions.ConnectionError(), False),
        (sushy.exceptions.ConnectionError(url="u", error="e"), False),
        (socket.gaierror(), False),
        (sushy.exceptions.AccessError("GET", "/", _answer(401)), True),
        (sushy.exceptions.ServerSideError("GET", "/", _answer(503)), True),
        (requests.exceptions.JSONDecodeError("m", "{", 0), True),
        (KeyError("PowerState"), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_bmc_that_says_anything_at_all_is_not_dark(error: Exception, *, heard: bool) -> None:
    with pytest.raises(FenceError) as caught, translated(ACCESS):
        raise error
    assert isinstance(caught.value, NoAnswer) is not heard


def test_what_is_not_theirs_is_not_translated() -> None:
    own = FenceError("own")
    with pytest.raises(FenceError) as caught, translated(ACCESS):
        raise own
    assert caught.value is own


def test_neither_door_nor_provider_import_what_is_an_extra_before_it_is_used() -> None:
    program = (
        "import sys, workers.fencing.providers.redfish, reactor.adapters.redfish.bmc; sys.exit('sushy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
