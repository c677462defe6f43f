"""The in-process client of an `Api`: `simulator.client.Client` without a wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.api.watching import StoreInformer
from simulator.audit import Request
from simulator.store.objects import copied

if TYPE_CHECKING:
    import builtins

    from simulator.api.api import Api
    from simulator.client import Informer, Obj, Patch


class StoreClient:
    """One user's access to an API in the same process; objects go in and out as copies.

    As everywhere, a subresource can be named with the resource where a method has no argument for it:
    `create("pods/binding", ...)`.
    """

    def __init__(self, api: Api, user: str, node: str = "") -> None:
        self._api, self._user, self._node = api, user, node

    def get(self, resource: str, name: str, namespace: str = "") -> Obj:
        """One object, or a subresource of it."""
        resource, _, subresource = resource.partition("/")
        return _own(self._api.get(Request(self._user, "get", resource, namespace, name, subresource)))

    def list(self, resource: str, namespace: str = "", labels: str = "", fields: str = "") -> builtins.list[Obj]:
        """The matching objects of a namespace, or of all with `namespace=""`."""
        request = Request(self._user, "list", resource, namespace)
        return [_own(obj) for obj in self._api.list(request, labels, fields).items]

    def create(self, resource: str, obj: Obj) -> Obj:
        """Create; for "pods/binding" the Binding's metadata names the pod and `target.name` the node."""
        resource, _, subresource = resource.partition("/")
        meta = obj.get("metadata") or {}
        request = Request(self._user, "create", resource, meta.get("namespace", ""), meta.get("name", ""), subresource)
        return _own(self._api.create(request, _own(obj)))

    def update(self, resource: str, obj: Obj, subresource: str = "") -> Obj:
        """Replace; 409 Conflict unless metadata.resourceVersion, where given, is the current one."""
        meta = obj["metadata"]
        request = Request(
            self._user, "update", resource, meta.get("namespace", ""), meta["name"], subresource, node=self._node
        )
        return _own(self._api.update(request, _own(obj)))

    def patch(self, resource: str, name: str, patch: Patch, namespace: str = "", subresource: str = "") -> Obj:
        """JSON merge patch; a list is a JSON patch."""
        request = Request(self._user, "patch", resource, namespace, name, subresource, node=self._node)
        style = "json" if isinstance(patch, list) else "merge"
        return _own(self._api.patch(request, copied(patch), style=style))

    def delete(
        self, resource: str, name: str, namespace: str = "", *, uid: str | None = None, grace: int | None = None
    ) -> None:
        """Delete; 409 Conflict if `uid` is given and another; `grace` in seconds, None for the object's own."""
        self._api.delete(Request(self._user, "delete", resource, namespace, name, uid=uid, grace=grace))

    def informer(self, resource: str, namespace: str = "") -> Informer:
        """A new informer, empty until its first `poll`."""
        return StoreInformer(self._api.watch(Request(self._user, "watch", resource, namespace)))


def _own(obj: Obj) -> Obj:
    mine: Obj = copied(obj)
    return mine
