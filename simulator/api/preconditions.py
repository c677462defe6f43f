"""Optimistic concurrency: is the stored object still the one that the writer means?"""

from simulator.client import Obj
from simulator.store import errors
from simulator.store.resources import Resource


def for_update(kind: Resource, stored: Obj, meta: Obj) -> None:
    """Compare uid and resourceVersion of the written metadata, where given; ApiError 409 when another."""
    _check_uid(kind, stored, meta.get("uid"))
    version = meta.get("resourceVersion")
    if version and version != stored["metadata"]["resourceVersion"]:
        why = "the object has been modified; please apply your changes to the latest version and try again"
        raise errors.conflict(kind, stored["metadata"]["name"], why)


def for_delete(kind: Resource, stored: Obj, uid: str | None, version: str | None) -> None:
    """Compare a deletion's preconditions, where given; ApiError 409 when one does not hold."""
    _check_uid(kind, stored, uid)
    present = stored["metadata"]["resourceVersion"]
    if version and version != present:
        found = f"ResourceVersion in precondition: {version}, ResourceVersion in object meta: {present}"
        raise errors.conflict(kind, stored["metadata"]["name"], f"Precondition failed: {found}")


def _check_uid(kind: Resource, stored: Obj, uid: str | None) -> None:
    present = stored["metadata"]["uid"]
    if uid and uid != present:
        found = f"UID in precondition: {uid}, UID in object meta: {present}"
        raise errors.conflict(kind, stored["metadata"]["name"], f"Precondition failed: {found}")
