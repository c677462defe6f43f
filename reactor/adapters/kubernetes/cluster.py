"""The API server, through the official client's configuration and connections, as raw JSON.

Raw, because typed models cost five times the time and twelve times the memory; with a time-out on every call, because
the library has none by default; with our own watch, because the library's replays events and stumbles over 410.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import SSLError
from yaml import YAMLError

from reactor.adapters.kubernetes.interface import (
    ALL,
    PAGE,
    STREAMED,
    Cluster,
    ConfigMapWriter,
    EventWriter,
    Page,
    Scope,
    Survey,
    Watchable,
    Writer,
)
from reactor.adapters.kubernetes.paths import EXPAND_SPEC, api_prefix, list_path, object_path, plural
from reactor.adapters.kubernetes.responses import (
    kubernetes_object,
    refusal,
    streamed_list,
    understood,
    watch_events,
)
from reactor.model import errors
from reactor.model.objects import JsonObject
from reactor.model.times import Clock, http_date

__all__ = [
    "ALL",
    "EXPAND_SPEC",
    "PAGE",
    "STREAMED",
    "Cluster",
    "ConfigMapWriter",
    "Count",
    "EventWriter",
    "KubernetesCluster",
    "Page",
    "Scope",
    "Survey",
    "Watchable",
    "Writer",
    "api_prefix",
    "connect",
    "counted_up",
    "plural",
    "preconditioned",
    "served_clock",
    "uid",
]

_REVIEWS = "apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_VERSION = "version"
_TYPES = {"patch": "application/merge-patch+json"}
# Only apiVersion, kind and metadata of each object (Kubernetes, "API concepts": metadata-only fetches).
_METADATA = ";as={kind};g=meta.k8s.io;v=v1"
# Kubernetes' verbs, as RBAC and audit logs name them, in HTTP.
_METHODS = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "patch": "PATCH", "delete": "DELETE"}

Count = Callable[[str, str], None]  # called with verb and code of each request; the code is "none" without a response
NO_ANSWER = "none"
_PAGES_FOR = 600.0  # seconds until a list is streamed again after that failed
_STREAM_SECONDS = "30"  # after which the API server ends a streamed list that has not come to its end
_T = TypeVar("_T")
_TOKEN_FRESH = 1.0  # seconds; the client takes a third of a millisecond to see whether there is a newer one


def _uncounted(_verb: str, _code: str) -> None:
    """Counts nothing."""


def connect(
    kubeconfig: str,
    timeout: float,
    before_call: Callable[[], None] = lambda: None,
    counted: Count = _uncounted,
    *,
    context: str = "",
) -> "KubernetesCluster":
    """The cluster of this kubeconfig file, or the one this pod runs in. Never silently `~/.kube/config`.

    `context`: one of the file's, "" for its current one. Raises SettingsError when there is neither. No request is
    sent yet.
    """
    return KubernetesCluster(lambda: _client(kubeconfig, context), timeout, before_call, counted)


def _client(kubeconfig: str, context: str) -> ApiClient:
    configuration = Configuration()
    if context and not kubeconfig:
        raise errors.SettingsError(f"context {context}: KUBECONFIG is not set; ~/.kube/config is never used silently")
    try:
        if kubeconfig:
            config.load_kube_config(kubeconfig, context or None, client_configuration=configuration)
        else:
            config.load_incluster_config(client_configuration=configuration)
    except (config.ConfigException, OSError, YAMLError, AttributeError, TypeError, ValueError) as error:
        # The last three are what the library raises for a file that is YAML, or text, but no kubeconfig.
        what = (
            f"KUBECONFIG={kubeconfig}{f', context {context}' if context else ''}"
            if kubeconfig
            else "no cluster: KUBECONFIG is not set, and this does not run in a pod"
        )
        raise errors.SettingsError(f"{what}: {error}") from error
    return ApiClient(configuration)


def uid(cluster: Cluster) -> str:
    """The cluster's own identity: the uid of its namespace kube-system, as is the custom."""
    namespace = cluster.find("namespaces", "kube-system")
    if namespace is None:
        raise errors.Rejected("namespace kube-system is missing: is this a Kubernetes cluster?")
    return str(namespace["metadata"]["uid"])


def served_clock(cluster: Cluster) -> Clock:
    """The API server's clock at its last response, for times stored in the cluster. Raises Rejected if it sent none."""

    def read() -> float:
        now = cluster.time()
        if now is None:
            raise errors.Rejected("the API server's responses have no Date header")
        return now

    return read


def _selectors(scope: Scope) -> dict[str, str]:
    return {"labelSelector": scope.labels, "fieldSelector": scope.fields}


def _delete_options(uid: str, version: str, grace: int | None) -> JsonObject:
    conditions = {"uid": uid, **({"resourceVersion": version} if version else {})}
    options: JsonObject = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": conditions}
    return options if grace is None else {**options, "gracePeriodSeconds": grace}


class KubernetesCluster:
    """The Cluster over HTTP. `timeout` in seconds, for one call; `before_call` runs before each (heartbeats).

    `counted` is called with verb and code of each request that was sent. Threads may share it.

    `load` makes a client from the credentials as they are now. It is called again when the API server no longer accepts
    the old ones: tokens expire and certificates are rotated while we run.
    """

    def __init__(
        self,
        load: Callable[[], ApiClient],
        timeout: float,
        before_call: Callable[[], None] = lambda: None,
        counted: Count = _uncounted,
    ) -> None:
        self._load, self._timeout, self._before_call, self._counted = load, timeout, before_call, counted
        self.api = load()
        self._time: float | None = None
        self._token, self._token_until = "", -math.inf
        self._loading = Lock()
        self._pages_until = -math.inf  # by the steady clock: until then no list is streamed

    @property
    def host(self) -> str:
        """Which API server this is."""
        return str(self.api.configuration.host)

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        try:
            return self._json("get", object_path(resource, namespace, name))
        except errors.NotFound:
            return None

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Iterator[Page]:
        return self.scoped(resource, Scope(namespace, labels, fields), limit)

    def scoped(self, resource: str, scope: Scope, limit: int) -> Iterator[Page]:
        if limit == STREAMED and time.monotonic() >= self._pages_until:
            try:
                yield from self._streamed(resource, scope)
            except errors.ClusterError as error:
                # It does not stream lists, we may not watch, or a proxy keeps the stream to itself.
                self._pages_until = time.monotonic() + _PAGES_FOR
                if not isinstance(error, (errors.Rejected, errors.Forbidden)):  # those come before the first page
                    raise
            else:
                return
        query = {"limit": str(limit or PAGE)} | _selectors(scope)
        form = _METADATA.format(kind="PartialObjectMetadataList") if scope.metadata else ""
        while True:
            body = self._json("list", list_path(resource, scope.namespace), query, form=form)
            meta = body.get("metadata", {})
            more = meta.get("continue", "")
            yield Page(body.get("items") or [], meta.get("resourceVersion", ""), more=bool(more))
            if not more:
                return
            query["continue"] = more

    def _streamed(self, resource: str, scope: Scope) -> Iterator[Page]:
        """A consistent list as the beginning of a watch (Kubernetes, "API concepts": streaming lists)."""
        query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "timeoutSeconds": _STREAM_SECONDS}
        for page in self._stream(streamed_list, resource, scope, query, self._timeout):
            yield page
            self._before_call()  # as before each page of another list: all of them may take long

    def watch(
        self, resource: str, version: str, silence: float, scope: Scope = ALL
    ) -> Iterator[tuple[str, JsonObject]]:
        return self._stream(watch_events, resource, scope, {"resourceVersion": version}, silence)

    def _stream(
        self,
        read: Callable[[BaseHTTPResponse], Iterator[_T]],
        resource: str,
        scope: Scope,
        query: Mapping[str, str],
        silence: float,
    ) -> Iterator[_T]:
        query = {"watch": "true", "allowWatchBookmarks": "true", **_selectors(scope), **query}
        timeout = Timeout(connect=self._timeout, read=silence)
        form = _METADATA.format(kind="PartialObjectMetadata") if scope.metadata else ""
        with understood():
            path = list_path(resource, scope.namespace)
            response = self._send("watch", path, query, timeout=timeout, stream=True, form=form)
            try:
                yield from read(response)
            finally:
                response.close()

    def delete(  # noqa: PLR0913 - what it destroys, and the preconditions, each by its name
        self, resource: str, name: str, namespace: str = "", *, uid: str, grace: int | None = None, version: str = ""
    ) -> None:
        self._json("delete", object_path(resource, namespace, name), body=_delete_options(uid, version, grace))

    def rehearse_delete(self, resource: str, read: JsonObject, grace: int | None = None) -> None:
        meta = read["metadata"]
        path = object_path(resource, meta.get("namespace", ""), meta["name"])
        options = {**_delete_options(meta["uid"], meta["resourceVersion"], grace), "dryRun": ["All"]}
        # In the query, too: a proxy that loses the body of a DELETE must not make it a real one.
        self._json("delete", path, {"dryRun": "All"}, body=options)

    def time(self) -> float | None:
        return self._time

    def create(self, resource: str, obj: JsonObject, namespace: str = "") -> None:
        self._json("create", list_path(resource, namespace), body=obj)

    def change(self, resource: str, read: JsonObject, patch: JsonObject) -> None:
        self._change(resource, read, patch, {})

    def rehearse_change(self, resource: str, read: JsonObject, patch: JsonObject) -> None:
        self._change(resource, read, patch, {"dryRun": "All"})

    def _change(self, resource: str, read: JsonObject, patch: JsonObject, query: Mapping[str, str]) -> None:
        meta = read["metadata"]
        path = object_path(resource, meta.get("namespace", ""), meta["name"])
        self._json("patch", path, query, body=preconditioned(patch, read))

    def note(self, name: str, namespace: str, data: Mapping[str, str | None]) -> None:
        self._note(name, namespace, data, {})

    def rehearse(self, name: str, namespace: str) -> None:
        self._note(name, namespace, {}, {"dryRun": "All"})

    def _note(self, name: str, namespace: str, data: Mapping[str, str | None], query: Mapping[str, str]) -> None:
        collection = list_path("configmaps", namespace)
        try:
            self._json("patch", object_path("configmaps", namespace, name), query, body={"data": dict(data)})
        except errors.NotFound:
            initial = {key: value for key, value in data.items() if value is not None}
            config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": initial}
            self._json("create", collection, query, body=config_map)

    def announce(self, event: JsonObject) -> None:
        name, namespace = event["metadata"]["name"], event["metadata"]["namespace"]
        try:
            self._json("create", list_path("events", namespace), body=event)
        except errors.Conflict:
            if existing := self.find("events", name, namespace):
                self._json("patch", object_path("events", namespace, name), body=counted_up(existing, event))

    def serves(self, resource: str) -> bool:
        try:
            # A list of resources has no metadata.
            discovery = self._json("list", api_prefix(resource), part="resources")
        except errors.NotServed:
            return False
        return plural(resource) in [kind.get("name") for kind in discovery["resources"]]

    def version(self) -> str:
        return str(self._json("get", _VERSION, part="gitVersion")["gitVersion"])

    def may(self, verb: str, resource: str, namespace: str = "", name: str = "") -> bool:
        _, group, _ = f"/{api_prefix(resource)}".rsplit("/", 2)
        kind, _, part = plural(resource).partition("/")
        required = {"verb": verb, "group": "" if group == "api" else group, "resource": kind}
        optional = {"namespace": namespace, "name": name, "subresource": part}
        present = {key: value for key, value in optional.items() if value}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": required | present},
        }
        return self._json("create", _REVIEWS, body=review, part="status")["status"].get("allowed") is True

    def _json(  # noqa: PLR0913 - what differs between requests, each by its name
        self,
        verb: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: JsonObject | None = None,
        part: str = "metadata",
        form: str = "",
    ) -> JsonObject:
        with understood():
            response = self._send(verb, path, query or {}, body=body, timeout=Timeout(self._timeout), form=form)
            return kubernetes_object(response.data, part)

    def _send(self, verb: str, path: str, query: Mapping[str, str], **more: Any) -> BaseHTTPResponse:
        encoded = urlencode({key: value for key, value in query.items() if value})
        target = f"{path}?{encoded}" if encoded else path
        used = self.api
        response = self._request(verb, target, **more)
        # Refused before anything was done, so that a second try with new credentials does nothing twice.
        if response.status == HTTPStatus.UNAUTHORIZED and self._reload_credentials(used):
            response = self._request(verb, target, **more)
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise refusal(_METHODS[verb], path, response)
        return response

    def _request(  # noqa: PLR0913 - what differs between requests, each by its name
        self,
        verb: str,
        target: str,
        *,
        timeout: Timeout,
        body: JsonObject | None = None,
        stream: bool = False,
        form: str = "",
    ) -> BaseHTTPResponse:
        self._before_call()
        used = self.api
        headers = {"Accept": f"application/json{form}", "User-Agent": "vm-drift"}
        if token := self._fresh_token():
            headers["Authorization"] = token
        code = NO_ANSWER
        try:
            response: BaseHTTPResponse = used.rest_client.pool_manager.request(
                _METHODS[verb],
                f"{self.host}/{target}",
                headers=headers | ({"Content-Type": _TYPES.get(verb, "application/json")} if body else {}),
                body=orjson.dumps(body) if body else None,
                timeout=timeout,
                retries=False,
                preload_content=not stream,
            )
            code = str(response.status)
        except SSLError:
            self._reload_credentials(used)  # for the next call: whether this one was carried out is not known
            raise
        finally:
            self._counted(verb, code)
        self._time = http_date(response.headers.get("Date", ""))
        return response

    def _fresh_token(self) -> str:
        """Asked for again and again, because the client reloads a ServiceAccount's token about once a minute."""
        if time.monotonic() >= self._token_until:
            self._token = self.api.configuration.get_api_key_with_prefix("BearerToken", alias="authorization") or ""
            self._token_until = time.monotonic() + _TOKEN_FRESH
        return self._token

    def _reload_credentials(self, used: ApiClient) -> bool:
        """Read the credentials again, unless another thread has since these were used; False where that fails."""
        with self._loading:
            if self.api is not used:
                return True
            try:
                client = self._load()
            except errors.SettingsError:
                return False
            self.api, self._token_until = client, -math.inf
        used.rest_client.pool_manager.clear()
        return True


def counted_up(existing: JsonObject, event: JsonObject) -> JsonObject:
    """What changes in an Event when it is reported again."""
    return {**{field: event[field] for field in ("message", "lastTimestamp")}, "count": existing.get("count", 0) + 1}


def preconditioned(patch: JsonObject, read: JsonObject) -> JsonObject:
    """The API server answers Conflict to a patch with another uid or resourceVersion than the object's."""
    identity = {name: read["metadata"][name] for name in ("uid", "resourceVersion")}
    return {**patch, "metadata": {**patch.get("metadata", {}), **identity}}
