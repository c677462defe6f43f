"""One HTTP request to the API, turned into a call of `Api` and back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import formatdate
from typing import Any, NamedTuple

from aiohttp import web

from simulator.api import discovery
from simulator.api.api import Api
from simulator.api.node_restriction import NODE_HEADER
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.http import json_bodies, tables
from simulator.http.paths import Target, target
from simulator.http.watch import Bell, Stream
from simulator.store import errors
from simulator.store.objects import partial_of
from simulator.store.paging import as_object

_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
_PATCHES: Mapping[str, str] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
# How long a watch lasts when the client does not say; the real one takes 30 to 60 minutes (--min-request-timeout).
_WATCH_SECONDS = 1800.0


class Who(NamedTuple):
    """A request's user; `node`: the one that its token is bound to."""

    user: str
    node: str = ""


_Method = Callable[[web.Request, Target, Who], Awaitable[web.StreamResponse]]


class Handler:
    """The API's HTTP skin; `bookmark_interval` in seconds."""

    def __init__(self, api: Api, bell: Bell, bookmark_interval: float) -> None:
        self._api, self._bell, self._bookmark_interval = api, bell, bookmark_interval
        self._discovery = discovery.documents(api.store.resources.values())
        # By HTTP method and whether the path names an object; deletecollection is not served.
        self._methods: Mapping[tuple[str, bool], _Method] = {
            ("GET", True): self._get,
            ("GET", False): self._list,
            ("POST", True): self._create,
            ("POST", False): self._create,
            ("PUT", True): self._update,
            ("PATCH", True): self._patch,
            ("DELETE", True): self._delete,
        }

    async def stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Give a response, also a watch's head, its `Date` by the API's clock; aiohttp would take the machine's."""
        response.headers["Date"] = formatdate(self._api.store.clock(), usegmt=True)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; every refusal is a Status."""
        if request.path in _HEALTH:
            return web.Response(text="ok")
        try:
            return await self._answer(request)
        except ApiError as error:
            return json_bodies.refusal(error)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        who = self._who(request)
        if document := self._discovery.get(request.path.rstrip("/")):
            return json_bodies.answer(document)
        what = target(request.path, self._api.store.resources.values())
        method = self._methods.get((request.method, bool(what.name)))
        if method is None or (what.kind.is_question and request.method != "POST"):
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        return await method(request, what, who)

    def _who(self, request: web.Request) -> Who:
        """https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/; groups mean nothing here."""
        user = self._api.user_of(request.headers.get("Authorization", "").removeprefix("Bearer ").strip())
        another = request.headers.get("Impersonate-User")
        if another is None:
            return Who(user)
        if not self._api.authorize(user, "impersonate", "users", ""):
            raise errors.may_not_impersonate(user, another)
        return Who(another, request.headers.get(NODE_HEADER, ""))

    async def _get(self, request: web.Request, what: Target, who: Who) -> web.StreamResponse:
        obj = self._api.get(_asked(who, "get", what))
        if what.subresource or not tables.is_table(request, what.kind):
            return json_bodies.answer(obj)
        return json_bodies.answer(self._table(request, what, [obj], _version(obj)))

    async def _list(self, request: web.Request, what: Target, who: Who) -> web.StreamResponse:
        query = request.query
        labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
        if json_bodies.is_true(query, "watch"):
            return await self._watch(request, what, who, (labels, fields))
        self._check_version(json_bodies.number(query, "resourceVersion"))
        limit, token = json_bodies.number(query, "limit") or 0, query.get("continue", "")
        page = self._api.list(_asked(who, "list", what), labels, fields, limit=limit, token=token)
        listing = as_object(what.kind, page)
        if tables.is_table(request, what.kind):
            return json_bodies.answer(self._table(request, what, listing["items"], listing["metadata"]))
        return json_bodies.answer(json_bodies.partial_list(listing) if json_bodies.is_partial(request) else listing)

    def _table(self, request: web.Request, what: Target, objects: Sequence[Obj], meta: Obj) -> Obj:
        now, include = self._api.store.clock(), request.query.get("includeObject", "")
        return tables.table(what.kind, objects, meta, now, include)

    async def _watch(
        self, request: web.Request, what: Target, who: Who, selectors: tuple[str, str]
    ) -> web.StreamResponse:
        query = request.query
        if whole := json_bodies.is_true(query, "sendInitialEvents"):
            _check_streamed(what, query)
        since = json_bodies.number(query, "resourceVersion") or 0
        watch = self._api.watch(_asked(who, "watch", what), *selectors, since=since)
        every = self._bookmark_interval if json_bodies.is_true(query, "allowWatchBookmarks") else None
        seconds = json_bodies.number(query, "timeoutSeconds") or _WATCH_SECONDS
        stream = Stream(what.kind, watch, seconds, every, self._shown(request, what), whole)
        return await stream.run(request, self._bell)

    def _shown(self, request: web.Request, what: Target) -> Callable[[Obj], Obj] | None:
        """How each object of a watch is shown, None for as it is."""
        if tables.is_table(request, what.kind):
            return lambda obj: self._table(
                request, what, [obj], {"resourceVersion": obj["metadata"]["resourceVersion"]}
            )
        return partial_of if json_bodies.is_partial(request) else None

    async def _create(self, request: web.Request, what: Target, who: Who) -> web.StreamResponse:
        obj = await _object(request)
        created = self._api.create(_asked(who, "create", what), obj, dry=_is_dry(request.query))
        if what.subresource == "binding":
            created = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        return json_bodies.answer(created, 201)

    async def _update(self, request: web.Request, what: Target, who: Who) -> web.StreamResponse:
        obj = await _object(request)
        return json_bodies.answer(self._api.update(_asked(who, "update", what), obj, dry=_is_dry(request.query)))

    async def _patch(self, request: web.Request, what: Target, who: Who) -> web.StreamResponse:
        style = _PATCHES.get(request.content_type)
        if style is None or (style == "strategic" and what.kind.custom):
            accepted = ", ".join(kind for kind, name in _PATCHES.items() if name != "strategic" or not what.kind.custom)
            raise ApiError(
                415,
                "UnsupportedMediaType",
                f"the body of the request was in an unknown format - accepted media types include: {accepted}",
            )
        patch, dry = json_bodies.parsed(await request.read()), _is_dry(request.query)
        return json_bodies.answer(self._api.patch(_asked(who, "patch", what), patch, style=style, dry=dry))

    async def _delete(self, request: web.Request, what: Target, who: Who) -> web.StreamResponse:
        # With a body the query is not read.
        options: Mapping[str, Any] = await _object(request) if request.can_read_body else request.query
        preconditions: Obj = options.get("preconditions") or {}
        asked = Request(
            who.user,
            "delete",
            what.kind.plural,
            what.namespace,
            what.name,
            what.subresource,
            uid=preconditions.get("uid"),
            grace=json_bodies.number(options, "gracePeriodSeconds"),
        )
        last = self._api.delete(asked, version=preconditions.get("resourceVersion"), dry=_is_dry(options))
        return json_bodies.answer(json_bodies.deleted(what.kind, last))

    def _check_version(self, version: int | None) -> None:
        current = self._api.store.version
        if version is not None and version > current:
            raise ApiError(504, "Timeout", f"Too large resource version: {version}, current: {current}")


def _check_streamed(what: Target, query: Mapping[str, str]) -> None:
    if query.get("resourceVersionMatch") != "NotOlderThan" or not json_bodies.is_true(query, "allowWatchBookmarks"):
        why = "sendInitialEvents requires resourceVersionMatch=NotOlderThan and allowWatchBookmarks"
        raise errors.invalid(what.kind, "", f"sendInitialEvents: Forbidden: {why}")


def _asked(who: Who, verb: str, what: Target) -> Request:
    return Request(who.user, verb, what.kind.plural, what.namespace, what.name, what.subresource, node=who.node)


def _version(obj: Obj) -> Obj:
    return {"resourceVersion": obj["metadata"]["resourceVersion"]}


async def _object(request: web.Request) -> Obj:
    # A body without a Content-Type counts as JSON; the official Python client sends such ones.
    if request.headers.get("Content-Type") and request.content_type != "application/json":
        raise ApiError(415, "UnsupportedMediaType", f"the server takes application/json, not {request.content_type}")
    obj = json_bodies.parsed(await request.read())
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata") or {}, dict):
        raise errors.bad_request("the body is not a Kubernetes object")
    return obj


def _is_dry(options: Mapping[str, Any]) -> bool:
    asked = options.get("dryRun") or []
    return "All" in ([asked] if isinstance(asked, str) else asked)
