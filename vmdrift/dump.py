"""`vmdrift dump`: what `plan` and `audit` read of a cluster and nothing else of it, so that it can be given away."""

import os
import sys
from typing import Any

import orjson

from reactor.model.errors import BadInput, VmDriftError
from reactor.process import explain
from reactor.settings import Settings
from vmdrift.allowed import allowed, worth
from vmdrift.anonymous import anonymous
from vmdrift.command import CANNOT_TELL
from vmdrift.dumpfile import Dump, about, read_dump
from vmdrift.kinds import KINDS
from vmdrift.reading import fix, live


def dump(*, nameless: bool, source: str) -> int:
    """Print it; `source`: a dump to make it of, "" for the cluster. Returns the exit code."""
    try:
        found = read_dump(source) if source else live(Settings.read(os.environ))
        sys.stdout.buffer.write(orjson.dumps(_written(found, source, nameless=nameless)) + b"\n")
    except VmDriftError as error:
        sys.stderr.write(f"vmdrift dump: {explain(error).rstrip('.')}{fix(error)}\n")
        return CANNOT_TELL
    return 0


def _written(found: Dump, source: str, *, nameless: bool) -> dict[str, Any]:
    try:
        return as_list(found, nameless=nameless)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{source}: an object in it is not what Kubernetes writes: {error!r}") from error


def as_list(found: Dump, *, nameless: bool) -> dict[str, Any]:
    """The List that is written: of each object what is allowed, `nameless` with made-up names."""
    kept = {
        resource: [allowed(resource, obj) for obj in some if worth(resource, obj)]
        for resource, some in found.objects.items()
    }
    shown = anonymous(kept) if nameless else kept
    items = [
        {"apiVersion": kind.version, "kind": kind.kind, **obj} for kind in KINDS for obj in shown.get(kind.resource, ())
    ]
    header = {"vmdrift": about(kept, found.about["read_at"], found.about["forbidden"])} if found.about else {}
    return {"apiVersion": "v1", "kind": "List", **header, "items": items}
