"""The scheduler: gives each pending pod a node that it fits, or says why there is none.

Source: kubernetes `pkg/scheduler` (filters TaintToleration, NodeAffinity, VolumeBinding; the sentence of
FailedScheduling as recorded). Resources are not counted: among fitting nodes the preferred, then the least used one is
taken.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.objects import Key, key_of
from simulator.timing import Timing

_TAINTED = "node(s) had untolerated taint(s)"
_CORDONED = "node(s) were unschedulable"
_UNMATCHED = "node(s) didn't match Pod's node affinity/selector"
_REPELLED = "node(s) didn't match pod anti-affinity rules"
_VOLUME = "node(s) didn't match PersistentVolume's node affinity"
_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


class Scheduler:
    """The default scheduler. Uses `timing.schedule`."""

    name = "scheduler"
    watches = ("pods", "nodes", "persistentvolumeclaims", "persistentvolumes")

    def __init__(self, client: Client, timing: Timing) -> None:
        self._client, self._timing = client, timing
        self._pods, self._nodes = client.informer("pods"), client.informer("nodes")
        self._claims = client.informer("persistentvolumeclaims")
        self._volumes = client.informer("persistentvolumes")
        self._waiting: dict[Key, float] = {}
        self._load: Counter[str] = Counter()
        self._placed: dict[Key, str] = {}

    def step(self, now: float) -> float | None:
        """Schedule whatever pod's turn has come; all waiting ones again when nodes or volumes changed."""
        for kind, pod in self._pods.poll():
            self._note(kind, pod, now)
        for informer in (self._nodes, self._claims, self._volumes):
            informer.poll()
        for key, due in sorted(self._waiting.items()):
            if due <= now:
                self._schedule(self._pods.objects[key], now)
        return min((due for due in self._waiting.values() if due > now), default=None)

    def _note(self, kind: str, pod: Obj, now: float) -> None:
        key, node = key_of(pod), pod["spec"].get("nodeName")
        if node and kind != "DELETED" and key not in self._placed:
            self._placed[key] = node
            self._load[node] += 1
        if kind == "DELETED" and key in self._placed:
            self._load[self._placed.pop(key)] -= 1
        if node or kind == "DELETED" or objects.deleting(pod):
            self._waiting.pop(key, None)
        else:
            self._waiting.setdefault(key, now + self._timing.schedule)

    def _schedule(self, pod: Obj, now: float) -> None:
        refusals: Counter[str] = Counter()
        fitting = []
        for node in self._nodes.objects.values():
            refusal = self._refusal(pod, node)
            if refusal:
                refusals[refusal] += 1
            else:
                fitting.append(node)
        if fitting:
            self._bind(pod, max(fitting, key=lambda node: self._score(pod, node))["metadata"]["name"], now)
        else:
            self._fail(pod, _sentence(refusals), now)

    def _refusal(self, pod: Obj, node: Obj) -> str | None:
        """Why the pod cannot run on the node, None when it can."""
        if node["spec"].get("unschedulable"):
            return _CORDONED
        if any(t["effect"] != "PreferNoSchedule" and not objects.tolerations(pod, t) for t in objects.taints(node)):
            return _TAINTED
        if not _selected(pod["spec"], node):
            return _UNMATCHED
        if self._repelled(pod, node["metadata"]["name"]):
            return _REPELLED
        return None if all(_admits(volume, node) for volume in self._volumes_of(pod)) else _VOLUME

    def _repelled(self, pod: Obj, node: str) -> bool:
        """Whether a pod of its namespace on the node keeps it away; of rules only labels and hosts are known."""
        rules = pod["spec"].get("affinity", {}).get("podAntiAffinity", {})
        terms = rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        wanted = [term["labelSelector"]["matchLabels"].items() for term in terms]
        here = [key for key, at in self._placed.items() if at == node and key[0] == key_of(pod)[0]] if terms else []
        labels = [self._pods.objects[key]["metadata"].get("labels", {}).items() for key in here]
        return any(some <= present for some in wanted for present in labels)

    def _volumes_of(self, pod: Obj) -> Iterable[Obj]:
        for key in objects.claims(pod):
            name = self._claims.objects.get(key, {}).get("spec", {}).get("volumeName", "")
            if volume := self._volumes.objects.get(("", name)):
                yield volume

    def _score(self, pod: Obj, node: Obj) -> tuple[int, int, str]:
        affinity = pod["spec"].get("affinity", {}).get("nodeAffinity", {})
        preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        weight = sum(entry["weight"] for entry in preferred if matches_term(entry["preference"], node))
        return weight, -self._load[node["metadata"]["name"]], node["metadata"]["uid"]

    def _bind(self, pod: Obj, node: str, now: float) -> None:
        meta = pod["metadata"]
        binding = {"metadata": {"name": meta["name"], "namespace": meta["namespace"]}, "target": {"name": node}}
        self._client.create("pods/binding", binding)
        self._waiting.pop(key_of(pod))
        self._load[node] += 1
        self._placed[key_of(pod)] = node
        message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {node}"
        self._client.create("events", objects.scheduling_event(pod, ("Scheduled", message), "Binding", now))

    def _fail(self, pod: Obj, message: str, now: float) -> None:
        old, meta = objects.condition(pod, "PodScheduled"), pod["metadata"]
        if old.get("message") == message:
            return
        more: dict[str, Any] = {"reason": "Unschedulable", "message": message, "observedGeneration": 1}
        new = objects.pod_condition("PodScheduled", "False", now, **more)
        if old.get("status") == "False":
            new["lastTransitionTime"] = old["lastTransitionTime"]
        patch = {"status": {"conditions": objects.with_condition(objects.conditions(pod), new)}}
        self._client.patch("pods", meta["name"], patch, meta["namespace"], subresource="status")
        self._client.create("events", objects.scheduling_event(pod, ("FailedScheduling", message), "Scheduling", now))


def _sentence(refusals: Counter[str]) -> str:
    total = refusals.total()
    reasons = ", ".join(sorted(f"{count} {reason}" for reason, count in refusals.items())) or "no nodes"
    helpless = f"preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling."
    return f"0/{total} nodes are available: {reasons}. no new claims to deallocate, {helpless}"


def _selected(spec: Obj, node: Obj) -> bool:
    labels = node["metadata"].get("labels", {})
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = spec.get("affinity", {}).get("nodeAffinity", {})
    return _required(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"), node)


def _admits(volume: Obj, node: Obj) -> bool:
    return _required(volume["spec"].get("nodeAffinity", {}).get("required"), node)


def _required(selector: Obj | None, node: Obj) -> bool:
    return selector is None or any(matches_term(term, node) for term in selector["nodeSelectorTerms"])


def matches_term(term: Obj, node: Obj) -> bool:
    """Whether a node satisfies one NodeSelectorTerm: all its expressions on labels and on metadata.name."""
    labels = node["metadata"].get("labels", {})
    names = {"metadata.name": node["metadata"]["name"]}
    requirements = [(entry, labels) for entry in term.get("matchExpressions") or ()]
    requirements += [(entry, names) for entry in term.get("matchFields") or ()]
    return all(_OPERATORS[e["operator"]](values.get(e["key"]), e.get("values") or []) for e, values in requirements)
