"""A lost node whose Ready condition does not say since when, as only the product is shown it."""

from typing import Any

from simulator.audit import Request
from simulator.client import Obj
from simulator.world import World
from tests.support.auditor import OURS

_WATCHERS = "system:serviceaccount:vm-drift:watcher"


class Undated:
    """While it is `on`. Watches that began before show the node as it is."""

    def __init__(self, world: World, node: str) -> None:
        self.on, self._node, self._get, self._watch = False, node, world.api.get, world.api.watch
        vars(world.api).update(get=self._got, watch=self._watched)

    def _got(self, request: Request) -> Obj:
        return self._shown(request, self._get(request))

    def _watched(self, request: Request, *words: str, **more: Any) -> Any:
        watch = self._watch(request, *words, **more)
        poll = watch.poll
        vars(watch).update(poll=lambda: [(kind, self._shown(request, obj)) for kind, obj in poll()])
        return watch

    def _shown(self, request: Request, obj: Obj) -> Obj:
        ours = request.user in (*OURS, _WATCHERS)
        if not (self.on and ours) or (request.resource, obj["metadata"]["name"]) != ("nodes", self._node):
            return obj
        conditions = [{**entry, "lastTransitionTime": None} for entry in obj["status"]["conditions"]]
        return {**obj, "status": {**obj["status"], "conditions": conditions}}
