"""What virt-controller sees to before it makes a launcher: backend storage, and a frequency that is written down.

Source: KubeVirt `pkg/virt-controller/watch/vmi/lifecycle.go` (sync), `storage.go` (handleBackendStorage) and
`pkg/virt-controller/watch/topology/hinter.go`.
"""

from collections.abc import Callable, Mapping

from simulator.actors import backend, nodeselectors
from simulator.client import Client, Obj
from simulator.store.objects import Key


class Needs:
    """Claims and nodes, as far as instances wait for them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._claims = client.informer("persistentvolumeclaims")

    @property
    def claims(self) -> Mapping[Key, Obj]:
        """Every claim, as of the last `changed`."""
        return self._claims.objects

    def changed(self) -> set[Key]:
        """The instances whose backend storage has changed."""
        return {key for _, claim in self._claims.poll() if (key := backend.instance_of(claim))}

    def state_of(self, instance: Obj) -> Obj | None:
        """The claim that keeps its state; None where it keeps none, or there is none yet."""
        return backend.claim_for(instance, self.claims.values()) if backend.needed(instance) else None

    def met(self, instance: Obj, post: Callable[[Obj, Obj], None]) -> bool:
        """Whether the launcher can be made; what is missing is made, or posted to the instance, which then changes."""
        if nodeselectors.tsc_required(instance["spec"]) and "topologyHints" not in instance["status"]:
            post(instance, {"status": {"topologyHints": {"tscFrequency": self._lowest_frequency()}}})
            return False
        claim = self.state_of(instance)
        if claim is None and backend.needed(instance):
            new = backend.new_claim(instance, self._client.list("storageclasses"))
            claim = self._client.create("persistentvolumeclaims", new) if new else None
        return not backend.needed(instance) or (claim is not None and claim["status"]["phase"] == "Bound")

    def _lowest_frequency(self) -> int:
        """Of the nodes that run VMs; 0 where none says its own."""
        labels = [node["metadata"].get("labels", {}) for node in self._client.list("nodes")]
        able = [found for found in labels if found.get(nodeselectors.SCHEDULABLE) == "true"]
        return min((int(found[nodeselectors.TSC]) for found in able if nodeselectors.TSC in found), default=0)
