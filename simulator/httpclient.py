"""`simulator.client.Client` over HTTP: the actors against a real control plane.

A real API server treats some writes by who writes them (KubeVirt drops a VMI status that is not KubeVirt's), so a
client may impersonate a user; that needs the right to. Informers follow in threads of their own until `close`;
listeners are told at once when something has changed.
"""

import builtins
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import orjson
from kubernetes.client import ApiClient
from urllib3 import HTTPHeaderDict, Timeout
from urllib3.exceptions import HTTPError

from simulator.actors.retry import REFUSED_FOR_NOW
from simulator.client import ApiError, Informer, Obj
from simulator.objects import Key, key_of
from simulator.resources import SERVED, Resource

Listener = Callable[[str], None]  # is told the plural resource name of what has changed
_KINDS = {kind.plural: kind for kind in SERVED}
_REFUSED = 300  # HTTP codes from here on are no success
_GONE = 410
_TIMEOUT = 10.0  # seconds, for one call
_SILENCE = 90.0  # seconds without a word after which a watch begins anew
_PAUSE = 1.0  # seconds between two tries of a watch


class HttpClient:
    """One user's access to an API server. Close it, or its informers go on.

    Args:
        api: address and credentials.
        impersonate: a user name, "" for the credentials' own user.
        groups: those that the impersonated user is to be in; none: what the API server gives a ServiceAccount.
        timeout: seconds, for one call and for an informer's first list.
        listeners: called, from other threads, whenever an informer has heard of a change; may be added to later.
    """

    def __init__(
        self,
        api: ApiClient,
        impersonate: str = "",
        groups: Sequence[str] = (),
        timeout: float = _TIMEOUT,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._api, self._user, self._groups, self._listeners = api, impersonate, groups, listeners
        self.timeout = timeout
        self._informers: builtins.list[HttpInformer] = []

    def get(self, resource: str, name: str, namespace: str = "") -> Obj:
        return self._json("GET", path(resource, namespace, name))

    def list(self, resource: str, namespace: str = "", labels: str = "", fields: str = "") -> builtins.list[Obj]:
        query = {"labelSelector": labels, "fieldSelector": fields}
        return self._items(resource, self._json("GET", path(resource, namespace), query=query))

    def create(self, resource: str, obj: Obj) -> Obj:
        resource, _, subresource = resource.partition("/")
        meta = obj.get("metadata") or {}
        name = meta.get("name", "") if subresource else ""
        where = path(resource, meta.get("namespace", ""), name, subresource)
        return self._json("POST", where, body=_typed(resource, obj, subresource))

    def update(self, resource: str, obj: Obj, subresource: str = "") -> Obj:
        meta = obj["metadata"]
        where = path(resource, meta.get("namespace", ""), meta["name"], subresource)
        return self._json("PUT", where, body=_typed(resource, obj))

    def patch(self, resource: str, name: str, patch: Obj, namespace: str = "", subresource: str = "") -> Obj:
        where = path(resource, namespace, name, subresource)
        return self._json("PATCH", where, body=patch, kind="application/merge-patch+json")

    def delete(
        self, resource: str, name: str, namespace: str = "", *, uid: str | None = None, grace: int | None = None
    ) -> None:
        options: Obj = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        self._json("DELETE", path(resource, namespace, name), body=options)

    def informer(self, resource: str, namespace: str = "") -> Informer:
        self._informers.append(HttpInformer(self, resource, namespace, self._listeners))
        return self._informers[-1]

    def close(self) -> None:
        """End every informer; returns when their threads have ended."""
        for informer in self._informers:
            informer.close()

    def listed(self, resource: str, namespace: str) -> tuple[builtins.list[Obj], str]:
        """A list and its resourceVersion."""
        body = self._json("GET", path(resource, namespace))
        return self._items(resource, body), body["metadata"]["resourceVersion"]

    def stream(self, resource: str, namespace: str, version: str) -> Any:
        """An open watch from a version on, as a response of urllib3; close it."""
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        timeout = Timeout(connect=self.timeout, read=_SILENCE)
        return self._send("GET", path(resource, namespace), query=query, timeout=timeout, preload=False)

    def _items(self, resource: str, body: Obj) -> builtins.list[Obj]:
        return [_typed(resource, item) for item in body.get("items") or []]

    def _json(
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        kind: str = "application/json",
    ) -> Obj:
        response = self._send(method, where, query=query or {}, body=body, kind=kind, timeout=Timeout(self.timeout))
        found: Obj = orjson.loads(response.data)
        return found

    def _send(self, method: str, where: str, *, query: Mapping[str, str], timeout: Timeout, **more: Any) -> Any:
        configuration = self._api.configuration
        headers = self._headers(more.get("kind", "application/json"))
        wanted = urlencode({key: value for key, value in query.items() if value})
        body = more.get("body")
        try:
            response = self._api.rest_client.pool_manager.request(
                method,
                f"{configuration.host}{where}" + (f"?{wanted}" if wanted else ""),
                headers=headers,
                body=orjson.dumps(body) if body is not None else None,
                timeout=timeout,
                retries=False,
                preload_content=more.get("preload", True),
            )
        except HTTPError as error:
            raise ApiError(503, "ServiceUnavailable", str(error)) from error
        if response.status >= _REFUSED:
            raise _refused(response)
        return response

    def _headers(self, kind: str) -> HTTPHeaderDict:
        """https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/."""
        headers = HTTPHeaderDict({"Accept": "application/json", "Content-Type": kind})
        if token := self._api.configuration.get_api_key_with_prefix("BearerToken", alias="authorization"):
            headers["Authorization"] = token
        if self._user:
            headers["Impersonate-User"] = self._user
            for group in self._groups:
                headers.add("Impersonate-Group", group)
        return headers


class HttpInformer:
    """A list kept up to date by a watch in a thread of its own."""

    def __init__(self, client: HttpClient, resource: str, namespace: str, listeners: Sequence[Listener]) -> None:
        self._client, self._resource, self._namespace = client, resource, namespace
        self._listeners = listeners
        self._objects: dict[Key, Obj] = {}
        self._news: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._listed = False
        self._closed, self._response = threading.Event(), None
        self._thread = threading.Thread(target=self._follow, name=f"watch-{resource}", daemon=True)
        self._thread.start()

    @property
    def objects(self) -> Mapping[Key, Obj]:
        return self._objects

    def poll(self) -> list[tuple[str, Obj]]:
        """Waits only for the very first list: nobody shall take "not heard yet" for "there is none"."""
        changes: list[tuple[str, Obj]] = []
        while True:
            try:
                kind, what = self._news.get_nowait() if self._listed else self._news.get(timeout=self._client.timeout)
            except queue.Empty:
                if self._listed:
                    return changes
                raise ApiError(503, "ServiceUnavailable", f"no list of {self._resource} yet") from None
            if kind == "REFUSED":
                raise what
            self._listed = True
            changes += self._relisted(what) if kind == "LISTED" else [self._changed(kind, what)]

    def close(self) -> None:
        """Follow no more; returns when the thread has ended."""
        self._closed.set()
        response: Any = self._response
        if response is not None:
            with suppress(ValueError, TypeError, RuntimeError, OSError):  # it has ended by itself
                response.shutdown()
        self._thread.join()

    def _relisted(self, present: list[Obj]) -> list[tuple[str, Obj]]:
        """The difference to what was known; what was created anew under its old name had gone before."""
        by_key, known = {key_of(obj): obj for obj in present}, self._objects
        gone = [("DELETED", obj) for key, obj in known.items() if _uid(by_key.get(key)) != _uid(obj)]
        fresh = [("ADDED", obj) for key, obj in by_key.items() if _uid(known.get(key)) != _uid(obj)]
        stayed = [(known[key], obj) for key, obj in by_key.items() if _uid(known.get(key)) == _uid(obj)]
        changed = [("MODIFIED", new) for old, new in stayed if _version(old) != _version(new)]
        self._objects = by_key
        return [*gone, *fresh, *changed]

    def _changed(self, kind: str, obj: Obj) -> tuple[str, Obj]:
        if kind == "DELETED":
            self._objects.pop(key_of(obj), None)
        else:
            self._objects[key_of(obj)] = obj
        return kind, obj

    def _tell(self, kind: str, what: Any) -> None:
        self._news.put((kind, what))
        for listener in self._listeners:
            listener(self._resource)

    def _follow(self) -> None:
        version = ""
        while not self._closed.is_set():
            try:
                if not version:
                    items, version = self._client.listed(self._resource, self._namespace)
                    self._tell("LISTED", items)
                version = self._watch(version)
            except ApiError as error:
                version = ""
                if error.code not in {*REFUSED_FOR_NOW, _GONE}:
                    self._tell("REFUSED", error)
            except (HTTPError, OSError, ValueError):
                version = ""
            self._closed.wait(_PAUSE)

    def _watch(self, version: str) -> str:
        """Hear of changes until the server ends the watch; the version to go on from, "" to list anew."""
        response = self._response = self._client.stream(self._resource, self._namespace, version)
        rest = b""
        try:
            for chunk in response.stream(65536) if not self._closed.is_set() else ():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        return ""
                    version = _version(event["object"])
                    if event["type"] != "BOOKMARK":
                        self._tell(event["type"], event["object"])
        finally:
            self._response = None
            response.close()
        return version


def path(resource: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """The URL path of a kind, an object or a subresource."""
    kind = _KINDS[resource]
    head = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    where = ["namespaces", namespace] if namespace and kind.namespaced else []
    return "/".join([head, *where, resource, *(part for part in (name, subresource) if part)])


def _typed(resource: str, obj: Obj, subresource: str = "") -> Obj:
    """Items of a list bear no kind and apiVersion, and actors write none; a real API server wants them."""
    kind: Resource = _KINDS[resource]
    if subresource == "binding":
        return {"apiVersion": "v1", "kind": "Binding", **obj}
    return {"apiVersion": kind.api_version, "kind": kind.kind, **obj}


def _uid(obj: Obj | None) -> str:
    return str(obj["metadata"]["uid"]) if obj else ""


def _version(obj: Obj) -> str:
    return str(obj["metadata"]["resourceVersion"])


def _refused(response: Any) -> ApiError:
    try:
        status = orjson.loads(response.data)
    except ValueError:
        status = {}
    reason, message = status.get("reason") or "Unknown", status.get("message") or str(response.reason)
    return ApiError(response.status, reason, message, status.get("details"))
