"""Which VMs a command is about: a namespace (`-n`), and labels (`-l`) as kubectl selects by them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reactor.model.errors import BadInput

Labels = Mapping[str, str]
Requirement = Callable[[Labels], bool]

_KEY = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")
_COMMA = re.compile(r",(?![^()]*\))")  # one between parentheses belongs to a set


@dataclass(frozen=True, slots=True)
class VmSelector:
    """`namespace`: "" for all; `labels`: as it was typed, "" for any. BadInput for labels that are no selector."""

    namespace: str = ""
    labels: str = ""

    def __post_init__(self) -> None:
        """Malformed labels must not select everything, or nothing."""
        requirements(self.labels)

    @property
    def words(self) -> str:
        """For sentences: "namespace shop, labels app=web"; "" where it selects all."""
        labels = f"labels {self.labels}" if self.labels else ""
        return ", ".join(filter(None, [f"namespace {self.namespace}" if self.namespace else "", labels]))

    def covers(self, namespace: str, labels: Callable[[], Labels | None] = lambda: None) -> bool:
        """Is this VM meant? Yes where its `labels` are not known: unknown is no reason to leave a VM out."""
        if self.namespace not in {"", namespace}:
            return False
        known = labels() if self.labels else None
        return known is None or all(holds(known) for holds in requirements(self.labels))


def requirements(selector: str) -> list[Requirement]:
    """All of them must be true. Raises BadInput."""
    return [_requirement(part.strip()) for part in _COMMA.split(selector)] if selector.strip() else []


def _requirement(text: str) -> Requirement:
    """As Kubernetes has it, `!=` and `notin` are true of what has no such label."""
    if match := _EQUAL.fullmatch(text):
        key, sign, value = match.groups()
        return _among(key, frozenset({value}), wanted=sign != "!=")
    if match := _SET.fullmatch(text):
        key, word, listed = match.groups()
        values = [value.strip() for value in listed.split(",")]
        if all(re.fullmatch(_VALUE, value) for value in values):
            return _among(key, frozenset(values), wanted=word == "in")
    if match := _EXISTS.fullmatch(text):
        absent, key = match.groups()
        return lambda labels: (key in labels) != bool(absent)
    how = "app=web, app!=web, 'app in (web,api)', 'app notin (web)', app or '!app'"
    raise BadInput(f"invalid label selector {text!r}; use {how}")


def _among(key: str, values: frozenset[str], *, wanted: bool) -> Requirement:
    return lambda labels: (labels.get(key) in values) == wanted


ALL = VmSelector()
