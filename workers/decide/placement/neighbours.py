"""What other pods have to say to where a pod may go: affinity, anti-affinity and even spreading. Pure.

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

Suits = Callable[[Obj, NodeView], bool]  # (a constraint, a node): is the node one of its places?
_Place = tuple[str, str]  # a topology key and its value


@dataclass(frozen=True, slots=True)
class _Spread:
    """One constraint: how many of its group each place holds, and how few it counts as the least."""

    constraint: Obj
    held: Mapping[str, int]
    least: int
    mine: int

    def hinders(self, node: NodeView) -> bool:
        """Would the pod be one too many there?"""
        value = node.labels.get(text(self.constraint, "topologyKey"))
        skew = self.held.get(value or "", 0) + self.mine - self.least
        return value is None or skew > (number(self.constraint, "maxSkew") or 1)


class Neighbours:
    """The rules of one pod among others, on these nodes."""

    def __init__(
        self, bears: PlacementNeeds, pods: Iterable[Neighbour], nodes: Sequence[NodeView], suits: Suits
    ) -> None:
        by_name = {node.name: node for node in nodes}
        self._near = [(pod, by_name[pod.node]) for pod in pods if pod.node in by_name]
        self._bears = bears
        affinity = part(bears.spec, "affinity")
        self._wants = parts(affinity, "podAffinity", REQUIRED)
        self._apart = dict(self._kept_apart(parts(affinity, "podAntiAffinity", REQUIRED)))
        self._repelled = dict(self._repelling())
        self._together = self._attracting()
        self._spread = list(self._spreads(nodes, suits))

    def hindrance(self, node: NodeView) -> str:
        """Why they keep the pod away from this node, "" if they do not."""
        if not (self._apart or self._repelled or self._wants or self._spread):
            return ""
        places = set(node.labels.items())
        if near := next((pod for place, pod in self._apart.items() if place in places), None):
            return f"its anti-affinity keeps it away from pod {near.name}, which is on {near.node}"
        if near := next((pod for place, pod in self._repelled.items() if place in places), None):
            return f"pod {near.name} on {near.node} keeps it away by its anti-affinity"
        if not self._attracted(node):
            return f"no pod that its affinity asks for is where {node.name} is"
        if full := next((one for one in self._spread if one.hinders(node)), None):
            key = text(full.constraint, "topologyKey")
            return f"with it {node.name} would have too many of its group (topologySpreadConstraints, {key})"
        return ""

    def _kept_apart(self, terms: Sequence[Obj]) -> Iterator[tuple[_Place, Neighbour]]:
        for term in terms:
            for pod, node in self._near:
                if self._meets(term, pod) and (place := _place(term, node)):
                    yield place, pod

    def _repelling(self) -> Iterator[tuple[_Place, Neighbour]]:
        me = self._bears
        for pod, node in self._near:
            for term in pod.repels:
                if _chooses(term, (pod.namespace, pod.labels), (me.namespace, me.labels)) and (
                    place := _place(term, node)
                ):
                    yield place, pod

    def _attracting(self) -> Collection[_Place]:
        """Where pods are that all its terms of affinity choose."""
        if not self._wants:
            return ()
        liked = [node for pod, node in self._near if all(self._meets(term, pod) for term in self._wants)]
        return {place for node in liked for term in self._wants if (place := _place(term, node))}

    def _attracted(self, node: NodeView) -> bool:
        """The first of a group that asks for its own kind may go anywhere that has the places' labels."""
        places = [_place(term, node) for term in self._wants]
        if not all(places):
            return False
        me = self._bears.namespace, self._bears.labels
        first = not self._together and all(_chooses(term, me, me) for term in self._wants)
        return first or all(place in self._together for place in places)

    def _meets(self, term: Obj, pod: Neighbour) -> bool:
        return _chooses(term, (self._bears.namespace, self._bears.labels), (pod.namespace, pod.labels))

    def _spreads(self, nodes: Sequence[NodeView], suits: Suits) -> Iterator[_Spread]:
        constraints = parts(self._bears.spec, "topologySpreadConstraints")
        hard = [one for one in constraints if text(one, "whenUnsatisfiable") == "DoNotSchedule"]
        keys = {text(one, "topologyKey") for one in hard}
        places = [node for node in nodes if keys <= set(node.labels)]
        for one in hard:
            yield self._spread_of(one, [node for node in places if suits(one, node)])

    def _spread_of(self, constraint: Obj, places: Sequence[NodeView]) -> _Spread:
        key, names = text(constraint, "topologyKey"), {node.name for node in places}
        held = Counter({node.labels[key]: 0 for node in places})
        selector = _with_keys(constraint, self._bears.labels)
        group = [
            node
            for pod, node in self._near
            if node.name in names and not pod.leaving and pod.namespace == self._bears.namespace
            if selects(selector, pod.labels)
        ]
        held.update(node.labels[key] for node in group)
        enough = len(held) >= (number(constraint, "minDomains") or 1)
        least = min(held.values(), default=0) if enough else 0
        return _Spread(constraint, held, least, int(selects(selector, self._bears.labels)))


def looks_around(bears: PlacementNeeds) -> bool:
    """Has it rules of its own on other pods?"""
    return bool(_terms(bears) or parts(bears.spec, "topologySpreadConstraints"))


def unread(bears: PlacementNeeds) -> tuple[str, ...]:
    """What its terms ask of pods that nobody looked at, as a condition."""
    beyond = [term for term in _terms(bears) if "namespaceSelector" in term]
    return ("the pods of other namespaces that its affinity chooses by their labels let it",) if beyond else ()


def namespaces(bears: PlacementNeeds) -> frozenset[str]:
    """Whose pods are to be looked at."""
    return frozenset({bears.namespace, *(name for term in _terms(bears) for name in words(term, "namespaces"))})


def _terms(bears: PlacementNeeds) -> list[Obj]:
    affinity = part(bears.spec, "affinity")
    return [term for kind in ("podAffinity", "podAntiAffinity") for term in parts(affinity, kind, REQUIRED)]


def _place(term: Obj, node: NodeView) -> _Place | None:
    key = text(term, "topologyKey")
    return (key, node.labels[key]) if key in node.labels else None


_Pod = tuple[str, Mapping[str, str]]  # namespace and labels


def _chooses(term: Obj, bearer: _Pod, other: _Pod) -> bool:
    """Does a term of affinity that `bearer` has choose the `other` pod?"""
    named = words(term, "namespaces") or (() if "namespaceSelector" in term else (bearer[0],))
    everywhere = "namespaceSelector" in term and not part(term, "namespaceSelector")
    return (everywhere or other[0] in named) and selects(_with_keys(term, bearer[1]), other[1])


def _with_keys(term: Obj, own: Mapping[str, str]) -> Obj | None:
    """Its labelSelector with what matchLabelKeys and mismatchLabelKeys take from the bearer's labels."""
    selector = term.get("labelSelector")
    if selector is None:
        return None
    rules = [_rule(key, "In", own) for key in words(term, "matchLabelKeys") if key in own]
    rules += [_rule(key, "NotIn", own) for key in words(term, "mismatchLabelKeys") if key in own]
    return {**selector, "matchExpressions": [*parts(selector, "matchExpressions"), *rules]}


def _rule(key: str, operator: str, own: Mapping[str, str]) -> Obj:
    return {"key": key, "operator": operator, "values": [own[key]]}
