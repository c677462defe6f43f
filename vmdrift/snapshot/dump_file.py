"""The bytes of a dump -> its objects, each once. What is no dump is refused with what to do about it."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from reactor.model.errors import BadInput
from reactor.model.objects import number, part
from vmdrift.snapshot.kinds import Kind, kind_of

KUBECTL = (
    "kubectl get nodes,namespaces,vm,vmi,vmirs,pods,pvc,pv,csidrivers,storageclasses,volumeattachments,leases"
    " -A -o json"
)
DUMP_COMMAND = f"{KUBECTL} > dump.json"  # for who has no vmdrift there
DUMP = "vmdrift dump > dump.json"
MAKE = f"make it with: {DUMP}, or with: {DUMP_COMMAND}"

Obj = dict[str, Any]
_Key = tuple[str, str, str]  # resource, namespace, name


@dataclass(frozen=True, slots=True)
class Dump:
    """What a file holds. `about`: what `vmdrift dump` wrote of it, {} in a dump by others, or one that was changed."""

    objects: Mapping[str, list[Obj]]  # resource -> all objects of it
    about: Mapping[str, Any] = field(default_factory=dict)


def read_dump(path: str) -> Dump:
    """From a file, or standard input for "-". Raises BadInput."""
    name = "standard input" if path == "-" else path
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"{name}: {error.strerror}") from error
    return parsed(raw, name)


def parsed(raw: bytes, name: str) -> Dump:
    """`name`: of the file, as sentences show it. Raises BadInput."""
    document = _document(raw, name)
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise BadInput(f"{name} is not a List of objects; {MAKE}")
    objects: dict[str, list[Obj]] = {}
    for (resource, _, _), obj in _deduplicated(items, name).items():
        objects.setdefault(resource, []).append(obj)
    header = _about(document, objects)
    return Dump({**{resource: [] for resource in header.get("kinds", ())}, **objects}, header)


def about(objects: Mapping[str, Sequence[Obj]], at: float, forbidden: Sequence[str] = ()) -> Mapping[str, Any]:
    """The header of a dump: how many objects there were of which kind, and when, seconds since the epoch."""
    kinds = {resource: len(of_kind) for resource, of_kind in objects.items()}
    return {"version": 1, "read_at": at, "kinds": kinds, "forbidden": list(forbidden), "vm_labels": True}


def _about(document: Obj, objects: Mapping[str, Sequence[Obj]]) -> Mapping[str, Any]:
    """The header; {} for a dump from which somebody removed objects, or to which they added some."""
    header, at = part(document, "vmdrift"), number(document, "vmdrift", "read_at")
    kinds = {resource: len(objects.get(resource, ())) for resource in part(header, "kinds")}
    matches = bool(kinds) and kinds == part(header, "kinds") and objects.keys() <= kinds.keys()
    return header if matches and at is not None else {}


def _document(raw: bytes, name: str) -> Any:
    """PowerShell's > writes UTF-16, and some editors put a byte order mark before UTF-8."""
    encoding = json.detect_encoding(raw)
    try:
        return orjson.loads(raw if encoding == "utf-8" else raw.decode(encoding))
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} looks like {encoding} but is not, or is truncated: save it as UTF-8") from error
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{name} is not JSON ({error}); {_fault(str(error))}{MAKE}") from error


def _fault(error: str) -> str:
    """What probably happened, by what the parser stumbled over."""
    if error.startswith("unexpected end of data"):
        return "it is truncated; "
    if error.startswith("unexpected content after document"):
        return "it holds several documents, and one List of all kinds is needed; "
    if "not valid UTF-8" in error:
        return "it is not text in UTF-8 or UTF-16; "
    return "YAML is not supported; " if error.startswith("unexpected character") else ""


def _deduplicated(items: list[Any], name: str) -> Mapping[_Key, Obj]:
    """Each object of a kind that is read, in its latest version: merged dumps hold some twice."""
    latest: dict[_Key, Obj] = {}
    for kind, obj in _read(items, name):
        meta = obj["metadata"]
        key = kind.resource, str(meta.get("namespace") or ""), meta["name"]
        if key not in latest or _version(obj) >= _version(latest[key]):
            latest[key] = obj
    return latest


def _read(items: list[Any], name: str) -> Iterator[tuple[Kind, Obj]]:
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        if str(item.get("kind")).endswith("List") and isinstance(item.get("items"), list):
            where = f"{name}: items[{index}] is itself a List; one List of all objects is needed"
            raise BadInput(f"{where}: join them with jq '.items |= map(.items[]? // .)', or {MAKE}")
        if kind := kind_of(item):
            yield kind, _checked(item, kind, f"{name}: items[{index}]")


def _checked(item: Obj, kind: Kind, where: str) -> Obj:
    """What every object of a kind that is read must have."""
    meta, wanted = item.get("metadata"), ("name", "uid") if kind.identified else ("name",)
    if not isinstance(meta, dict) or not all(isinstance(meta.get(key), str) and meta[key] for key in wanted):
        fields = " and ".join(f"metadata.{key}" for key in wanted)
        raise BadInput(f"{where} is a {kind.kind} without {fields}; {MAKE}")
    if not isinstance(meta.get("namespace") or "", str):
        raise BadInput(f"{where} is a {kind.kind} whose metadata.namespace is no text; {MAKE}")
    return item


def _version(obj: Obj) -> int:
    """In fact it is a number that grows; where it is none, the object that comes later in the dump counts."""
    version = str(obj["metadata"].get("resourceVersion") or "")
    return int(version) if version.isdecimal() else 0
