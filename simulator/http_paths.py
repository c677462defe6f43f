"""What a URL path of the Kubernetes API means."""

from collections.abc import Iterable
from dataclasses import dataclass

from simulator import errors
from simulator.resources import Resource

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
    kind = _kind(group, rest, kinds)
    if namespace and not kind.namespaced:
        raise errors.not_served()
    name, subresource = [*rest[1:], "", ""][:2]
    if name and kind.namespaced and not namespace:
        raise errors.not_served()
    return Target(kind, namespace, name, subresource)


def _kind(group: list[str], rest: list[str], kinds: Iterable[Resource]) -> Resource:
    if 1 <= len(rest) <= _WITH_SUBRESOURCE:
        for kind in kinds:
            if [kind.group, kind.version, kind.plural] == [*group, rest[0]]:
                return kind
    raise errors.not_served()
