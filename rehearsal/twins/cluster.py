"""`reactor.adapters.kubernetes.cluster.Cluster` on a simulated API in the same process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from reactor.adapters.kubernetes.cluster import ALL, PAGE, STREAMED, Page, Scope, counted_up, plural, preconditioned
from reactor.model import errors
from reactor.model.names import named
from reactor.model.objects import JsonObject
from simulator.api.api import Api
from simulator.api.discovery import VERSION
from simulator.api.watching import Watch
from simulator.audit import Request
from simulator.client import ApiError
from simulator.store.objects import copied, partial_of
from simulator.store.resources import AGGREGATED

_ERRORS: Mapping[int, type[errors.ClusterError]] = {
    401: errors.Unauthorized,
    403: errors.Forbidden,
    409: errors.Conflict,
    410: errors.Expired,
    429: errors.ClusterUnreachable,
}
_SERVER_ERROR = 500
_NOT_FOUND = 404
_REVIEWS = "selfsubjectaccessreviews"


class ApiCluster:
    """The Cluster for one user. `before_call` runs before each call, as at the real door."""

    def __init__(self, api: Api, user: str, before_call: Callable[[], None] = lambda: None) -> None:
        self.api, self._user, self._before_call = api, user, before_call
        self._time: float | None = None

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        try:
            with self._translated():
                found: JsonObject = copied(self.api.get(self._to("get", resource, namespace, named(name))))
        except errors.NotFound:
            return None
        return found

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Iterator[Page]:
        return self.scoped(resource, Scope(namespace, labels, fields), limit)

    def scoped(self, resource: str, scope: Scope, limit: int) -> Iterator[Page]:
        if limit == STREAMED:
            try:
                yield self._streamed(resource, scope)
            except (errors.Rejected, errors.Forbidden):
                limit = PAGE
            else:
                return
        token, taken = "", partial_of if scope.metadata else copied
        while True:
            with self._translated():
                request = self._to("list", resource, scope.namespace)
                listing = self.api.list(request, scope.labels, scope.fields, limit=limit, token=token)
            yield Page([taken(obj) for obj in listing.items], str(listing.version), more=bool(listing.token))
            token = listing.token
            if not token:
                return

    def _streamed(self, resource: str, scope: Scope) -> Page:
        stream, taken = self.stream(resource, "0", scope), partial_of if scope.metadata else copied
        return Page([taken(obj) for _, obj in stream.poll()], str(stream.version))

    def watch(
        self,
        resource: str,
        version: str,
        silence: float,  # noqa: ARG002 - as above
        scope: Scope = ALL,
    ) -> Iterator[tuple[str, JsonObject]]:
        """In virtual time nothing is awaited: what has happened is reported, then the server ends the watch."""
        with self._translated():
            changes = self.stream(resource, version, scope).poll()
        taken = partial_of if scope.metadata else copied
        yield from ((kind, taken(obj)) for kind, obj in changes)

    def stream(self, resource: str, version: str, scope: Scope = ALL) -> Watch:
        """What the simulated watch goes on with, as long as the caller asks it."""
        request = self._to("watch", resource, scope.namespace)
        with self._translated():
            return self.api.watch(request, scope.labels, scope.fields, since=int(version))

    def delete(  # noqa: PLR0913 - what it destroys, and the preconditions, each by its name
        self, resource: str, name: str, namespace: str = "", *, uid: str, grace: int | None = None, version: str = ""
    ) -> None:
        with self._translated():
            request = self._to("delete", resource, namespace, named(name))
            self.api.delete(replace(request, uid=uid, grace=grace), version=version or None)

    def rehearse_delete(self, resource: str, read: JsonObject, grace: int | None = None) -> None:
        meta = read["metadata"]
        with self._translated():
            request = self._to("delete", resource, meta.get("namespace", ""), named(meta["name"]))
            self.api.delete(replace(request, uid=meta["uid"], grace=grace), version=meta["resourceVersion"], dry=True)

    def create(self, resource: str, obj: JsonObject, namespace: str = "") -> None:
        with self._translated():
            self.api.create(self._to("create", resource, namespace), obj)

    def change(self, resource: str, read: JsonObject, patch: JsonObject) -> None:
        meta = read["metadata"]
        with self._translated():
            request = self._to("patch", resource, meta.get("namespace", ""), named(meta["name"]))
            self.api.patch(request, preconditioned(patch, read))

    def rehearse_change(self, resource: str, read: JsonObject, patch: JsonObject) -> None:
        meta = read["metadata"]
        with self._translated():
            request = self._to("patch", resource, meta.get("namespace", ""), named(meta["name"]))
            self.api.patch(request, preconditioned(patch, read), dry=True)

    def note(self, name: str, namespace: str, data: Mapping[str, str | None]) -> None:
        self._note(name, namespace, data, dry=False)

    def rehearse(self, name: str, namespace: str) -> None:
        self._note(name, namespace, {}, dry=True)

    def _note(self, name: str, namespace: str, data: Mapping[str, str | None], *, dry: bool) -> None:
        try:
            with self._translated():
                request = self._to("patch", "configmaps", namespace, named(name))
                self.api.patch(request, {"data": dict(data)}, dry=dry)
        except errors.NotFound:
            made = {key: value for key, value in data.items() if value is not None}
            with self._translated():
                request = self._to("create", "configmaps", namespace)
                self.api.create(request, {"metadata": {"name": name}, "data": made}, dry=dry)

    def announce(self, event: JsonObject) -> None:
        name, namespace = event["metadata"]["name"], event["metadata"]["namespace"]
        try:
            with self._translated():
                self.api.create(self._to("create", "events", namespace), event)
        except errors.Conflict:
            if known := self.find("events", name, namespace):
                with self._translated():
                    self.api.patch(self._to("patch", "events", namespace, named(name)), counted_up(known, event))

    def serves(self, resource: str) -> bool:
        with self._translated():
            return plural(resource) in self.api.store.resources

    def version(self) -> str:
        with self._translated():
            return str(VERSION["gitVersion"])

    def may(self, verb: str, resource: str, namespace: str = "", name: str = "") -> bool:
        name_of, _, part = plural(resource).partition("/")
        kind = self.api.store.resources.get(name_of)
        group = AGGREGATED.get(resource) or (kind.group if kind else "")
        asked = {"verb": verb, "group": group, "resource": name_of, "subresource": part}
        review = {"spec": {"resourceAttributes": {**asked, "namespace": namespace, "name": name}}}
        with self._translated():
            return bool(self.api.create(Request(self._user, "create", _REVIEWS), review)["status"]["allowed"])

    def time(self) -> float | None:
        return self._time

    def _to(self, verb: str, resource: str, namespace: str = "", name: str = "") -> Request:
        """As the door's path: in a namespace whose name is one, if in any."""
        kind, subresource = resource.split("/") if resource in AGGREGATED else (plural(resource), "")
        return Request(self._user, verb, kind, named(namespace) if namespace else "", name, subresource)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        self._before_call()
        self._time = float(int(self.api.store.clock()))  # whatever the answer is
        try:
            yield
        except ApiError as error:
            if error.code == _NOT_FOUND:
                kind = errors.NotFound if error.details else errors.NotServed
                raise kind(str(error)) from error
            unreachable = errors.ClusterUnreachable if error.code >= _SERVER_ERROR else errors.Rejected
            raise _ERRORS.get(error.code, unreachable)(str(error)) from error
