"""Label and field selectors: text in, predicate over objects out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from simulator.client import Obj
from simulator.store import errors
from simulator.store.objects import field

Predicate = Callable[[Obj], bool]
_Labels = Mapping[str, str]

_KEY = r"[A-Za-z0-9][A-Za-z0-9._/-]*"
_VALUE = r"[A-Za-z0-9._-]*"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")
# A comma between parentheses belongs to a set, any other one ends a requirement.
_COMMA = re.compile(r",(?![^()]*\))")

# Which fields a kind can be selected by (kubernetes `pkg/apis/core/v1/conversion.go`); these two work for every kind.
_COMMON = frozenset({"metadata.name", "metadata.namespace"})
_FIELDS: Mapping[str, frozenset[str]] = {
    "pods": frozenset({"spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase"}),
    "nodes": frozenset({"spec.unschedulable"}),
    "namespaces": frozenset({"status.phase"}),
    "secrets": frozenset({"type"}),
    "events": frozenset(
        {f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")}
        | {"reason", "source", "reportingComponent", "type"}
    ),
}


@dataclass(frozen=True)
class Selection:
    """Which objects of a kind (its plural): a namespace ("" for all), a label and a field selector ("" for any)."""

    resource: str
    namespace: str = ""
    labels: str = ""
    fields: str = ""

    def predicate(self) -> Predicate:
        """Whether an object of the kind is meant; ApiError 400 when a selector is malformed."""
        labelled, fielded = by_labels(self.labels), by_fields(self.fields, self.resource)
        if self.namespace:
            return lambda obj: obj["metadata"].get("namespace") == self.namespace and labelled(obj) and fielded(obj)
        return (lambda obj: labelled(obj) and fielded(obj)) if self.fields else labelled

    def node(self) -> str | None:
        """The node that the field selector pins pods to, None when it does not."""
        for path, equal, value in field_requirements(self.fields, self.resource):
            if equal and path == "spec.nodeName":
                return value
        return None

    def values_of(self, label: str) -> frozenset[str] | None:
        """What the label selector wants this label to be, None when it wants nothing of it, or only what not to be."""
        return _wanted(self.labels, label) if label in self.labels else None


@lru_cache(maxsize=1024)
def _wanted(text: str, label: str) -> frozenset[str] | None:
    for part in map(str.strip, _COMMA.split(text)):
        if (found := _SET.fullmatch(part)) and found[1] == label and found[2] == "in":
            return frozenset(value.strip() for value in found[3].split(","))
        if (found := _EQUAL.fullmatch(part)) and found[1] == label and found[2] != "!=":
            return frozenset({found[3]})
    return None


@lru_cache(maxsize=1024)
def by_labels(text: str) -> Predicate:
    """A predicate for a label selector such as `app=a,tier in (x, y),!old`; the empty one matches everything.

    Raises:
        ApiError: 400 naming the selector, when it is malformed.
    """
    if not text.strip():
        return lambda _: True
    tests = [_requirement(part.strip(), text) for part in _COMMA.split(text)]

    def matches(obj: Obj) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all(test(labels) for test in tests)

    return matches


def _requirement(part: str, selector: str) -> Callable[[_Labels], bool]:
    if found := _SET.fullmatch(part):
        return _in_set(found[1], found[2], [value.strip() for value in found[3].split(",")], selector)
    if found := _EQUAL.fullmatch(part):
        return _in_set(found[1], "notin" if found[2] == "!=" else "in", [found[3]], selector)
    if found := _EXISTS.fullmatch(part):
        key, wanted = found[2], not found[1]
        return lambda labels: (key in labels) is wanted
    raise errors.bad_request(f'unable to parse requirement: "{part}" in the label selector "{selector}"')


def _in_set(key: str, operator: str, values: list[str], selector: str) -> Callable[[_Labels], bool]:
    for value in values:
        if not re.fullmatch(_VALUE, value):
            raise errors.bad_request(f'unable to parse requirement: value "{value}" in the label selector "{selector}"')
    chosen = frozenset(values)
    if operator == "in":
        return lambda labels: labels.get(key) in chosen
    # As in Kubernetes, an object without the label is "not in".
    return lambda labels: labels.get(key) not in chosen


@lru_cache(maxsize=1024)
def by_fields(text: str, resource: str) -> Predicate:
    """A predicate for a field selector such as `spec.nodeName=a,status.phase!=Failed` on a kind (its plural).

    Raises:
        ApiError: 400 naming the selector, when it is malformed or the kind has no such selectable field.
    """
    tests = field_requirements(text, resource)
    return lambda obj: all((field(obj, path) == value) is equal for path, equal, value in tests)


@lru_cache(maxsize=1024)
def field_requirements(text: str, resource: str) -> tuple[tuple[str, bool, str], ...]:
    """The parts of a field selector as (path, equal?, value).

    Raises:
        ApiError: as `by_fields`.
    """
    return tuple(_field(part.strip(), text, resource) for part in text.split(",") if part.strip())


def _field(part: str, selector: str, resource: str) -> tuple[str, bool, str]:
    found = re.fullmatch(r"([^=!\s]+)\s*(==|=|!=)\s*([^=!]*)", part)
    if not found:
        raise errors.bad_request(f'invalid selector: "{part}" in the field selector "{selector}"')
    if found[1] not in _COMMON | _FIELDS.get(resource, frozenset()):
        raise errors.bad_request(f'field selector "{selector}": field label not supported: {found[1]}')
    return found[1], found[2] != "!=", found[3].strip()
