"""`simulator.client.Client` over HTTP: the actors against a real control plane.

A real API server treats some writes by who writes them (KubeVirt drops a VMI status that is not KubeVirt's), so a
client may impersonate a user; that needs the right to.
"""

import builtins
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from kubernetes.client import ApiClient
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from simulator.client import ApiError, Informer, Obj
from simulator.objects import Key, key_of
from simulator.resources import SERVED, Resource

_KINDS = {kind.plural: kind for kind in SERVED}
_REFUSED = 300  # HTTP codes from here on are no success
_TIMEOUT = 10.0  # seconds, for one call
_SILENCE = 90.0  # seconds without a word after which a watch begins anew
_PAUSE = 1.0  # seconds between two tries of a watch


class HttpClient:
    """One user's access to an API server. `impersonate`: a user name, "" for the credentials' own user."""

    def __init__(self, api: ApiClient, impersonate: str = "") -> None:
        self._api, self._user = api, impersonate

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
        return HttpInformer(self, resource, namespace)

    def listed(self, resource: str, namespace: str) -> tuple[builtins.list[Obj], str]:
        """A list and its resourceVersion."""
        body = self._json("GET", path(resource, namespace))
        return self._items(resource, body), body["metadata"]["resourceVersion"]

    def stream(self, resource: str, namespace: str, version: str) -> Any:
        """An open watch from a version on, as a response of urllib3; close it."""
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        timeout = Timeout(connect=_TIMEOUT, read=_SILENCE)
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
        response = self._send(method, where, query=query or {}, body=body, kind=kind, timeout=Timeout(_TIMEOUT))
        found: Obj = orjson.loads(response.data)
        return found

    def _send(self, method: str, where: str, *, query: Mapping[str, str], timeout: Timeout, **more: Any) -> Any:
        configuration = self._api.configuration
        headers = {"Accept": "application/json", "Content-Type": more.get("kind", "application/json")}
        if token := configuration.get_api_key_with_prefix("BearerToken", alias="authorization"):
            headers["Authorization"] = token
        if self._user:
            headers["Impersonate-User"] = self._user
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


class HttpInformer:
    """A list kept up to date by a watch in a thread of its own."""

    def __init__(self, client: HttpClient, resource: str, namespace: str) -> None:
        self._client, self._resource, self._namespace = client, resource, namespace
        self._objects: dict[Key, Obj] = {}
        self._news: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._listed = False
        threading.Thread(target=self._follow, name=f"watch-{resource}", daemon=True).start()

    @property
    def objects(self) -> Mapping[Key, Obj]:
        return self._objects

    def poll(self) -> list[tuple[str, Obj]]:
        """Waits only for the very first list."""
        changes: list[tuple[str, Obj]] = []
        while True:
            try:
                kind, what = self._news.get_nowait() if self._listed else self._news.get(timeout=_TIMEOUT)
            except queue.Empty:
                return changes
            self._listed = True
            changes += self._relisted(what) if kind == "LISTED" else [self._changed(kind, what)]

    def _relisted(self, present: list[Obj]) -> list[tuple[str, Obj]]:
        by_key = {key_of(obj): obj for obj in present}
        gone = [("DELETED", obj) for key, obj in self._objects.items() if key not in by_key]
        there = [("MODIFIED" if key in self._objects else "ADDED", obj) for key, obj in by_key.items()]
        self._objects = by_key
        return gone + there

    def _changed(self, kind: str, obj: Obj) -> tuple[str, Obj]:
        if kind == "DELETED":
            self._objects.pop(key_of(obj), None)
        else:
            self._objects[key_of(obj)] = obj
        return kind, obj

    def _follow(self) -> None:
        version = ""
        while True:
            try:
                if not version:
                    items, version = self._client.listed(self._resource, self._namespace)
                    self._news.put(("LISTED", items))
                version = self._watch(version)
            except (ApiError, HTTPError, ValueError):
                version = ""
            time.sleep(_PAUSE)

    def _watch(self, version: str) -> str:
        response = self._client.stream(self._resource, self._namespace, version)
        rest = b""
        try:
            for chunk in response.stream(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        return ""
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        self._news.put((event["type"], event["object"]))
        finally:
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


def _refused(response: Any) -> ApiError:
    try:
        status = orjson.loads(response.data)
    except ValueError:
        status = {}
    reason, message = status.get("reason") or "Unknown", status.get("message") or str(response.reason)
    return ApiError(response.status, reason, message, status.get("details"))
