"""`vmdrift dump`: what `plan` and `audit` read of a cluster and nothing else of it, so that it can be shared."""

import os
from collections.abc import Mapping
from typing import Any

from reactor.model.errors import BadInput, VmDriftError
from reactor.process import explain
from reactor.settings import Settings
from vmdrift.command import CANNOT_TELL, complain, print_json
from vmdrift.snapshot import Objects
from vmdrift.snapshot.allowed_fields import allowed, is_needed
from vmdrift.snapshot.anonymous import anonymous
from vmdrift.snapshot.dump_file import Dump, about, read_dump
from vmdrift.snapshot.installed import InstalledSettings
from vmdrift.snapshot.kinds import KINDS
from vmdrift.snapshot.source import fix, live


def dump(*, nameless: bool, source: str) -> int:
    """Print it; `source`: a dump to make it of, "" for the cluster. Returns the exit code."""
    try:
        contents = read_dump(source) if source else live(Settings.read(os.environ))
        print_json(_converted(contents, source, nameless=nameless), pretty=False)
    except VmDriftError as error:
        complain(f"vmdrift dump: {explain(error).rstrip('.')}{fix(error)}")
        return CANNOT_TELL
    return 0


def _header(contents: Dump, objects: Objects, *, nameless: bool) -> Mapping[str, Any]:
    """As it was read, with the objects counted anew. What an earlier version did not write is not there now."""
    read = contents.about
    header = dict(about(objects, read["read_at"], read["forbidden"]))
    if "vm_labels" not in read:
        del header["vm_labels"]
    installed = InstalledSettings.of_dump(read)
    return {**header, "settings": (installed.without_names() if nameless else installed).as_header()}


def _converted(contents: Dump, source: str, *, nameless: bool) -> dict[str, Any]:
    try:
        return as_list(contents, nameless=nameless)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{source}: it contains a malformed object: {error!r}") from error


def as_list(contents: Dump, *, nameless: bool) -> dict[str, Any]:
    """The List that is written: of each object what is allowed, `nameless` with made-up names."""
    objects = {
        resource: [allowed(resource, obj) for obj in of_kind if is_needed(resource, obj)]
        for resource, of_kind in contents.objects.items()
    }
    written = anonymous(objects) if nameless else objects
    items = [
        {"apiVersion": kind.version, "kind": kind.kind, **obj}
        for kind in KINDS
        for obj in written.get(kind.resource, ())
    ]
    header = {"vmdrift": _header(contents, objects, nameless=nameless)} if contents.about else {}
    return {"apiVersion": "v1", "kind": "List", **header, "items": items}
