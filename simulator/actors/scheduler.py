"""The scheduler: gives each pending pod a node that it fits, or says why there is none.

Source: kubernetes `pkg/scheduler`: the order of filters as in `apis/config/v1/default_plugins.go`, the sentence of
FailedScheduling as recorded (`framework/types.go`, FitError). Among fitting nodes the preferred, then the least used
one is taken.
"""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

from simulator.actors import neighbours, nodefit, objects, spread
from simulator.actors.placed import Placed
from simulator.actors.room import Room, requested
from simulator.client import Client, Obj
from simulator.store.objects import Key, key_of
from simulator.timing import Timing

_OWN = ("", "default-scheduler")  # values of schedulerName; another one's pods wait for that one
# These could be cured by the eviction of pods, of which there is none with less priority.
_CURABLE = frozenset({spread.UNEVEN, neighbours.ANTI_AFFINITY, neighbours.EXISTING})


class Scheduler:
    """The default scheduler. Uses `timing.schedule`.

    Args:
        client: its access.
        timing: how long things take.
        room: what pods ask for is counted, and a node may be full; without it each node has room for all.
    """

    name = "scheduler"
    watches = ("pods", "nodes", "persistentvolumeclaims", "persistentvolumes")

    def __init__(self, client: Client, timing: Timing, *, room: bool = False) -> None:
        self._client, self._timing, self._room = client, timing, Room() if room else None
        self._pods, self._nodes = client.informer("pods"), client.informer("nodes")
        self._claims = client.informer("persistentvolumeclaims")
        self._volumes = client.informer("persistentvolumes")
        self._waiting: dict[Key, float] = {}
        self.placed = Placed(client, self._pods, self._nodes, self._room)

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
        self.placed.note(kind, pod)
        key, ours = key_of(pod), pod["spec"].get("schedulerName", "") in _OWN
        if not ours or pod["spec"].get("nodeName") or kind == "DELETED" or objects.deleting(pod):
            self._waiting.pop(key, None)
        else:
            self._waiting.setdefault(key, now + self._timing.schedule)

    def _schedule(self, pod: Obj, now: float) -> None:
        refusals, fitting = self.filtered(pod)
        if fitting:
            self._bind(pod, max(fitting, key=lambda node: self._score(pod, node))["metadata"]["name"], now)
        else:
            self._fail(pod, _sentence(refusals), now)

    def filtered(self, pod: Obj) -> tuple[Counter[str], list[Obj]]:
        """How often which refusal was met, and the nodes that fit."""
        volumes = list(self._volumes_of(pod))
        room = partial(self._room.refusal, requested(pod)) if self._room else None
        rules = (room, spread.spread(pod, self.placed), neighbours.neighbours(pod, self.placed))
        among = [rule for rule in rules if rule]
        refusals: Counter[str] = Counter()
        fitting = []
        for node in self._nodes.objects.values():
            whys = (nodefit.refusal(pod, node, volumes), *(rule(node) for rule in among))
            if why := next(filter(None, whys), None):
                refusals[why] += 1
            else:
                fitting.append(node)
        return refusals, fitting

    def _volumes_of(self, pod: Obj) -> Iterable[Obj]:
        for key in objects.claims(pod):
            if volume := objects.volume_of(self._claims.objects.get(key), self._volumes.objects):
                yield volume

    def _score(self, pod: Obj, node: Obj) -> tuple[int, float, str]:
        affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
        preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        weight = sum(entry["weight"] for entry in preferred if nodefit.matches_term(entry["preference"], node))
        used = self._room.share(node) if self._room else self.placed.load[node["metadata"]["name"]]
        return weight, -used, node["metadata"]["uid"]

    def _bind(self, pod: Obj, node: str, now: float) -> None:
        meta = pod["metadata"]
        binding = {"metadata": {"name": meta["name"], "namespace": meta["namespace"]}, "target": {"name": node}}
        self._client.create("pods/binding", binding)
        self._waiting.pop(key_of(pod))
        self.placed.put(pod, node)
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
    total, curable = refusals.total(), sum(count for why, count in refusals.items() if why in _CURABLE)
    helpless = {"No preemption victims found for incoming pod": curable}
    helpless |= {"Preemption is not helpful for scheduling": total - curable}
    none = f"preemption: 0/{total} nodes are available: {_told(helpless)}."
    return f"0/{total} nodes are available: {_told(refusals) or 'no nodes'}. no new claims to deallocate, {none}"


def _told(counts: dict[str, int]) -> str:
    return ", ".join(sorted(f"{count} {what}" for what, count in counts.items() if count))
