"""What an API client is to an actor: JSON objects in, JSON objects out, by plural resource name.

The same interface stands over the in-process API (`simulator.api`, fast, virtual or real time) and, for a real control
plane, over HTTP. Nothing here decides anything.
"""

from collections.abc import Mapping
from typing import Any, Protocol

Obj = dict[str, Any]
Patch = Obj | list[Obj]


class ApiError(Exception):
    """The API server refused: `code` is the HTTP status, `reason` Kubernetes' word (NotFound, Conflict, Expired...).

    `details` is that of the Status object: which object it is about; None where no object is.
    """

    def __init__(self, code: int, reason: str, message: str, details: Obj | None = None) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason, self.message, self.details = code, reason, message, details


class Informer(Protocol):
    """A list kept up to date by a watch. Objects handed out are shared: read them, never change them."""

    @property
    def objects(self) -> Mapping[tuple[str, str], Obj]:
        """Every object by (namespace, name), as of the last `poll`; namespace is "" for cluster-scoped kinds."""

    def poll(self) -> list[tuple[str, Obj]]:
        """Take in what changed since the last call: (ADDED | MODIFIED | DELETED, object), oldest first."""


class Client(Protocol):
    """One user's access to the API. Every method raises `ApiError`; returned objects are the caller's own copies."""

    def get(self, resource: str, name: str, namespace: str = "") -> Obj:
        """One object."""

    def list(self, resource: str, namespace: str = "", labels: str = "", fields: str = "") -> list[Obj]:
        """The matching objects of a namespace, or of all with `namespace=""`."""

    def create(self, resource: str, obj: Obj) -> Obj:
        """Create; the namespace is read from the object's metadata; `generateName` is honoured."""

    def update(self, resource: str, obj: Obj, subresource: str = "") -> Obj:
        """Replace (PUT); 409 Conflict unless metadata.resourceVersion, where given, is the current one."""

    def patch(self, resource: str, name: str, patch: Patch, namespace: str = "", subresource: str = "") -> Obj:
        """JSON merge patch; a list is a JSON patch, whose operations are carried out all or none."""

    def delete(
        self,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        uid: str | None = None,
        grace: int | None = None,
    ) -> None:
        """Delete; 409 Conflict if `uid` is given and another; `grace` in seconds, None for the object's own."""

    def informer(self, resource: str, namespace: str = "") -> Informer:
        """A new informer, empty until its first `poll` (which reports every existing object as ADDED)."""
