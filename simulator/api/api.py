"""The API server without its wire: users, authorization, faults and the audit in front of the store.

Every request, an actor's in this process or one over HTTP, is a method of `Api`, so that the audit sees them all.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from simulator.api import admission, instance_types, node_restriction, preconditions, strategy
from simulator.api import patch as patches
from simulator.api.client import StoreClient
from simulator.api.review import reviewed
from simulator.api.watching import Watch
from simulator.audit import AuditEntry, Request, entry
from simulator.client import ApiError, Obj, Patch
from simulator.http.paths import as_sent
from simulator.store import errors
from simulator.store.objects import without_nulls
from simulator.store.paging import Listing, as_object
from simulator.store.resources import EXPAND_SPEC, Resource
from simulator.store.selectors import Selection
from simulator.store.store import DeleteOptions, Store

_T = TypeVar("_T", Obj, Listing, Watch)
_KEPT_AUDIT = 200_000
_STYLES: Mapping[str, Callable[[Obj, Patch], Obj]] = {
    "merge": patches.merge,
    "json": patches.json_patch,
    "strategic": patches.strategic,
}


Authorize = Callable[[str, str, str, str], bool]
Fault = Callable[[Request], ApiError | None]
Admit = Callable[[str, Resource, Request, Obj, Obj | None], None]


def allow_all(_user: str, _verb: str, _resource: str, _namespace: str) -> bool:
    """The authorizer of a cluster without RBAC."""
    return True


def admit_all(_operation: str, _kind: Resource, _request: Request, _old: Obj, _new: Obj | None) -> None:
    """The admission of a cluster without policies (simulator.api.policies)."""


class Api:
    """A cluster's API.

    Args:
        store: the objects.
        tokens: bearer token -> user, "" for requests without one; None lets everybody in as system:admin.
        authorize: (user, verb, resource or "resource/subresource", namespace) -> allowed?

    `audit` holds the latest requests. `faults` are asked before a request is carried out, `late_faults` after it took
    effect; each may return the error that the client shall see. `admit` is asked of each UPDATE and DELETE with the
    object as it is and as it would be, and raises what refuses it. `lock` guards the store: hold it to use the store
    directly while other threads use the API.
    """

    def __init__(
        self, store: Store, *, tokens: Mapping[str, str] | None = None, authorize: Authorize = allow_all
    ) -> None:
        self.store = store
        self.tokens = tokens
        self.authorize = authorize
        self.audit: deque[AuditEntry] = deque(maxlen=_KEPT_AUDIT)
        self.faults: list[Fault] = []
        self.late_faults: list[Fault] = []
        self.before_reads: Callable[[str], None] = lambda _: None
        self.admit: Admit = admit_all
        self.lock = threading.RLock()

    def client(self, user: str, node: str = "") -> StoreClient:
        """A user's access from within this process; `node`: the one that its token is bound to."""
        return StoreClient(self, user, node)

    def user_of(self, token: str) -> str:
        """The user that a bearer token stands for; ApiError 401 when unknown."""
        if self.tokens is None:
            return "system:admin"
        if token not in self.tokens:
            raise errors.unauthorized()
        return self.tokens[token]

    def get(self, request: Request) -> Obj:
        """One object, or all of a kind where the name leads to no object; shared: read only."""
        sent = self._sent(request)
        self.before_reads(sent.resource)
        if (sent.resource, sent.subresource) == ("virtualmachines", EXPAND_SPEC):
            return self._carry_out(sent, lambda _: self._expanded(sent))
        _check_subresource(sent.subresource in {"", "status"})
        if sent.verb == "list":
            return as_object(self.store.kind(sent.resource), self.list(sent))
        return self._carry_out(sent, lambda _: self.store.get(sent.resource, sent.name, sent.namespace))

    def list(self, request: Request, labels: str = "", fields: str = "", *, limit: int = 0, token: str = "") -> Listing:
        """The matching objects of a namespace, or of all; shared: read only."""
        selection = Selection(request.resource, request.namespace, labels, fields)
        self.before_reads(request.resource)

        def page(_: Resource) -> Listing:
            if token:
                return self.store.pages.following(token, limit)
            return self.store.pages.first(self.store.list(selection), limit)

        return self._carry_out(replace(request, labels=labels, fields=fields), page)

    def watch(self, request: Request, labels: str = "", fields: str = "", *, since: int = 0) -> Watch:
        """A watch from a resource version on; 0 begins with every existing object as ADDED."""
        selection = Selection(request.resource, request.namespace, labels, fields)
        selected = replace(request, labels=labels, fields=fields)
        return self._carry_out(selected, lambda _: Watch(self.store, self.lock, selection, since))

    def create(self, request: Request, obj: Obj, *, dry: bool = False) -> Obj:
        """Create an object, or with subresource "binding" assign a pod to a node; the API keeps `obj`."""

        def create(kind: Resource) -> Obj:
            if request.subresource == "binding" and kind.plural == "pods":
                return self._bind(kind, request, obj, dry=dry)
            _check_subresource(request.subresource == "")
            if kind.is_question:
                return reviewed(obj, request.user, self.store.resources, self.authorize)
            new = strategy.for_create(kind, request.user, obj)
            if kind.namespaced and request.namespace:
                new["metadata"]["namespace"] = request.namespace
            if kind.plural == "pods" and (space := self.store.find("namespaces", new["metadata"]["namespace"])):
                new = admission.admitted(kind, new, space)
            return self.store.create(kind.plural, new, dry=dry)

        return self._carry_out(request, create)

    def update(self, request: Request, obj: Obj, *, dry: bool = False) -> Obj:
        """Replace an object, or its status; the API keeps `obj`."""
        sent = self._sent(request)
        return self._carry_out(sent, lambda kind: self._replace(kind, sent, lambda _: obj, dry=dry))

    def patch(self, request: Request, patch: Patch, *, style: str = "merge", dry: bool = False) -> Obj:
        """Patch an object, or its status; `style` is "merge", "json" or "strategic"; the API keeps `patch`."""
        apply, sent = _STYLES[style], self._sent(request)

        def change(kind: Resource) -> Obj:
            stays = without_nulls(patch) if style == "merge" and kind.custom else patch
            return self._replace(kind, sent, lambda old: apply(old, stays), dry=dry)

        return self._carry_out(sent, change)

    def delete(self, request: Request, *, version: str | None = None, dry: bool = False) -> Obj:
        """Delete an object, or begin to; its last state. Preconditions: `request.uid` and a resource version."""
        options = DeleteOptions(request.uid, version, request.grace, dry=dry)
        sent = self._sent(replace(request, dry=dry))

        def remove(kind: Resource) -> Obj:
            old = self.store.get(kind.plural, sent.name, sent.namespace)
            preconditions.for_delete(kind, old, options.uid, options.version)
            self.admit("DELETE", kind, sent, old, None)
            return self.store.delete(kind.plural, sent.name, sent.namespace, options)

        return self._carry_out(sent, remove)

    def _sent(self, request: Request) -> Request:
        return as_sent(request, self.store.kind(request.resource), self.store.resources.values())

    def _replace(self, kind: Resource, request: Request, change: Callable[[Obj], Obj], *, dry: bool) -> Obj:
        _check_subresource(request.subresource == "" or (request.subresource == "status" and kind.has_status))
        old = self.store.get(kind.plural, request.name, request.namespace)
        node_restriction.check(kind, request, old)
        new = _named(old, change(old))
        if request.subresource:
            new = strategy.for_status(old, new)
        else:
            new = strategy.for_update(kind, request.user, old, new)
        preconditions.for_update(kind, old, new["metadata"])
        self.admit("UPDATE", kind, request, old, new)
        return self.store.update(kind.plural, new, dry=dry)

    def _expanded(self, request: Request) -> Obj:
        machine = self.store.get(request.resource, request.name, request.namespace)
        try:
            return instance_types.expanded(self.store.get, machine)
        except ApiError as error:
            raise ApiError(500, "InternalError", f"Internal error occurred: {error.message}") from error

    def _bind(self, kind: Resource, request: Request, binding: Obj, *, dry: bool) -> Obj:
        pod = self.store.get(kind.plural, request.name, request.namespace)
        return self.store.update(kind.plural, strategy.bound(kind, pod, binding, self.store.clock()), dry=dry)

    def _carry_out(self, request: Request, action: Callable[[Resource], _T]) -> _T:
        with self.lock:
            code, name = 201 if request.verb == "create" else 200, request.name
            try:
                kind = self._admitted(request)
                result = action(kind)
                name = name or (result["metadata"].get("name", "") if isinstance(result, dict) else "")
                _raise_fault(self.late_faults, request)
            except ApiError as error:
                code = error.code
                raise
            finally:
                self.audit.append(entry(self.store.clock(), request, name, code))
            return result

    def _admitted(self, request: Request) -> Resource:
        kind = self.store.kind(request.resource)
        resource = f"{kind.plural}/{request.subresource}" if request.subresource else kind.plural
        if not self.authorize(request.user, request.verb, resource, request.namespace):
            raise errors.forbidden(request.user, request.verb, kind, request.subresource, request.namespace)
        _raise_fault(self.faults, request)
        if request.name and request.verb != "create" and kind.namespaced != bool(request.namespace):
            raise errors.not_served()
        return kind


def _raise_fault(faults: list[Fault], request: Request) -> None:
    for fault in faults:
        if error := fault(request):
            raise error


def _check_subresource(served: bool) -> None:
    if not served:
        raise errors.not_served()


def _named(old: Obj, new: Obj) -> Obj:
    """The new object under the old one's name; ApiError 400 when it says another."""
    meta = new.get("metadata") or {}
    for part in ("name", "namespace"):
        present = old["metadata"].get(part)
        if meta.get(part) not in (None, "", present):
            message = f"the {part} of the object ({meta[part]}) does not match the {part} on the URL ({present})"
            raise errors.bad_request(message)
        if present is not None and meta.get(part) != present:
            meta = {**meta, part: present}
    return {**new, "metadata": meta}
