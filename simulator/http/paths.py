"""What a URL path of the Kubernetes API means, and where a request leads whose names are no names."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from simulator.audit import Request
from simulator.client import ApiError
from simulator.store import errors
from simulator.store.resources import AGGREGATED, Resource

_DOTS = frozenset({".", ".."})
_TO_A_KIND = {"api": 3, "apis": 4}  # parts of a path: what is shorter is discovery
_WITH_SUBRESOURCE = 3


@dataclass(frozen=True)
class Target:
    """What a path names: a kind, perhaps a namespace, perhaps an object, perhaps a subresource of it ("" for none)."""

    kind: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def target(path: str, kinds: Iterable[Resource]) -> Target:
    """The meaning of "/api/v1/..." or "/apis/<group>/<version>/..." among the kinds served; ApiError 404 if none."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"]:
        group, rest = ["", *parts[1:2]], parts[2:]
    elif parts[:1] == ["apis"]:
        group, rest = parts[1:3], parts[3:]
    else:
        raise errors.not_served()
    namespace = ""
    # "/namespaces/x" is the object x, and so are its subresources; "/namespaces/x/pods" is in it.
    if rest[:1] == ["namespaces"] and len(rest) >= _WITH_SUBRESOURCE and rest[2] not in {"status", "finalize"}:
        namespace, rest = rest[1], rest[2:]
    name, subresource = [*rest[1:], "", ""][:2]
    aggregated = AGGREGATED.get(f"{rest[0]}/{subresource}") if rest else None
    if aggregated:
        group = ["kubevirt.io" if group[0] == aggregated else "", *group[1:]]
    kind = _kind(group, rest, kinds)
    if bool(namespace) > kind.namespaced or (name and bool(namespace) < kind.namespaced):
        raise errors.not_served()
    return Target(kind, namespace, name, subresource)


def as_sent(request: Request, kind: Resource, kinds: Iterable[Resource]) -> Request:
    """A request for one object as it arrives over HTTP: slashes and dots lead elsewhere, an empty name to a list.

    Clients put names into paths as they are, and urllib3 takes dots out (RFC 3986, 5.2.4). ApiError 404 where the path
    means nothing, 405 where it means a list that cannot be written, 502 where the answer would be no object.
    """
    name, namespace = request.name, request.namespace
    if name and "/" not in name and "/" not in namespace and _DOTS.isdisjoint((name, namespace)):
        return request
    where = ["namespaces", namespace] if namespace else []
    head = ["apis", kind.group] if kind.group else ["api"]
    parts = _without_dots([*head, kind.version, *where, kind.plural, name])
    if parts and len(parts) < _TO_A_KIND.get(parts[0], 0):
        raise ApiError(502, "BadGateway", "a discovery document is no object")
    what = target("/".join(parts), kinds)
    if not what.name and request.verb != "get":
        raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    verb, subresource = request.verb if what.name else "list", what.subresource or request.subresource
    sent = replace(request, verb=verb, resource=what.kind.plural, subresource=subresource)
    return replace(sent, namespace=what.namespace, name=what.name)


def _without_dots(parts: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for part in "/".join(parts).split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in {"", "."}:
            kept.append(part)
    return kept


def _kind(group: list[str], rest: list[str], kinds: Iterable[Resource]) -> Resource:
    if 1 <= len(rest) <= _WITH_SUBRESOURCE:
        for kind in kinds:
            if [kind.group, kind.version, kind.plural] == [*group, rest[0]]:
                return kind
    raise errors.not_served()
