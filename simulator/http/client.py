"""`simulator.client.Client` over HTTP: the actors against a real control plane.

A real API server treats some writes by who writes them (KubeVirt drops a VMI status that is not KubeVirt's), so a
client may impersonate a user; that needs the right to.
"""

import builtins
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from kubernetes.client import ApiClient
from urllib3 import HTTPHeaderDict, Timeout
from urllib3.exceptions import HTTPError

from simulator.api.node_restriction import NODE_HEADER
from simulator.client import ApiError, Informer, Obj, Patch
from simulator.http.informer import HttpInformer, Listener
from simulator.store.resources import SERVED, Resource

_KINDS = {kind.plural: kind for kind in SERVED}
_REFUSED = 300  # HTTP codes from here on are no success
_TIMEOUT = 10.0  # seconds, for one call
_SILENCE = 90.0  # seconds without a word after which a watch begins anew


class HttpClient:
    """One user's access to an API server. Close it, or its informers go on.

    Args:
        api: address and credentials.
        impersonate: a user name, "" for the credentials' own user.
        groups: those that the impersonated user is to be in; none: what the API server gives a ServiceAccount.
        timeout: seconds, for one call and for an informer's first list.
        node: the one that the impersonated user's token is to be bound to.
        listeners: called, from other threads, whenever an informer has heard of a change; may be added to later.
    """

    def __init__(  # noqa: PLR0913 - each has a name, and a default that is right for most
        self,
        api: ApiClient,
        impersonate: str = "",
        groups: Sequence[str] = (),
        timeout: float = _TIMEOUT,
        listeners: Sequence[Listener] = (),
        *,
        node: str = "",
    ) -> None:
        self._api, self._listeners = api, listeners
        self._as = _impersonating(impersonate, groups, node)
        self.timeout = timeout
        self._informers: builtins.list[HttpInformer] = []

    def get(self, resource: str, name: str, namespace: str = "") -> Obj:
        return self._json("GET", path(resource, namespace, name))

    def list(self, resource: str, namespace: str = "", labels: str = "", fields: str = "") -> builtins.list[Obj]:
        query = {"labelSelector": labels, "fieldSelector": fields}
        return self._items(resource, self._json("GET", path(resource, namespace), query=query))

    def create(self, resource: str, obj: Obj, *, dry: bool = False) -> Obj:
        """`dry`: it is checked and answered as ever, and nothing is made."""
        resource, _, subresource = resource.partition("/")
        meta = obj.get("metadata") or {}
        name = meta.get("name", "") if subresource else ""
        where = path(resource, meta.get("namespace", ""), name, subresource)
        query = {"dryRun": "All"} if dry else {}
        return self._json("POST", where, query=query, body=_typed(resource, obj, subresource))

    def update(self, resource: str, obj: Obj, subresource: str = "") -> Obj:
        meta = obj["metadata"]
        where = path(resource, meta.get("namespace", ""), meta["name"], subresource)
        return self._json("PUT", where, body=_typed(resource, obj))

    def patch(self, resource: str, name: str, patch: Patch, namespace: str = "", subresource: str = "") -> Obj:
        where = path(resource, namespace, name, subresource)
        style = "json-patch" if isinstance(patch, list) else "merge-patch"
        return self._json("PATCH", where, body=patch, kind=f"application/{style}+json")

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

    def version(self) -> str:
        """Of the API server, as it says: "v1.36.2"; a simulated one says so."""
        return str(self._json("GET", "/version")["gitVersion"])

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
        headers = self._as.copy()
        headers.update({"Accept": "application/json", "Content-Type": kind})
        if token := self._api.configuration.get_api_key_with_prefix("BearerToken", alias="authorization"):
            headers["Authorization"] = token
        return headers


def _impersonating(user: str, groups: Sequence[str], node: str) -> HTTPHeaderDict:
    """https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/."""
    headers = HTTPHeaderDict({"Impersonate-User": user} if user else {})
    for group in groups:
        headers.add("Impersonate-Group", group)
    if node:
        headers[NODE_HEADER] = node
    return headers


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
