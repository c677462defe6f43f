"""A Summary as bytes in Redis. Pure.

Two parts, both compressed JSON: what is fixed of all Nodes (a line each), which changes seldom and may be large, and
what moves all the time. The second names the first by its digest.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from hashlib import sha256
from operator import attrgetter
from sys import intern
from typing import Any

import orjson

from reactor.adapters.redis.contents import an_object
from reactor.model.checked_json import checked, is_moment
from reactor.model.errors import BadInput
from reactor.model.node import NodeView, Taint
from reactor.model.summary import Summary

VERSION = 1  # of this format; a summary of another one counts as none
MOVING = ("ready", "ready_since", "heartbeat", "reported")
FIXED = tuple(field.name for field in fields(NodeView) if field.name not in {*MOVING, "renewed", "address"})
_LEVEL = 1  # of compression: higher ones cost more time than they save space
_CHUNK, _LONGEST = 1 << 20, 128 << 20  # bytes, unpacked: at a time, and altogether

fixed, _moving = attrgetter(*FIXED), attrgetter(*MOVING)


def fixed_part(nodes: Iterable[NodeView]) -> tuple[str, bytes]:
    """Its digest, and itself."""
    packer, digest, packed = zlib.compressobj(_LEVEL), sha256(), []
    for node in nodes:
        line = orjson.dumps(fixed(node), default=_as_dict) + b"\n"
        digest.update(line)
        packed.append(packer.compress(line))
    return digest.hexdigest(), b"".join([*packed, packer.flush()])


def moving_part(summary: Summary, digest: str) -> bytes:
    """Of a summary whose fixed part has this digest."""
    columns = zip(*map(_moving, summary.nodes), strict=True)
    body = {
        "version": VERSION,
        "as_of": summary.as_of,
        "nodes": digest,
        "renewals": summary.renewals,
        **dict(zip(MOVING, columns, strict=False)),  # none without nodes
    }
    return zlib.compress(orjson.dumps(body), _LEVEL)


def fixed_nodes(packed: bytes) -> tuple[NodeView, ...]:
    """Nodes of which nothing is known that moves. BadInput where they cannot be read."""
    return tuple(map(_node, _lines(packed)))


def moving(packed: bytes) -> dict[str, Any]:
    """The moving part, which `summary` understands. BadInput where it cannot be read, or is of another version."""
    body = an_object(b"".join(_unpacked(packed)))
    if body.get("version") != VERSION:
        raise BadInput(f"version {body.get('version')}")
    if not is_moment(body.get("as_of")) or not isinstance(body.get("nodes"), str):
        raise BadInput("neither age nor nodes")
    return body


def summary(body: Mapping[str, Any], nodes: Iterable[NodeView]) -> Summary:
    """From a moving part, and the nodes of its fixed part, or of a summary with the same. BadInput."""
    renewals = body.get("renewals")
    if not isinstance(renewals, dict) or not all(map(is_moment, renewals.values())):
        raise BadInput("no renewals")
    try:
        rows = zip(nodes, *(body.get(name, ()) for name in MOVING), strict=True)
        return Summary(body["as_of"], tuple(_moved(node, values) for node, *values in rows), renewals)
    except (TypeError, ValueError) as error:
        raise BadInput(str(error)) from error


def _moved(node: NodeView, values: list[Any]) -> NodeView:
    if _moving(node) == tuple(values):
        return node
    return checked(replace(node, **dict(zip(MOVING, values, strict=True))), "node")


def _node(line: bytes) -> NodeView:
    try:
        row = dict(zip(FIXED, orjson.loads(line), strict=True))
        taints = tuple(Taint(**taint) for taint in row.pop("taints"))
        labels = {intern(key): intern(value) for key, value in row.pop("labels").items()}
        return checked(NodeView(ready="", ready_since=0.0, labels=labels, taints=taints, **row), "node")
    except (AttributeError, TypeError, ValueError) as error:
        raise BadInput(str(error)) from error


def _lines(packed: bytes) -> Iterator[bytes]:
    rest = b""
    for chunk in _unpacked(packed):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        raise BadInput("it ends in the middle of a line")


def _unpacked(packed: bytes) -> Iterator[bytes]:
    """Piece by piece, as it may be large. BadInput where it is no such thing, or has no end."""
    unpacker, size = zlib.decompressobj(), 0
    while not unpacker.eof:
        try:
            chunk = unpacker.decompress(packed, _CHUNK)
        except zlib.error as error:
            raise BadInput(str(error)) from error
        size, packed = size + len(chunk), unpacker.unconsumed_tail
        if size > _LONGEST or not (chunk or unpacker.eof):
            raise BadInput("it has no end")
        yield chunk


def _as_dict(labels: Mapping[str, str]) -> dict[str, str]:
    return dict(labels.items())
