"""Every foreign error is translated into one of ours at its door, and one line says what was wrong."""

import inspect
import socket

import pytest
from redis import exceptions as theirs
from urllib3 import HTTPResponse
from urllib3 import exceptions as http

from reactor.adapters.kubernetes.responses import refusal, understood
from reactor.adapters.redis.connection import connect
from reactor.adapters.redis.errors import translated
from reactor.model import errors
from reactor.process import explain

AWAY, REFUSED = errors.StoreUnreachable, errors.StoreRefused
TOLD: list[tuple[Exception, type[errors.StoreError]]] = [
    (theirs.ResponseError("WRONGPASS invalid username-password pair"), REFUSED),
    (theirs.ResponseError("NOAUTH Authentication required."), REFUSED),
    (theirs.ResponseError("NOPERM this user has no permissions"), REFUSED),
    (theirs.ResponseError("OOM command not allowed"), AWAY),
    (theirs.ResponseError("MISCONF Redis is configured to save RDB snapshots"), AWAY),
    (theirs.ResponseError("CLUSTERDOWN"), AWAY),
    (ConnectionResetError("reset"), AWAY),
    (TimeoutError("timed out"), AWAY),
    (socket.gaierror(-2, "Name or service not known"), AWAY),
]
REFUSALS = {"AuthenticationError", "AuthorizationError", "NoPermissionError"}
# What redis-py raises when it is used wrongly, and about parts of it that are not used here.
MISTAKES = {"RedisError", "DataError", "PubSubError", "WatchError", "LockError", "LockNotOwnedError", "ClusterError"}
CODES = {
    400: errors.Rejected,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    405: errors.Rejected,
    409: errors.Conflict,
    410: errors.Expired,
    415: errors.Rejected,
    422: errors.Rejected,
    429: errors.ClusterUnreachable,
    500: errors.ClusterUnreachable,
    502: errors.ClusterUnreachable,
    503: errors.ClusterUnreachable,
    504: errors.ClusterUnreachable,
    302: errors.Rejected,
}
HTTP_ERRORS: list[Exception] = [
    http.ProtocolError("Connection aborted."),
    http.IncompleteRead(3, 5),
    http.SSLError("certificate verify failed"),
    http.ReadTimeoutError(None, "", "Read timed out."),  # type: ignore[arg-type]  # only its message matters
    http.NewConnectionError(None, "refused"),  # type: ignore[arg-type]  # same
    http.MaxRetryError(None, "", http.SSLError("certificate has expired")),  # type: ignore[arg-type]  # same
    http.LocationParseError("x"),
    http.DecodeError("x"),
    ConnectionResetError("reset"),
    FileNotFoundError("ca.crt"),
    ValueError("no JSON"),
]


def redis_errors() -> list[type[Exception]]:
    """redis-py's tree, as far as an error can be made of a text alone (not that of a cluster's redirections)."""
    found = (kind for _, kind in inspect.getmembers(theirs, inspect.isclass) if issubclass(kind, theirs.RedisError))
    return [kind for kind in found if not issubclass(kind, theirs.AskError)]


@pytest.mark.parametrize("kind", [kind for kind in redis_errors() if kind.__name__ not in MISTAKES])
def test_every_error_of_redis_is_translated(kind: type[Exception]) -> None:
    wanted = REFUSED if kind.__name__ in REFUSALS else AWAY
    with pytest.raises(errors.StoreError) as caught, translated():
        raise kind("said")
    assert type(caught.value) is wanted
    assert "said" in str(caught.value)


@pytest.mark.parametrize("kind", [kind for kind in redis_errors() if kind.__name__ in MISTAKES])
def test_a_mistake_of_ours_is_not_taken_for_redis_being_away(kind: type[Exception]) -> None:
    with pytest.raises(kind), translated():
        raise kind("said")


@pytest.mark.parametrize(("error", "wanted"), TOLD)
def test_what_redis_answers_and_what_the_system_says_is_translated(
    error: Exception, wanted: type[errors.StoreError]
) -> None:
    with pytest.raises(errors.StoreError) as caught, translated():
        raise error
    assert type(caught.value) is wanted
    assert caught.value.__cause__ is error


def test_our_own_errors_pass_the_store_door_as_they_are() -> None:
    lost = errors.LockLost("the lock of vm expired")
    with pytest.raises(errors.LockLost) as caught, translated():
        raise lost
    assert caught.value is lost


MALFORMED_URLS = [
    "redis://:secret/more@redis:6379",
    "redis://:secret#more@redis:6379",
    "redis://:secret@redis:port",
    "redis://:secret@[redis",
    "redis://:secret@redis:99999",
    "redis://:secret@redis?socket_timeout=x",
    "redis://:secret@127.0.0.1:1?unknown=1",
    "redis://:secret@.:1",
]


@pytest.mark.parametrize("url", MALFORMED_URLS)
def test_a_url_that_redis_cannot_read_is_a_settings_error_that_does_not_show_it(url: str) -> None:
    with pytest.raises(errors.SettingsError) as caught:
        connect(url)
    assert str(caught.value).startswith("VMDRIFT_REDIS_URL: not a valid URL")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("code", CODES)
def test_every_answer_that_is_no_success_has_its_error(code: int) -> None:
    error = refusal("GET", "api/v1/nodes", HTTPResponse(b'{"message": "said"}', status=code))
    assert type(error) is CODES[code]
    assert str(error) == f"GET /api/v1/nodes: {code} said"


def test_a_404_is_about_an_object_only_if_it_names_one() -> None:
    named = HTTPResponse(b'{"message": "gone", "details": {"name": "db", "kind": "pods"}}', status=404)
    assert type(refusal("GET", "x", named)) is errors.NotFound
    assert type(refusal("GET", "x", HTTPResponse(b"404 page not found", status=404))) is errors.NotServed


@pytest.mark.parametrize("error", HTTP_ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_on_the_way_to_the_api_server_means_that_nothing_is_known(error: Exception) -> None:
    with pytest.raises(errors.ClusterUnreachable) as caught, understood():
        raise error
    assert caught.value.__cause__ is error


def test_the_innermost_reason_is_shown() -> None:
    wrapped = http.MaxRetryError(None, "", http.SSLError("certificate has expired"))  # type: ignore[arg-type]  # same
    with pytest.raises(errors.ClusterUnreachable, match=r"gave no answer: certificate has expired$"), understood():
        raise wrapped


def test_the_tree_is_drawn_as_it_is() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert all(issubclass(kind, errors.VmDriftError) for kind in kinds)
    for kind in kinds:
        assert f"{kind.__name__}" in str(errors.__doc__)


def test_an_error_is_explained_in_one_line() -> None:
    assert explain(errors.SettingsError("a\nb")) == "a b"
    assert "Is KubeVirt installed" in explain(errors.NotServed("GET /apis/kubevirt.io: 404"))
