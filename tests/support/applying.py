"""The simulated API server with what Helm needs besides: an installation's kinds, server-side apply, and no OpenAPI.

https://kubernetes.io/docs/reference/using-api/server-side-apply/: fields that a manager applied before and does not any
more are removed; what it never applied is left alone. Conflicts of managers are not played, and lists are one field.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import yaml
from aiohttp import web

from simulator.api.api import Api
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.http import json_bodies
from simulator.http.handler import Handler, Who
from simulator.http.paths import Target
from simulator.http.watch import Bell
from simulator.store.resources import SERVED, Resource

Path = tuple[str, ...]


def _kind(group: str, plural: str, kind: str, *, namespaced: bool = True) -> Resource:
    return Resource(group, "v1", plural, kind.lower(), kind, namespaced=namespaced)


_RBAC = "rbac.authorization.k8s.io"
INSTALLED = (
    *SERVED,
    _kind("", "services", "Service"),
    _kind("", "serviceaccounts", "ServiceAccount"),
    _kind("apps", "deployments", "Deployment"),
    _kind("apps", "statefulsets", "StatefulSet"),
    _kind("policy", "poddisruptionbudgets", "PodDisruptionBudget"),
    _kind("networking.k8s.io", "networkpolicies", "NetworkPolicy"),
    _kind("scheduling.k8s.io", "priorityclasses", "PriorityClass", namespaced=False),
    _kind(_RBAC, "roles", "Role"),
    _kind(_RBAC, "rolebindings", "RoleBinding"),
    _kind(_RBAC, "clusterroles", "ClusterRole", namespaced=False),
    _kind(_RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
)


class ApplyingHandler(Handler):
    """Applies; remembers by object which fields were applied last."""

    def __init__(self, api: Api, bell: Bell, bookmark_interval: float) -> None:
        super().__init__(api, bell, bookmark_interval)
        self._applied: dict[Target, set[Path]] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """An OpenAPI document that describes nothing is an empty message: what is not described is not checked."""
        if request.path == "/openapi/v2":
            return web.Response(body=b"", content_type="application/octet-stream")
        return await super().handle(request)

    async def _patch(self, request: web.Request, what: Target, who: Who) -> web.StreamResponse:
        if request.content_type != "application/apply-patch+yaml":
            return await super()._patch(request, what, who)
        wanted = yaml.safe_load(await request.read())
        asked = Request(who.user, "get", what.kind.plural, what.namespace, what.name)
        gone = self._applied.get(what, set()) - set(_fields(wanted))
        self._applied[what] = set(_fields(wanted))
        try:
            old = self._api.get(asked)
        except ApiError:
            asked = Request(who.user, "create", what.kind.plural, what.namespace, what.name)
            return json_bodies.answer(self._api.create(asked, wanted), 201)
        asked = Request(who.user, "update", what.kind.plural, what.namespace, what.name)
        return json_bodies.answer(self._api.update(asked, merged(old, wanted, gone)))


def merged(old: Obj, wanted: Obj, gone: set[Path]) -> Obj:
    """What becomes of an object."""
    new = deepcopy(dict(old))
    for path in gone:
        _remove(new, path)
    _put(new, wanted)
    return new


def _fields(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _fields(inner, (*path, name))
    else:
        yield path


def _remove(value: Any, path: Path) -> None:
    for name in path[:-1]:
        value = value.get(name) or {}
    value.pop(path[-1], None)


def _put(old: dict[str, Any], new: Mapping[str, Any]) -> None:
    for name, value in new.items():
        if isinstance(value, Mapping) and isinstance(old.get(name), dict):
            _put(old[name], value)
        else:
            old[name] = deepcopy(value)
