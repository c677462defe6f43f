"""The documents in which an API server says what it serves: kubectl and the official clients read them first."""

from collections.abc import Iterable

from simulator.client import Obj
from simulator.store.resources import Resource

_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
_STATUS_VERBS = ["get", "patch", "update"]
# The official Python client insists on every one of these fields.
VERSION: Obj = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+simulated",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}


def documents(kinds: Iterable[Resource]) -> dict[str, Obj]:
    """The discovery documents of a server, by their paths."""
    kinds = list(kinds)
    found: dict[str, Obj] = {
        "/version": VERSION,
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": _groups(kinds),
    }
    for kind in kinds:
        where = f"/apis/{kind.api_version}" if kind.group else "/api/v1"
        found.setdefault(where, _list(kind.api_version)).setdefault("resources", []).extend(_resources(kind))
        if kind.group:
            found[f"/apis/{kind.group}"] = {"kind": "APIGroup", "apiVersion": "v1", **_group(kind)}
    return found


def _groups(kinds: Iterable[Resource]) -> Obj:
    groups = {kind.group: _group(kind) for kind in kinds if kind.group}
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(groups.values())}


def _group(kind: Resource) -> Obj:
    version = {"groupVersion": kind.api_version, "version": kind.version}
    return {"name": kind.group, "versions": [version], "preferredVersion": version}


def _list(api_version: str) -> Obj:
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version}


def _resources(kind: Resource) -> list[Obj]:
    common = {"namespaced": kind.namespaced, "kind": kind.kind}
    entries: list[Obj] = [
        {
            "name": kind.plural,
            "singularName": kind.singular,
            **common,
            "verbs": ["create"] if kind.is_question else _VERBS,
            "shortNames": list(kind.short_names),
        }
    ]
    if kind.has_status:
        entries.append({"name": f"{kind.plural}/status", "singularName": "", **common, "verbs": _STATUS_VERBS})
    if kind.plural == "pods":
        binding = {"singularName": "", "namespaced": True, "kind": "Binding", "verbs": ["create"]}
        entries.append({"name": "pods/binding", **binding})
    return entries
