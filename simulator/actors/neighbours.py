"""Which pods want to be near each other and which apart: the scheduler's filter for pod affinity and anti-affinity.

Source: kubernetes `pkg/scheduler/framework/plugins/interpodaffinity/filtering.go`, and `AffinityTerm` in
`pkg/scheduler/framework/types.go`. Only required terms count, also those of pods that run against one that comes;
Terminating pods still count.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from simulator.actors.placed import Placed, required
from simulator.client import Obj
from simulator.store import labels

AFFINITY = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"
Filter = Callable[[Obj], str | None]  # a node -> why it is refused
_Domain = tuple[str, str]  # a topology key and a value of it
_KEYS = ("match", "mismatch")  # before "LabelKeys"


@dataclass(frozen=True)
class _Term:
    """One PodAffinityTerm of a pod."""

    key: str
    selector: Obj | None
    same: Obj  # labels by which others must be like its pod, and by which they must not
    other: Obj
    within: frozenset[str] | None  # namespaces; None for all

    @classmethod
    def of(cls, pod: Obj, term: Obj, placed: Placed) -> "_Term":
        own = pod["metadata"].get("labels") or {}
        same, other = ({k: own[k] for k in term.get(f"{how}LabelKeys") or () if k in own} for how in _KEYS)
        return cls(term["topologyKey"], term.get("labelSelector"), same, other, _within(pod, term, placed))

    def meets(self, pod: Obj) -> bool:
        meta = pod["metadata"]
        present = meta.get("labels") or {}
        if self.within is not None and meta["namespace"] not in self.within:
            return False
        like = all(present.get(key) == value for key, value in self.same.items())
        unlike = all(present.get(key) != value for key, value in self.other.items())
        return like and unlike and labels.selects(self.selector, present)

    def domain(self, node: Obj) -> _Domain | None:
        value = (node["metadata"].get("labels") or {}).get(self.key)
        return None if value is None else (self.key, value)


def neighbours(pod: Obj, placed: Placed) -> Filter | None:
    """The filter for a pod that is to be placed; None where nothing is required of it or by others against it."""
    near, apart = (_terms(pod, kind, placed) for kind in ("podAffinity", "podAntiAffinity"))
    keeping_away = _keeping_away(pod, placed)
    if not near and not apart and not keeping_away:
        return None
    taken = {d for other, node in placed.all() for t in apart if t.meets(other) and (d := t.domain(node))}
    wanted = {d for other, node in placed.all() for d in _together(near, other, node)}
    first = not wanted and bool(near) and all(term.meets(pod) for term in near)

    def refusal(node: Obj) -> str | None:
        if any(term.domain(node) is None or not (first or term.domain(node) in wanted) for term in near):
            return AFFINITY
        if any(term.domain(node) in taken for term in apart):
            return ANTI_AFFINITY
        return EXISTING if keeping_away & _domains(node) else None

    return refusal


def _terms(pod: Obj, kind: str, placed: Placed) -> list[_Term]:
    return [_Term.of(pod, term, placed) for term in required(pod, kind)]


def _keeping_away(pod: Obj, placed: Placed) -> set[_Domain]:
    """Where pods run that want none like this one near them."""
    against = ((term, node) for other, node in placed.repelling() for term in _terms(other, "podAntiAffinity", placed))
    return {domain for term, node in against if term.meets(pod) and (domain := term.domain(node))}


def _together(near: list[_Term], other: Obj, node: Obj) -> Iterable[_Domain]:
    """The domains of a pod that is what every term asks for: one that meets only some counts for none."""
    if not near or not all(term.meets(other) for term in near):
        return ()
    return (domain for term in near if (domain := term.domain(node)))


def _domains(node: Obj) -> set[Any]:
    return set((node["metadata"].get("labels") or {}).items())


def _within(pod: Obj, term: Obj, placed: Placed) -> frozenset[str] | None:
    """Its own namespace, unless the term names some, selects some, or with an empty selector all."""
    named, selector = term.get("namespaces") or (), term.get("namespaceSelector")
    if not named and selector is None:
        return frozenset({pod["metadata"]["namespace"]})
    if selector == {}:
        return None
    found = (name for name, present in placed.namespaces().items() if labels.selects(selector, present))
    return frozenset({*named, *found}) if selector else frozenset(named)
