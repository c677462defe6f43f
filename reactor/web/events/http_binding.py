"""An HTTP request -> events, in the three modes of the CloudEvents HTTP binding. Pure; nothing is guessed or filled in.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from reactor.model.event import Event
from reactor.web.events.attributes import checked, json_of, moment, refuse, text_of
from reactor.web.events.event_types import with_data
from reactor.web.problem import Problem

LONGEST = 65536  # bytes of a request that carries events; the longest that is read
_BATCH, _STRUCTURED = "application/cloudevents-batch", "application/cloudevents"
_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_JSON = re.compile(r"[^/]+/(?:[^/]+\+)?json")

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


def read(headers: Headers, body: bytes, limit: int, now: float) -> Event | list[Event | Problem]:
    """The event of one request, or those of a batch, in order; `limit` in bytes; `now` where time is absent.

    `headers` by lower-case names, or as pairs, of which no `ce-` one and no content type may be repeated. Raises
    Problem (400, 413, 415, 422); of a batch a bad event is a Problem in its place.
    """
    if len(body) > limit:
        raise Problem(413, f"The request has {len(body)} bytes; at most {limit} are allowed.")
    by_name = headers if isinstance(headers, Mapping) else unique_headers(headers)
    kind = _content_type(by_name.get("content-type", ""))
    if kind.startswith(_BATCH):
        _json_format(kind, _BATCH)
        return _batch(json_of(body, "body"), now)
    if kind.startswith(_STRUCTURED):
        _json_format(kind, _STRUCTURED)
        return _structured(json_of(body, "body"), now)
    return _binary(by_name, kind, body, now)


def unique_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By lower-case names; Problem 400 where a `ce-` one or the content type comes twice."""
    unique: dict[str, str] = {}
    for name, value in headers:
        lowered = name.lower()
        if lowered in unique and (lowered.startswith("ce-") or lowered == "content-type"):
            refuse(lowered, value, "this header only once")
        unique[lowered] = value
    return unique


def _content_type(header: str) -> str:
    """The media type in lower case, without its parameters; Problem 415 for JSON in another charset than UTF-8."""
    kind, *parameters = header.lower().split(";")
    pairs = [parameter.partition("=") for parameter in parameters]
    for charset in (value.strip().strip('"') for name, _, value in pairs if name.strip() == "charset"):
        # What is no JSON stays bytes, whatever its charset. ASCII is UTF-8.
        if charset not in _UTF_8 and _is_json(kind):
            raise Problem(415, "Only UTF-8 is supported.", attribute="content-type", found=charset, expected="utf-8")
    return kind.strip()


def _json_format(kind: str, mode: str) -> None:
    if kind != f"{mode}+json":
        detail = "JSON is the only supported structured format."
        raise Problem(415, detail, attribute="content-type", found=kind, expected=f"{mode}+json")


def _batch(value: Any, now: float) -> list[Event | Problem]:
    if not isinstance(value, list):
        refuse("body", value, "a JSON array of events")
    events: list[Event | Problem] = []
    for item in value:
        try:
            events.append(_structured(item, now))
        except Problem as problem:
            events.append(problem)
    return events


def _structured(value: Any, now: float) -> Event:
    if not isinstance(value, dict):
        refuse("body", value, "a JSON object")
    attributes = {name: attribute for name, attribute in value.items() if name not in {"data", "data_base64"}}
    present = checked(attributes)
    if "data" in value and "data_base64" in value:
        refuse("data", None, "either data or data_base64, not both")
    data, kind = value.get("data"), present.get("datacontenttype", "")
    if value.get("data_base64") is not None:
        raw = _from_base64(value["data_base64"])
        data = json_of(raw, "data_base64") if _is_json(kind) else raw
    elif not _is_json(kind) and not isinstance(data, str | None):
        refuse("datacontenttype", kind, "a JSON media type, because data is not a string")
    return _event(present, data, now)


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "?", validate=True)
    except (binascii.Error, ValueError):
        refuse("data_base64", text, "base64")


def _binary(headers: Mapping[str, str], kind: str, body: bytes, now: float) -> Event:
    attributes = {name[3:]: _decoded(name, value) for name, value in headers.items() if name.startswith("ce-")}
    if "specversion" not in attributes:
        detail = "Not a CloudEvent: it has neither a ce-specversion header nor application/cloudevents+json."
        raise Problem(415, detail, attribute="content-type", found=kind, expected="application/cloudevents+json")
    if "datacontenttype" in attributes:
        refuse("ce-datacontenttype", attributes["datacontenttype"], "no such header; use Content-Type instead")
    present = checked({**attributes, **({"datacontenttype": kind} if kind else {})})
    data: Any = None
    if body:
        data = json_of(body, "data") if _is_json(kind) else body
    return _event(present, data, now)


def _decoded(name: str, value: str) -> str:
    """Out of double quotes (as version 1.0 of the binding had it), then percent-decoded once; never twice."""
    text = value.strip(" \t")
    if text.startswith('"'):
        quoted = _QUOTED.fullmatch(text) or refuse(name, value, "a closing double quote at the end of the value")
        text = re.sub(r"\\(.)", r"\1", quoted[1])
    if not text.isascii() or _ESCAPED.search(text):
        refuse(name, value, "ASCII, with everything else percent-encoded as UTF-8")
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), text.encode())
    return text_of(raw, name)


def _is_json(kind: str) -> bool:
    """Absent means JSON in the JSON format; and of a body without Content-Type nothing but JSON could be read."""
    media = kind.partition(";")[0].strip().lower()
    return not media or _JSON.fullmatch(media) is not None


def _event(present: Mapping[str, Any], data: Any, now: float) -> Event:
    at = moment(present["time"]) if "time" in present else now
    event = Event(present["type"], present["source"], present["id"], present.get("subject", ""), at)
    return with_data(event, data)
