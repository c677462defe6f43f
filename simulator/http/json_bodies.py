"""Objects, lists and refusals as they go over the wire, and what query parameters say."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from simulator.client import ApiError, Obj
from simulator.store import deletion, errors
from simulator.store.objects import META_VERSION, partial_of
from simulator.store.resources import Resource

_TOO_MANY_REQUESTS = 429


def answer(document: Any, code: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=orjson.dumps(document), status=code, content_type="application/json")


def refusal(error: ApiError) -> web.Response:
    """An error's answer: a Status; 429 carries Retry-After, as clients expect it to."""
    response = answer(status(error), error.code)
    if error.code == _TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = "1"
    return response


def status(error: ApiError) -> Obj:
    """An error as Kubernetes' Status object."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": error.message,
        "reason": error.reason,
        **({"details": error.details} if error.details else {}),
        "code": error.code,
    }


def deleted(kind: Resource, last: Obj) -> Obj:
    """What DELETE answers with: the object if it is still there or the kind's clients expect it, else a Status."""
    if kind.returns_deleted or not deletion.may_go(last):
        return last
    details = {"name": last["metadata"]["name"], "kind": kind.plural, "uid": last["metadata"]["uid"]}
    if kind.group:
        details["group"] = kind.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def parsed(body: bytes) -> Any:
    """A request's body; ApiError 400 when it is not JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise errors.bad_request(f"the body is not JSON: {error}") from error


def is_partial(request: web.Request) -> bool:
    """Does the client ask for metadata alone?"""
    return ";as=PartialObjectMetadata" in request.headers.get("Accept", "").replace(" ", "")


def partial_list(listing: Obj) -> Obj:
    """A list of whole objects as one of their metadata."""
    return {
        **listing,
        "kind": "PartialObjectMetadataList",
        "apiVersion": META_VERSION,
        "items": [partial_of(obj) for obj in listing["items"]],
    }


def is_true(query: Mapping[str, str], name: str) -> bool:
    """Whether a boolean parameter is set, in the spellings that Kubernetes takes."""
    return query.get(name, "").lower() in {"1", "t", "true"}


def number(query: Mapping[str, Any], name: str) -> int | None:
    """A whole-number parameter, None when absent or empty; ApiError 400 when it is no number."""
    text = query.get(name)
    if text is None or text == "":
        return None
    try:
        return int(text)
    except (TypeError, ValueError) as error:
        raise errors.bad_request(f'invalid value for {name}: "{text}"') from error
