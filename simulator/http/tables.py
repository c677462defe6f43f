"""Lists as tables, as `kubectl get` asks for them: the columns that real API servers and KubeVirt's CRDs have.

https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables. A column with a priority is
for `-o wide`. A kind without columns here is answered as an ordinary list, of which kubectl shows name and age.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any

from aiohttp import web

from simulator.client import Obj
from simulator.http.table_cells import age, at, claim_row, node_row, pod_row
from simulator.store.objects import META_VERSION, partial_of
from simulator.store.resources import Resource


@dataclass(frozen=True)
class Since:
    """A cell that says how long ago this moment was."""

    moment: str | None

    def shown(self, now: float) -> str:
        """As an age."""
        return age(now - datetime.fromisoformat(self.moment).timestamp()) if self.moment else "<unknown>"


_Row = Callable[[Obj], Sequence[Any]]
_AGE = object()  # the cell is the object's age


@dataclass(frozen=True)
class Columns:
    """`names` in order; `kind` -> a row. `wide`: so many of the last ones are for -o wide, and those `hidden` are, too.

    `types`: of those that are not text.
    """

    names: tuple[str, ...]
    row: _Row
    wide: int = 0
    hidden: frozenset[str] = frozenset()
    types: Mapping[str, str] = dataclass_field(default_factory=dict)


def _condition(obj: Obj, type_: str) -> Any:
    """As KubeVirt's JSONPath has it: nothing where there is no such condition."""
    found = (one for one in at(obj, "status.conditions") or () if one.get("type") == type_)
    return next((one.get("status") for one in found), None)


def _vm_row(vm: Obj) -> Sequence[Any]:
    return [_name(vm), _AGE, at(vm, "status.printableStatus"), _condition(vm, "Ready")]


def _vmi_row(vmi: Obj) -> Sequence[Any]:
    addresses = [one.get("ipAddress") for one in at(vmi, "status.interfaces") or ()] or [None]
    where = [at(vmi, "status.phase"), addresses[0], at(vmi, "status.nodeName")]
    conditions = [_condition(vmi, type_) for type_ in ("Ready", "LiveMigratable", "Paused")]
    return [_name(vmi), _AGE, *where, *conditions]


def _attachment_row(attachment: Obj) -> Sequence[Any]:
    spec = attachment.get("spec") or {}
    volume = at(attachment, "spec.source.persistentVolumeName") or ""
    attached = bool(at(attachment, "status.attached"))
    return [_name(attachment), spec.get("attacher", ""), volume, spec.get("nodeName", ""), attached, _AGE]


def _event_row(event: Obj) -> Sequence[Any]:
    about = event.get("involvedObject") or {}
    last = at(event, "lastTimestamp") or event.get("eventTime")
    what = f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"
    said = [event.get("type", ""), event.get("reason", ""), what, about.get("fieldPath", "")]
    source, first = at(event, "source.component") or "", event.get("firstTimestamp") or last
    more = [source, str(event.get("message", "")).strip(), Since(first), str(event.get("count", 1)), _name(event)]
    return [Since(last), *said, *more]


def _name(obj: Obj) -> str:
    return str(obj["metadata"]["name"])


_POD = ("Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Nominated Node", "Readiness Gates")
_NODE = ("Name", "Status", "Roles", "Age", "Version")
_NODE_WIDE = ("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")
_CLAIM = ("Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age")
_VMI = ("Name", "Age", "Phase", "IP", "NodeName", "Ready", "Live-Migratable", "Paused")
_EVENT = ("Last Seen", "Type", "Reason", "Object", "Subobject", "Source", "Message", "First Seen", "Count", "Name")
COLUMNS: Mapping[str, Columns] = {
    "nodes": Columns((*_NODE, *_NODE_WIDE), lambda node: node_row(node, _AGE), wide=5),
    "pods": Columns(_POD, lambda pod: pod_row(pod, _AGE), wide=4),
    "persistentvolumeclaims": Columns((*_CLAIM, "VolumeMode"), lambda claim: claim_row(claim, _AGE), wide=1),
    "volumeattachments": Columns(
        ("Name", "Attacher", "PV", "Node", "Attached", "Age"), _attachment_row, types={"Attached": "boolean"}
    ),
    "events": Columns(_EVENT, _event_row, wide=3, hidden=frozenset({"Subobject", "Source"})),
    "virtualmachines": Columns(("Name", "Age", "Status", "Ready"), _vm_row, types={"Age": "date"}),
    "virtualmachineinstances": Columns(_VMI, _vmi_row, wide=2, types={"Age": "date"}),
}


def is_table(request: web.Request, kind: Resource) -> bool:
    """Does the client ask for a table, and have we one? It takes a plain object, too, and says so at the end."""
    return kind.plural in COLUMNS and ";as=Table" in request.headers.get("Accept", "").replace(" ", "")


def table(kind: Resource, objects: Sequence[Obj], meta: Obj, now: float, include: str = "") -> Obj:
    """The rows of these objects; `include`: how much of each goes along (Metadata, Object or None)."""
    columns = COLUMNS[kind.plural]
    return {
        "kind": "Table",
        "apiVersion": META_VERSION,
        "metadata": meta,
        "columnDefinitions": [_definition(columns, index) for index in range(len(columns.names))],
        "rows": [_as_row(columns, _typed(kind, obj), now, include or "Metadata") for obj in objects],
    }


def _definition(columns: Columns, index: int) -> Obj:
    name = columns.names[index]
    return {
        "name": name,
        "type": columns.types.get(name, "string"),
        "format": "" if index else "name",
        "description": "",
        "priority": int(name in columns.hidden or index >= len(columns.names) - columns.wide),
    }


def _typed(kind: Resource, obj: Obj) -> Obj:
    """In a list the items bear no kind; in a table each is decoded by itself."""
    return {"kind": kind.kind, "apiVersion": kind.api_version, **obj}


def _as_row(columns: Columns, obj: Obj, now: float, include: str) -> Obj:
    created = obj["metadata"].get("creationTimestamp")
    old = Since(created)
    shown = {"Metadata": partial_of(obj), "Object": obj}.get(include)
    cells = [old if cell is _AGE else cell for cell in columns.row(obj)]
    return {"cells": [cell.shown(now) if isinstance(cell, Since) else cell for cell in cells], "object": shown}
