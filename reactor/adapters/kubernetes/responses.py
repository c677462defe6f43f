"""The API server's HTTP responses, as objects or as our errors."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from select import POLLIN, poll

import orjson
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from reactor.adapters.kubernetes.interface import PAGE, Page
from reactor.model import errors
from reactor.model.objects import JsonObject, text
from reactor.model.times import Clock, http_date, retry_after

# What every response of Kubernetes has: objects and lists have metadata, reviews a status, discovery a list.
_SHAPES: Mapping[str, type] = {"metadata": dict, "status": dict, "resources": list, "gitVersion": str}
BOOKMARK = "BOOKMARK"
_WHOLE = "k8s.io/initial-events-end"  # on the bookmark after which a streamed list is whole
_SETTLES = 1.0  # seconds until a new watch has sent what happened before it; it does so at once, event after event
_ERRORS: Mapping[int, type[errors.ClusterError]] = {
    HTTPStatus.UNAUTHORIZED: errors.Unauthorized,
    HTTPStatus.FORBIDDEN: errors.Forbidden,
    HTTPStatus.CONFLICT: errors.Conflict,
    HTTPStatus.GONE: errors.Expired,
}


def watch_events(response: BaseHTTPResponse, clock: Clock = time.monotonic) -> Iterator[tuple[str, JsonObject]]:
    """Type and object of each event. A BOOKMARK, with only its resourceVersion: all that had arrived was yielded.

    The server's own bookmarks only help to know that; they may stand in the middle of what waits to be read. And none
    counts before a new connection has had the time to replay what was missed. Raises as `watch_event`, and
    ClusterUnreachable where the stream is cut in the middle of a line.
    """
    settled_at, version, arrivals = clock() + _SETTLES, "", poll()
    arrivals.register(response.fileno(), POLLIN)
    for lines, are_whole in _chunks(response):
        for kind, obj in map(watch_event, lines):
            version = obj["metadata"]["resourceVersion"]
            if kind != BOOKMARK:
                yield kind, obj
        if are_whole and version and clock() >= settled_at and not arrivals.poll(0):
            yield BOOKMARK, {"metadata": {"resourceVersion": version}}


def streamed_list(response: BaseHTTPResponse) -> Iterator[Page]:
    """Page by page, up to the bookmark that says that it is whole, and as current as when it was requested.

    Raises as `watch_event`, and ClusterUnreachable where the stream ends before.
    """
    items, gone = list[JsonObject](), set[str]()
    for kind, obj in (watch_event(line) for lines, _ in _chunks(response) for line in lines):
        if kind == BOOKMARK and text(obj, "metadata", "annotations", _WHOLE) == "true":
            yield Page(items, text(obj, "metadata", "resourceVersion"), gone=frozenset(gone))
            return
        if kind == "DELETED":
            gone.add(text(obj, "metadata", "uid"))
        elif kind != BOOKMARK:
            items.append(obj)
        if len(items) == PAGE:
            yield Page(items, "", more=True)
            items = []
    raise errors.ClusterUnreachable("the streamed list ended before it was whole")


def _chunks(response: BaseHTTPResponse) -> Iterator[tuple[list[bytes], bool]]:
    """Lines as they arrive, and whether they end with what has arrived."""
    rest = b""
    for chunk in response.stream(65536):
        *whole, rest = (rest + chunk).split(b"\n")
        yield whole, not rest
    if rest:
        raise errors.ClusterUnreachable("the watch connection broke in the middle of a line")


def kubernetes_object(data: bytes, part: str) -> JsonObject:
    """An object with this part. Anything else counts as no answer, or a proxy's `null` would mean "there is none"."""
    body = orjson.loads(data)
    if not isinstance(body, dict) or not isinstance(body.get(part), _SHAPES[part]):
        raise errors.ClusterUnreachable(f"the API server's response is not a Kubernetes object: {str(body)[:60]!r}")
    return body


def watch_event(line: bytes) -> tuple[str, JsonObject]:
    """Type and object; Expired, or ClusterUnreachable for anything else that ends a watch."""
    event = orjson.loads(line)
    if not isinstance(event, dict) or not isinstance(event.get("object"), dict) or "type" not in event:
        raise errors.ClusterUnreachable(f"the API server's response is not a watch event: {str(event)[:60]!r}")
    if event["type"] == "ERROR":
        status = event["object"]
        kind = errors.Expired if status.get("code") == HTTPStatus.GONE else errors.ClusterUnreachable
        raise kind(f"the watch ended: {status.get('message', status)}")
    return event["type"], event["object"]


def refusal(method: str, path: str, response: BaseHTTPResponse) -> errors.ClusterError:
    """The error that a response without success means. No request header gets into the message."""
    try:
        body = json.loads(response.data)
    except ValueError:
        body = None
    status: JsonObject = body if isinstance(body, dict) else {}
    detail = str(status.get("message") or response.reason or "")[:300]
    message = f"{method} /{path}: {response.status} {detail}"
    if response.status == HTTPStatus.NOT_FOUND:
        # The API server names the object in details; a kind that it does not serve has no name there.
        object_name = (status.get("details") or {}).get("name")
        return errors.NotFound(message) if object_name else errors.NotServed(message)
    if response.status == HTTPStatus.TOO_MANY_REQUESTS or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        date = http_date(response.headers.get("Date", ""))
        return errors.ClusterUnreachable(message, retry_after(response.headers.get("Retry-After", ""), date))
    return _ERRORS.get(response.status, errors.Rejected)(message)


@contextmanager
def understood() -> Iterator[None]:
    """No response, or none of Kubernetes', as ClusterUnreachable."""
    try:
        yield
    except (HTTPError, OSError) as error:
        raise errors.ClusterUnreachable(f"the API server gave no answer: {_root(error)}") from error
    except ValueError as error:
        raise errors.ClusterUnreachable(f"the API server's response is not JSON: {error}") from error


def _root(error: BaseException) -> str:
    """The innermost reason: urllib3 wraps 'connection refused' three times."""
    inner = getattr(error, "reason", None) or error.__cause__
    return _root(inner) if isinstance(inner, BaseException) else str(error)[:300]
