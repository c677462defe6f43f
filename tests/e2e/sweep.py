"""What there is of a run in the cluster, and how all of it goes: level-triggered, so from whatever state.

Everything of a run is found by its name: it bears it, lies in the namespace of that name, is on a node whose name
begins with it, or is an Event about such an object.
"""

import time
from collections.abc import Iterator
from http import HTTPStatus

from simulator.actors.retry import REFUSED_FOR_NOW
from simulator.client import ApiError, Client, Obj

# In the order in which they are best deleted.
KINDS = (
    "virtualmachines",
    "virtualmachineinstances",
    "virtualmachineinstancemigrations",
    "pods",
    "persistentvolumeclaims",
    "persistentvolumes",
    "volumeattachments",
    "csinodes",
    "leases",
    "nodes",
    "storageclasses",
    "events",
    "namespaces",
)
_PAUSE = 0.3  # seconds between two passes
_QUIET = 2  # so many looks in a row must find nothing: controllers that were at it may create something once more


class NotSweptError(Exception):
    """Something is left; the message names it."""


def left(client: Client, run: str) -> list[str]:
    """Everything of the run: "resource namespace/name".

    Without Events about nodes and volumes: controllers write the last ones late, and all of them expire.
    """
    found = _everything(client, run)
    return [_said(kind, obj) for kind, obj in found if kind != "events" or obj["metadata"]["namespace"] == run]


def sweep(client: Client, run: str, patience: float) -> None:
    """Delete everything of the run, finalizers or not; NotSweptError if something is left after `patience` seconds."""
    end, quiet = time.monotonic() + patience, 0
    while quiet < _QUIET:
        found = _pass(client, run)
        quiet = 0 if found else quiet + 1
        if found and time.monotonic() > end:
            raise NotSweptError("; ".join(found))
        time.sleep(_PAUSE)


def _pass(client: Client, run: str) -> list[str]:
    """Delete whatever there is once; what there was, or why that is not known."""
    try:
        found = list(_everything(client, run))
        for kind, obj in found:
            _end(client, kind, obj)
    except ApiError as error:
        if error.code not in REFUSED_FOR_NOW:
            raise
        return [str(error)]
    return [_said(kind, obj) for kind, obj in found]


def _everything(client: Client, run: str) -> Iterator[tuple[str, Obj]]:
    for kind in KINDS:
        yield from ((kind, obj) for obj in client.list(kind) if _is_of(obj, run))


def _is_of(obj: Obj, run: str) -> bool:
    meta, spec = obj["metadata"], obj.get("spec") or {}
    names = (meta["name"], spec.get("nodeName") or "", obj.get("involvedObject", {}).get("name", ""))
    return meta.get("namespace") == run or any(name == run or name.startswith(f"{run}-") for name in names)


def _end(client: Client, kind: str, obj: Obj) -> None:
    """Nobody is asked whether it may go: machines and disks are not there in truth, so there is nothing to lose."""
    meta = obj["metadata"]
    name, namespace = meta["name"], meta.get("namespace", "")
    try:
        client.delete(kind, name, namespace, uid=meta["uid"], grace=0 if kind == "pods" else None)
        if meta.get("finalizers"):
            client.patch(kind, name, {"metadata": {"finalizers": None, "uid": meta["uid"]}}, namespace)
    except ApiError as error:
        if error.code not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
            raise


def _said(kind: str, obj: Obj) -> str:
    meta = obj["metadata"]
    return f"{kind} " + f"{meta.get('namespace', '')}/{meta['name']}".lstrip("/")
