"""How other pods limit where a pod may go: affinity, anti-affinity and even spreading. Pure.

As the scheduler counts: pods that are Terminating still repel and attract, but fill no place of an even spread; a node
with a taint is a place, unless the constraint honours taints.

Source: kubernetes `pkg/scheduler/framework/plugins/interpodaffinity/filtering.go` and
`podtopologyspread/{common,filtering}.go`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reactor.model.node import NodeView
from reactor.model.objects import Obj, number, part, parts, text, words
from workers.decide.observation import Neighbour
from workers.decide.placement.labels import selects
from workers.decide.placement.next_launcher import PlacementNeeds
from workers.decide.placement.selectors import REQUIRED

_IsEligible = Callable[[Obj, NodeView], bool]  # (a constraint, a node): is the node one of its places?
_Place = tuple[str, str]  # a topology key and its value


@dataclass(frozen=True, slots=True)
class _Spread:
    """One constraint: pods of its group by place, the least that counts, and 1 if the pod itself is of the group."""

    constraint: Obj
    counts: Mapping[str, int]
    minimum: int
    own: int

    def hinders(self, node: NodeView) -> bool:
        """Would the pod be one too many there?"""
        value = node.labels.get(text(self.constraint, "topologyKey"))
        skew = self.counts.get(value or "", 0) + self.own - self.minimum
        return value is None or skew > (number(self.constraint, "maxSkew") or 1)


class Neighbours:
    """The rules of one pod among others, on these nodes."""

    def __init__(
        self, needs: PlacementNeeds, pods: Iterable[Neighbour], nodes: Sequence[NodeView], is_eligible: _IsEligible
    ) -> None:
        by_name = {node.name: node for node in nodes}
        self._placed_pods = [(pod, by_name[pod.node]) for pod in pods if pod.node in by_name]
        self._needs = needs
        affinity = part(needs.spec, "affinity")
        self._affinity_terms = parts(affinity, "podAffinity", REQUIRED)
        self._excluded_places = dict(self._find_excluded_places(parts(affinity, "podAntiAffinity", REQUIRED)))
        self._repelled_places = dict(self._find_repelled_places())
        self._affinity_places = self._find_affinity_places()
        self._spreads = list(self._find_spreads(nodes, is_eligible))

    def hindrance(self, node: NodeView) -> str:
        """Why they keep the pod away from this node, "" if they do not."""
        if not (self._excluded_places or self._repelled_places or self._affinity_terms or self._spreads):
            return ""
        places = set(node.labels.items())
        if neighbour := next((pod for place, pod in self._excluded_places.items() if place in places), None):
            return f"its anti-affinity keeps it away from pod {neighbour.name}, which is on {neighbour.node}"
        if neighbour := next((pod for place, pod in self._repelled_places.items() if place in places), None):
            return f"pod {neighbour.name} on {neighbour.node} keeps it away by its anti-affinity"
        if not self._meets_affinity(node):
            return f"no pod that its affinity asks for is where {node.name} is"
        if spread := next((spread for spread in self._spreads if spread.hinders(node)), None):
            key = text(spread.constraint, "topologyKey")
            return f"with it {node.name} would have too many of its group (topologySpreadConstraints, {key})"
        return ""

    def _find_excluded_places(self, terms: Sequence[Obj]) -> Iterator[tuple[_Place, Neighbour]]:
        for term in terms:
            for pod, node in self._placed_pods:
                if self._is_chosen(term, pod) and (place := _place(term, node)):
                    yield place, pod

    def _find_repelled_places(self) -> Iterator[tuple[_Place, Neighbour]]:
        own = self._needs
        for pod, node in self._placed_pods:
            for term in pod.repels:
                if _chooses(term, (pod.namespace, pod.labels), (own.namespace, own.labels)) and (
                    place := _place(term, node)
                ):
                    yield place, pod

    def _find_affinity_places(self) -> Collection[_Place]:
        """Where pods are that all its terms of affinity choose."""
        if not self._affinity_terms:
            return ()
        chosen = [
            node for pod, node in self._placed_pods if all(self._is_chosen(term, pod) for term in self._affinity_terms)
        ]
        return {place for node in chosen for term in self._affinity_terms if (place := _place(term, node))}

    def _meets_affinity(self, node: NodeView) -> bool:
        """The first of a group that asks for its own kind may go anywhere that has the places' labels."""
        places = [_place(term, node) for term in self._affinity_terms]
        if not all(places):
            return False
        own = self._needs.namespace, self._needs.labels
        is_first = not self._affinity_places and all(_chooses(term, own, own) for term in self._affinity_terms)
        return is_first or all(place in self._affinity_places for place in places)

    def _is_chosen(self, term: Obj, pod: Neighbour) -> bool:
        return _chooses(term, (self._needs.namespace, self._needs.labels), (pod.namespace, pod.labels))

    def _find_spreads(self, nodes: Sequence[NodeView], is_eligible: _IsEligible) -> Iterator[_Spread]:
        constraints = parts(self._needs.spec, "topologySpreadConstraints")
        hard = [constraint for constraint in constraints if text(constraint, "whenUnsatisfiable") == "DoNotSchedule"]
        keys = {text(constraint, "topologyKey") for constraint in hard}
        places = [node for node in nodes if keys <= set(node.labels)]
        for constraint in hard:
            yield self._spread_of(constraint, [node for node in places if is_eligible(constraint, node)])

    def _spread_of(self, constraint: Obj, places: Sequence[NodeView]) -> _Spread:
        key, names = text(constraint, "topologyKey"), {node.name for node in places}
        counts = Counter({node.labels[key]: 0 for node in places})
        selector = _with_keys(constraint, self._needs.labels)
        group = [
            node
            for pod, node in self._placed_pods
            if node.name in names and not pod.leaving and pod.namespace == self._needs.namespace
            if selects(selector, pod.labels)
        ]
        counts.update(node.labels[key] for node in group)
        enough = len(counts) >= (number(constraint, "minDomains") or 1)
        minimum = min(counts.values(), default=0) if enough else 0
        return _Spread(constraint, counts, minimum, int(selects(selector, self._needs.labels)))


def looks_around(needs: PlacementNeeds) -> bool:
    """Does it have rules of its own about other pods?"""
    return bool(_terms(needs) or parts(needs.spec, "topologySpreadConstraints"))


def unread(needs: PlacementNeeds) -> tuple[str, ...]:
    """What its terms ask of pods that were not read, as a condition."""
    beyond = [term for term in _terms(needs) if "namespaceSelector" in term]
    return ("the pods of other namespaces that its affinity chooses by their labels let it",) if beyond else ()


def namespaces(needs: PlacementNeeds) -> frozenset[str]:
    """The namespaces whose pods are to be read."""
    return frozenset({needs.namespace, *(name for term in _terms(needs) for name in words(term, "namespaces"))})


def _terms(needs: PlacementNeeds) -> list[Obj]:
    affinity = part(needs.spec, "affinity")
    return [term for kind in ("podAffinity", "podAntiAffinity") for term in parts(affinity, kind, REQUIRED)]


def _place(term: Obj, node: NodeView) -> _Place | None:
    key = text(term, "topologyKey")
    return (key, node.labels[key]) if key in node.labels else None


_Pod = tuple[str, Mapping[str, str]]  # namespace and labels


def _chooses(term: Obj, bearer: _Pod, other: _Pod) -> bool:
    """Does a term of affinity that `bearer` has choose the `other` pod?"""
    names = words(term, "namespaces") or (() if "namespaceSelector" in term else (bearer[0],))
    everywhere = "namespaceSelector" in term and not part(term, "namespaceSelector")
    return (everywhere or other[0] in names) and selects(_with_keys(term, bearer[1]), other[1])


def _with_keys(term: Obj, own_labels: Mapping[str, str]) -> Obj | None:
    """Its labelSelector with what matchLabelKeys and mismatchLabelKeys take from the bearer's labels."""
    selector = term.get("labelSelector")
    if selector is None:
        return None
    rules = [_rule(key, "In", own_labels) for key in words(term, "matchLabelKeys") if key in own_labels]
    rules += [_rule(key, "NotIn", own_labels) for key in words(term, "mismatchLabelKeys") if key in own_labels]
    return {**selector, "matchExpressions": [*parts(selector, "matchExpressions"), *rules]}


def _rule(key: str, operator: str, own_labels: Mapping[str, str]) -> Obj:
    return {"key": key, "operator": operator, "values": [own_labels[key]]}
