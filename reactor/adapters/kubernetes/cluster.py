"""The API server, through the official client's configuration and connections, as raw JSON.

Raw, because typed models cost five times the time and twelve times the memory; with a time-out on every call, because
the library has none by default; with our own watch, because the library's replays events and stumbles over 410.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import orjson
from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import SSLError
from yaml import YAMLError

from reactor.adapters.kubernetes.responses import kubernetes_object, lines, refusal, understood, watch_event
from reactor.model import errors
from reactor.model.names import named
from reactor.model.objects import JsonObject
from reactor.model.times import Clock, http_date

# Where each kind lives; exactly those that are used, besides what a setting names as "group/version/plural".
_GROUPS = {
    "api/v1": ("configmaps", "events", "namespaces", "nodes", "pods", "persistentvolumeclaims", "persistentvolumes"),
    "apis/apps/v1": ("controllerrevisions",),
    "apis/coordination.k8s.io/v1": ("leases",),
    "apis/csiaddons.openshift.io/v1alpha1": ("csiaddonsnodes", "networkfenceclasses", "networkfences"),
    "apis/hwameistor.io/v1alpha1": ("localvolumes", "localvolumereplicas"),
    "apis/storage.k8s.io/v1": ("csidrivers", "storageclasses", "volumeattachments"),
    "apis/kubevirt.io/v1": (
        "kubevirts",
        "virtualmachines",
        "virtualmachineinstances",
        "virtualmachineinstancereplicasets",
    ),
}
# KubeVirt's own answer to what an instance type and a preference make of a VM; asked for by the VM's name.
EXPAND_SPEC = "virtualmachines/expand-spec"
_SUBRESOURCES = {EXPAND_SPEC: "apis/subresources.kubevirt.io/v1"}
_REVIEWS = "apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_PREFIX = {resource: prefix for prefix, resources in _GROUPS.items() for resource in resources}
PAGE = 500
_TYPES = {"patch": "application/merge-patch+json"}
# Kubernetes' verbs, as RBAC and audit logs name them, in HTTP.
_METHODS = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "patch": "PATCH", "delete": "DELETE"}

Count = Callable[[str, str], None]  # called with verb and code of each request; the code is "none" without an answer
NO_ANSWER = "none"


def _uncounted(_verb: str, _code: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list's items; `version` is the list's resourceVersion, from which a watch can go on."""

    items: list[JsonObject]
    version: str


class Cluster(Protocol):
    """By plural resource name. Every method raises the ClusterErrors of `reactor.model.errors`.

    What is no name is asked of nobody: InvalidName, for an object and for a namespace that is not "".
    """

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """One live object, or None when there is none of that name."""

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Iterator[Page]:
        """A list, page by page; the next page is asked for only when it is wanted."""

    def watch(self, resource: str, version: str, silence: float) -> Iterator[tuple[str, JsonObject]]:
        """What changes after `version`: (ADDED | MODIFIED | DELETED | BOOKMARK, object).

        Ends when the server ends it. Raises Expired when `version` is too old, and ClusterUnreachable after `silence`
        seconds without a word.
        """

    def delete(  # noqa: PLR0913 - what it destroys, and the preconditions, each by its name
        self, resource: str, name: str, namespace: str = "", *, uid: str, grace: int | None = None, version: str = ""
    ) -> None:
        """Delete the object of this name *and uid*; Conflict, and nothing happens, if it is another one.

        With a `version`, its resourceVersion as it was read, also if anybody has changed it since.
        """

    def time(self) -> float | None:
        """The API server's clock at its last answer, in whole seconds since the epoch; None if it told none."""


class ConfigMapWriter(Protocol):
    """Where people's wishes are written down; raises as the Cluster does."""

    def note(self, name: str, namespace: str, data: Mapping[str, str | None]) -> None:
        """Set these keys of a ConfigMap, or remove those that are None. It is made if there is none."""

    def rehearse(self, name: str, namespace: str) -> None:
        """As `note` without any key, but nothing is changed or made: it raises what `note` would raise."""


class Writer(Protocol):
    """What fencing changes; raises as the Cluster does."""

    def create(self, resource: str, obj: JsonObject, namespace: str = "") -> None:
        """Create it; Conflict, and nothing happens, if there is one of that name."""

    def change(self, resource: str, read: JsonObject, patch: JsonObject) -> None:
        """Merge this (RFC 7396) into an object as it was `read`.

        Conflict, and nothing happens, if it was changed since or is another one by now.
        """


class EventWriter(Protocol):
    """Where Kubernetes Events are told; raises as the Cluster does."""

    def announce(self, event: JsonObject) -> None:
        """Create this core/v1 Event; one of its name is counted up instead, and says what this one says."""


class Survey(Protocol):
    """What the API server says of itself and of us; raises as the Cluster does. By plural resource name."""

    def serves(self, resource: str) -> bool:
        """Is this kind installed? Whoever is known to the API server may ask."""

    def may(self, verb: str, resource: str, namespace: str = "", name: str = "") -> bool:
        """Are we allowed to? Without a namespace: in all of them; without a name: of all objects."""


def connect(
    kubeconfig: str,
    timeout: float,
    before_call: Callable[[], None] = lambda: None,
    counted: Count = _uncounted,
) -> "KubernetesCluster":
    """The cluster of this kubeconfig file, or the one this pod runs in. Never silently `~/.kube/config`.

    Raises SettingsError when there is neither. Nothing is asked of the API server yet.
    """
    return KubernetesCluster(lambda: _client(kubeconfig), timeout, before_call, counted)


def _client(kubeconfig: str) -> ApiClient:
    configuration = Configuration()
    try:
        if kubeconfig:
            config.load_kube_config(kubeconfig, client_configuration=configuration)
        else:
            config.load_incluster_config(client_configuration=configuration)
    except (config.ConfigException, OSError, YAMLError, AttributeError, TypeError, ValueError) as error:
        # The last three are the library's stumbling over a file that is YAML, or text, but no kubeconfig.
        what = f"KUBECONFIG={kubeconfig}" if kubeconfig else "no cluster: KUBECONFIG is not set, and this is no pod"
        raise errors.SettingsError(f"{what}: {error}") from error
    return ApiClient(configuration)


def uid(cluster: Cluster) -> str:
    """The cluster's own identity: the uid of its namespace kube-system, as is the custom."""
    found = cluster.find("namespaces", "kube-system")
    if found is None:
        raise errors.Rejected("namespace kube-system is missing: is this a Kubernetes cluster?")
    return str(found["metadata"]["uid"])


def served_clock(cluster: Cluster) -> Clock:
    """The API server's clock at its last answer, for what stands in the cluster. Raises Rejected if it told none."""

    def read() -> float:
        now = cluster.time()
        if now is None:
            raise errors.Rejected("the API server's answers bear no date")
        return now

    return read


class KubernetesCluster:
    """The Cluster over HTTP. `timeout` in seconds, for one call; `before_call` runs before each (heartbeats).

    `counted` is told verb and code of each request that was sent.

    `load` makes a client from the credentials as they are now. It is asked again when the API server knows the old ones
    no more: tokens expire and certificates are rotated while we run.
    """

    def __init__(
        self,
        load: Callable[[], ApiClient],
        timeout: float,
        before_call: Callable[[], None] = lambda: None,
        counted: Count = _uncounted,
    ) -> None:
        self._load, self._timeout, self._before_call, self._counted = load, timeout, before_call, counted
        self._api = load()
        self._time: float | None = None

    @property
    def host(self) -> str:
        """Which API server this is."""
        return str(self._api.configuration.host)

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        try:
            return self._json("get", _object_path(resource, namespace, name))
        except errors.NotFound:
            return None

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Iterator[Page]:
        query = {"limit": str(limit), "labelSelector": labels, "fieldSelector": fields}
        while True:
            body = self._json("list", _path(resource, namespace), query)
            meta = body.get("metadata", {})
            yield Page(body.get("items") or [], meta.get("resourceVersion", ""))
            if not meta.get("continue"):
                return
            query["continue"] = meta["continue"]

    def watch(self, resource: str, version: str, silence: float) -> Iterator[tuple[str, JsonObject]]:
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        timeout = Timeout(connect=self._timeout, read=silence)
        with understood():
            response = self._send("watch", _path(resource), query, timeout=timeout, stream=True)
            try:
                for line in lines(response):
                    yield watch_event(line)
            finally:
                response.close()

    def delete(  # noqa: PLR0913 - what it destroys, and the preconditions, each by its name
        self, resource: str, name: str, namespace: str = "", *, uid: str, grace: int | None = None, version: str = ""
    ) -> None:
        conditions = {"uid": uid, **({"resourceVersion": version} if version else {})}
        options: JsonObject = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": conditions}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        self._json("delete", _object_path(resource, namespace, name), body=options)

    def time(self) -> float | None:
        return self._time

    def create(self, resource: str, obj: JsonObject, namespace: str = "") -> None:
        self._json("create", _path(resource, namespace), body=obj)

    def change(self, resource: str, read: JsonObject, patch: JsonObject) -> None:
        meta = read["metadata"]
        path = _object_path(resource, meta.get("namespace", ""), meta["name"])
        self._json("patch", path, body=preconditioned(patch, read))

    def note(self, name: str, namespace: str, data: Mapping[str, str | None]) -> None:
        self._note(name, namespace, data, {})

    def rehearse(self, name: str, namespace: str) -> None:
        self._note(name, namespace, {}, {"dryRun": "All"})

    def _note(self, name: str, namespace: str, data: Mapping[str, str | None], query: Mapping[str, str]) -> None:
        place = _path("configmaps", namespace)
        try:
            self._json("patch", _object_path("configmaps", namespace, name), query, body={"data": dict(data)})
        except errors.NotFound:
            made = {key: value for key, value in data.items() if value is not None}
            config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": made}
            self._json("create", place, query, body=config_map)

    def announce(self, event: JsonObject) -> None:
        name, namespace = event["metadata"]["name"], event["metadata"]["namespace"]
        try:
            self._json("create", _path("events", namespace), body=event)
        except errors.Conflict:
            if known := self.find("events", name, namespace):
                self._json("patch", _object_path("events", namespace, name), body=counted_up(known, event))

    def serves(self, resource: str) -> bool:
        try:
            # A list of resources has no metadata.
            listed = self._json("list", _prefix(resource), part="resources")
        except errors.NotServed:
            return False
        return plural(resource) in [one.get("name") for one in listed["resources"]]

    def may(self, verb: str, resource: str, namespace: str = "", name: str = "") -> bool:
        _, group, _ = f"/{_prefix(resource)}".rsplit("/", 2)
        kind, _, part = plural(resource).partition("/")
        asked = {"verb": verb, "group": "" if group == "api" else group, "resource": kind}
        found = {"namespace": namespace, "name": name, "subresource": part}
        where = {key: value for key, value in found.items() if value}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked | where},
        }
        return self._json("create", _REVIEWS, body=review, part="status")["status"].get("allowed") is True

    def _json(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        part: str = "metadata",
    ) -> JsonObject:
        with understood():
            response = self._send(verb, path, query or {}, body=body, timeout=Timeout(self._timeout))
            return kubernetes_object(response.data, part)

    def _send(self, verb: str, path: str, query: Mapping[str, str], **more: Any) -> BaseHTTPResponse:
        wanted = urlencode({key: value for key, value in query.items() if value})
        where = f"{path}?{wanted}" if wanted else path
        response = self._request(verb, where, **more)
        # Refused before anything was done, so that asking again with new credentials does nothing twice.
        if response.status == HTTPStatus.UNAUTHORIZED and self._renewed():
            response = self._request(verb, where, **more)
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise refusal(_METHODS[verb], path, response)
        return response

    def _request(
        self, verb: str, where: str, *, timeout: Timeout, body: JsonObject | None = None, stream: bool = False
    ) -> BaseHTTPResponse:
        self._before_call()
        configuration = self._api.configuration
        headers = {"Accept": "application/json", "User-Agent": "vm-drift"}
        # Asked for anew at every call: the client reloads a ServiceAccount's token about once a minute.
        if token := configuration.get_api_key_with_prefix("BearerToken", alias="authorization"):
            headers["Authorization"] = token
        code = NO_ANSWER
        try:
            response: BaseHTTPResponse = self._api.rest_client.pool_manager.request(
                _METHODS[verb],
                f"{configuration.host}/{where}",
                headers=headers | ({"Content-Type": _TYPES.get(verb, "application/json")} if body else {}),
                body=orjson.dumps(body) if body else None,
                timeout=timeout,
                retries=False,
                preload_content=not stream,
            )
            code = str(response.status)
        except SSLError:
            self._renewed()  # for the next call: what became of this one is not known
            raise
        finally:
            self._counted(verb, code)
        self._time = http_date(response.headers.get("Date", ""))
        return response

    def _renewed(self) -> bool:
        """Read the credentials anew; False while they cannot be read."""
        try:
            fresh = self._load()
        except errors.SettingsError:
            return False
        self._api.rest_client.pool_manager.clear()
        self._api = fresh
        return True


def counted_up(known: JsonObject, event: JsonObject) -> JsonObject:
    """What changes of an Event when it is told again."""
    return {**{field: event[field] for field in ("message", "lastTimestamp")}, "count": known.get("count", 0) + 1}


def preconditioned(patch: JsonObject, read: JsonObject) -> JsonObject:
    """The API server answers Conflict to a patch that says another uid or resourceVersion than the object's."""
    known = {name: read["metadata"][name] for name in ("uid", "resourceVersion")}
    return {**patch, "metadata": {**patch.get("metadata", {}), **known}}


def plural(resource: str) -> str:
    """As RBAC names it: of "group/version/plural" the last word, which is all that is said of kinds known here."""
    return resource if resource in _SUBRESOURCES else resource.rpartition("/")[2]


def _prefix(resource: str) -> str:
    if resource in _SUBRESOURCES:
        return _SUBRESOURCES[resource]
    version, _, known = resource.rpartition("/")
    return f"apis/{version}" if version else _PREFIX[known]


def _path(resource: str, namespace: str = "", name: str = "") -> str:
    """Of an object, or of the list of its kind where no name is given."""
    place = ["namespaces", quote(named(namespace), safe="")] if namespace else []
    own = [quote(named(name), safe="")] if name else []
    kind, *part = plural(resource).split("/")
    return "/".join([_prefix(resource), *place, kind, *own, *part])


def _object_path(resource: str, namespace: str, name: str) -> str:
    """Of an object, and never of a list."""
    return _path(resource, namespace, named(name))
