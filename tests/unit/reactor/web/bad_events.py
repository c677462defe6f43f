"""Requests that must be refused: (what is wrong, Content-Type, headers, body, status, attribute)."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import orjson

from reactor.web.problem import Problem
from tests.unit.reactor.web.requests_of import BATCH, EVENT, HEADERS, STRUCTURED, changed, without

Result = TypeVar("Result")


def outcome(read: Callable[[], Result]) -> Result | Problem:
    """What reading gives, or the Problem that it raises; nothing else may be raised."""
    try:
        return read()
    except Problem as problem:
        return problem


class Bad(NamedTuple):
    """One of them."""

    why: str
    kind: str
    body: bytes
    status: int
    attribute: str
    headers: dict[str, str]


def _structured(why: str, body: Any, attribute: str, status: int = 400) -> Bad:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Bad(why, STRUCTURED, raw, status, attribute, {})


def _binary(why: str, attribute: str, status: int = 400, body: bytes = b"", **headers: str) -> Bad:
    kind = headers.pop("kind", "application/json")
    told = {name.replace("ce_", "ce-", 1): value for name, value in headers.items()}
    sent = {name: value for name, value in {**HEADERS, **told}.items() if value != "absent"}
    return Bad(f"binary: {why}", kind, body, status, attribute, sent)


def _raw(text: str) -> bytes:
    """The good event with more JSON in it."""
    return orjson.dumps(dict(EVENT))[:-1] + b"," + text.encode() + b"}"


_MISSING = [_structured(f"no {name}", without(name), name) for name in ("specversion", "id", "source", "type")]
_EMPTY = [_structured(f"empty {name}", changed(**{name: ""}), name) for name in ("specversion", "id", "source", "type")]
_NUMBER = [
    _structured(f"{name} is a number", changed(**{name: 1}), name) for name in ("id", "source", "type", "subject")
]
_NULL = [
    _structured(f"{name} is null", changed(**{name: None}), name) for name in ("specversion", "id", "source", "type")
]
_TIMES = [
    _structured(f"time {value}", changed(time=value), "time")
    for value in (
        "yesterday",
        "2026-11-24",
        "2026-11-24T03:00:00",
        "2026-11-24 03:00:00Z",
        "2026-02-30T03:00:00Z",
        "2026-11-24T25:00:00Z",
        "2026-11-24T03:00:00+99:99",
        "2026-11-24T03:00:60Z",
        "2026-11-24T03:00:00.Z",
        "٢٠٢٦-11-24T03:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        1795500000,
        "",
    )
]
_SUBJECTS = [
    _structured(f"subject {value!r}", changed(subject=value), "subject", 422)
    for value in ("Node-A", "node_a", "-a", "a-", "a..b", "a/b", "x" * 254, "nöde", " node-a")
]
_VMS = [
    _structured(f"VM {value!r}", changed(type="io.vmdrift.vm.drift.requested", subject=value), "subject", 422)
    for value in ("web", "shop/", "/web", "shop/web/1", "Shop/web", "shop/web ")
]
_PROOFS = [
    _structured("proof without data", changed(type="io.vmdrift.node.fenced"), "data.uid", 422),
    _structured(
        "proof of no boot", changed(type="io.vmdrift.node.fenced", data={"uid": "u", "how": "h"}), "data.bootID", 422
    ),
    _structured(
        "proof that nobody explains",
        changed(type="io.vmdrift.node.fenced", data={"uid": "u", "bootID": "b", "how": ""}),
        "data.how",
        422,
    ),
]
_EXTENSIONS = [
    _structured("an extension in upper case", changed(Partition="a"), "extension"),
    _structured("an extension with a hyphen", changed(**{"partition-key": "a"}), "extension"),
    _structured("an extension of 21 characters", changed(**{"a" * 21: "a"}), "extension"),
    _structured("an extension that is an object", changed(partition={"a": 1}), "partition"),
    _structured("an extension that is a list", changed(partition=["a"]), "partition"),
    _structured("an extension that is a fraction", changed(partition=1.5), "partition"),
    _structured("an extension of more than 32 bits", changed(partition=2**31), "partition"),
    _structured("an extension with a line break", changed(partition="a\nb"), "partition"),
]
_JSON = [
    _structured("nothing", b"", "body"),
    _structured("no JSON", b"{", "body"),
    _structured("a list where one event is expected", [EVENT], "body"),
    _structured("a text", b'"event"', "body"),
    _structured("a number", b"1", "body"),
    _structured("null", b"null", "body"),
    _structured("not UTF-8", b'{"id": "\xff"}', "body"),
    _structured("UTF-16", orjson.dumps(dict(EVENT)).decode().encode("utf-16"), "body"),
    _structured("a name twice", _raw('"id": "2"'), "id"),
    _structured("a name twice within data", _raw('"data": {"a": 1, "a": 2}'), "a"),
    _structured("NaN", _raw('"data": {"a": NaN}'), "data"),
    _structured("Infinity", _raw('"data": {"a": -Infinity}'), "data"),
    _structured("a number that is infinite", _raw('"data": {"a": 1e999}'), "data"),
    _structured("half a surrogate twice as a name", _raw(r'"\ud800": 1, "\ud800": 2'), "?"),
    _structured("33 levels of lists", _raw('"data": {"a": ' + "[" * 33 + "]" * 33 + "}"), "body"),
    _structured("20,000 levels of lists", _raw('"data": ' + "[" * 20000 + "]" * 20000), "body"),
    _structured("something behind it", orjson.dumps(dict(EVENT)) + b"{}", "body"),
]
_DATA = [
    _structured("data is a list", changed(data=[1]), "data", 422),
    _structured("data is a text", changed(data="a"), "data", 422),
    _structured("data twice", changed(data={}, data_base64="e30="), "data"),
    _structured("data twice, once null", changed(data=None, data_base64="e30="), "data"),
    _structured(
        "data is an object and said to be XML", changed(data={}, datacontenttype="text/xml"), "datacontenttype"
    ),
    _structured("data is a text and said to be XML", changed(data="<a/>", datacontenttype="text/xml"), "data", 422),
    _structured("data is a JSON document in a text", changed(data='{"a":1}'), "data", 422),
    _structured("data with half a surrogate", _raw(r'"data": {"a": "\ud800"}'), "data"),
    _structured("data with half a surrogate in a name", _raw(r'"data": {"\udfff": 1}'), "data"),
    _structured("data with a number of 70 bits", _raw(f'"data": {{"a": {2**70}}}'), "data"),
    _structured("data_base64 that is none", changed(data_base64="e30"), "data_base64"),
    _structured("data_base64 with other characters", changed(data_base64="e30=\n!"), "data_base64"),
    _structured("data_base64 is a number", changed(data_base64=1), "data_base64"),
    _structured("data_base64 holds no JSON", changed(data_base64="eA=="), "data_base64"),
    _structured("data_base64 of another type", changed(data_base64="eA==", datacontenttype="image/png"), "data", 422),
]
_OTHERS = [
    _structured("specversion 0.3", changed(specversion="0.3"), "specversion"),
    _structured("specversion is a number", changed(specversion=1.0), "specversion"),
    _structured("a source with a space", changed(source="/a b"), "source"),
    _structured("a source with two fragments", changed(source="/a#b#c"), "source"),
    _structured("a source with a bracket", changed(source="/a[b]"), "source"),
    _structured("a source whose scheme starts with a digit", changed(source="1a:b"), "source"),
    _structured("a source with a letter beyond ASCII", changed(source="/ä"), "source"),
    _structured("a dataschema without a scheme", changed(dataschema="/schema"), "dataschema"),
    _structured("an empty dataschema", changed(dataschema=""), "dataschema"),
    _structured("an id of 257 bytes", changed(id="ü" * 128 + "x"), "id"),
    _structured("a source of 257 bytes", changed(source="/" + "x" * 256), "source"),
    _structured("an empty subject", changed(subject=""), "subject"),
    _structured("structured without a format", changed(), "content-type", 415)._replace(kind="application/cloudevents"),
    _structured("a source with a broken escape", changed(source="/a%2"), "source"),
    _structured("a dataschema that is no URI", changed(dataschema="a b"), "dataschema"),
    _structured("a datacontenttype without a slash", changed(datacontenttype="json"), "datacontenttype"),
    _structured("an id with a control character", changed(id="a\u0000b"), "id"),
    _structured("an id with a noncharacter", changed(id="a\ufffe"), "id"),
    _structured("an id with a noncharacter of a higher plane", changed(id="a\U0001ffff"), "id"),
    _structured("an id with half a surrogate", _raw('"x": "\\ud800"'), "x"),
    Bad("XML", "application/cloudevents+xml", b"<event/>", 415, "content-type", {}),
    Bad("another charset", f"{STRUCTURED}; charset=latin-1", orjson.dumps(dict(EVENT)), 415, "content-type", {}),
    Bad("plain JSON", "application/json", orjson.dumps(dict(EVENT)), 415, "content-type", {}),
    Bad("no Content-Type", "", orjson.dumps(dict(EVENT)), 415, "content-type", {}),
    Bad("a form", "application/x-www-form-urlencoded", b"id=1", 415, "content-type", {}),
    Bad("a batch that is no list", BATCH, orjson.dumps(dict(EVENT)), 400, "body", {}),
    Bad("a batch in XML", "application/cloudevents-batch+xml", b"[]", 415, "content-type", {}),
    Bad("too long", STRUCTURED, _raw(f'"data": {{"a": "{"x" * 70000}"}}'), 413, "", {}),
]
_BINARY = [
    _binary("no specversion", "content-type", 415, ce_specversion="absent"),
    _binary("no id", "id", ce_id="absent"),
    _binary("no source", "source", ce_source="absent"),
    _binary("no type", "type", ce_type="absent"),
    _binary("empty id", "id", ce_id=""),
    _binary("a broken escape", "ce-subject", ce_subject="node%2"),
    _binary("an escape that is no UTF-8", "ce-subject", ce_subject="node%ff"),
    _binary("escaped twice", "subject", 422, ce_subject="node%2541"),
    _binary("a control character", "id", ce_id="a%00b"),
    _binary("datacontenttype as an attribute", "ce-datacontenttype", ce_datacontenttype="application/json"),
    _binary("an overlong encoding", "ce-id", ce_id="%C0%A0"),
    _binary("an encoded surrogate", "ce-id", ce_id="%ED%A0%80"),
    _binary("a double quote that does not end", "ce-subject", ce_subject='"node-a'),
    _binary("something behind the double quote", "ce-subject", ce_subject='"node-a" b'),
    _binary("data as a header", "extension", ce_data="e30="),
    _binary("an extension with an underscore", "extension", ce_data_base64="e30="),
    _binary("an extension in letters beyond ASCII", "extension", ce_größe="1"),
    _binary("a Content-Type that is none", "datacontenttype", kind="json"),
    _binary("a second charset", "content-type", 415, kind="application/json; charset=utf-8; charset=latin-1"),
    _binary("a time without a zone", "time", ce_time="2026-11-24T03:00:00"),
    _binary("data that is no JSON", "data", body=b"{"),
    _binary("data that is a list", "data", 422, body=b"[]"),
    _binary("data of another type", "data", 422, body=b"x", kind="text/plain"),
]
BAD = [
    *(_MISSING + _EMPTY + _NUMBER + _NULL + _TIMES),
    *(_SUBJECTS + _VMS + _PROOFS + _EXTENSIONS + _JSON + _DATA + _OTHERS + _BINARY),
]
