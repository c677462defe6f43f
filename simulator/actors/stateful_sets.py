"""StatefulSets: a pod of theirs that is gone is made again under its name, wherever the scheduler lets it.

Source: kubernetes `pkg/controller/statefulset/stateful_set_control.go`: never before the old pod has left the API, and
one that has failed is deleted first. The sets themselves are not served: a pod that names one as its controller is its
own template.
"""

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.store.objects import Key, key_of

_KEPT = ("name", "namespace", "labels", "annotations", "ownerReferences")


class StatefulSets:
    """The controller of all of them."""

    name = "stateful-sets"
    watches = ("pods",)

    def __init__(self, client: Client) -> None:
        self._client, self._pods = client, client.informer("pods")
        self._wanted: dict[Key, Obj] = {}

    def step(self, now: float) -> None:  # noqa: ARG002 - all that it does is due at once
        """Take in new ones, delete those that have failed, make those again that are gone."""
        for kind, pod in self._pods.poll():
            if kind != "DELETED" and _is_stateful(pod):
                self._wanted[key_of(pod)] = pod
        for key in sorted(self._wanted):
            self._sync(key)

    def _sync(self, key: Key) -> None:
        pod = self._pods.objects.get(key)
        if pod is None:
            self._client.create("pods", _successor(self._wanted[key]))
        elif pod["status"]["phase"] in objects.FINISHED and not objects.deleting(pod):
            self._client.delete("pods", key[1], key[0], uid=pod["metadata"]["uid"])


def _is_stateful(pod: Obj) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(owner["kind"] == "StatefulSet" and owner.get("controller") for owner in owners)


def _successor(pod: Obj) -> Obj:
    meta = {name: value for name, value in pod["metadata"].items() if name in _KEPT}
    return {"metadata": meta, "spec": {name: value for name, value in pod["spec"].items() if name != "nodeName"}}
