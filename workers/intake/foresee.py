"""What keeps a VM down from the first moment on, by what the search for it has read anyway: its VM, and its instance.

That is not all that a drift checks: its volumes, its namespace and all nodes are read when it is judged. So nothing is
foreseen here of a VM that nothing speaks against, and whatever is foreseen decides nothing.
"""

from collections.abc import Iterator

from reactor.adapters.kubernetes.cluster import Cluster, Page
from reactor.model.drift import Phase, Policy
from reactor.model.forecast import Forecast
from reactor.model.identity import VmRef
from reactor.model.objects import JsonObject, Obj, text
from workers.decide.annotations import permitted, wished
from workers.decide.decision import Judgement
from workers.decide.observation import Observation, VmView
from workers.decide.restart import comeback
from workers.observe.parse import vm_view

_HOSTNAME = "kubernetes.io/hostname"  # by which people pin a VM to a node


class Remembering:
    """A Cluster that keeps what was found by its name."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.found: dict[tuple[str, str], Obj] = {}

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """As the Cluster does."""
        obj = self._cluster.find(resource, name, namespace)
        if obj is not None:
            self.found[resource, name] = obj
        return obj

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = 500
    ) -> Iterator[Page]:
        """As the Cluster does."""
        return self._cluster.pages(resource, namespace=namespace, labels=labels, fields=fields, limit=limit)

    def delete(self, resource: str, name: str, namespace: str = "", **more: str | int | None) -> None:
        """Nothing is deleted while VMs are looked for."""
        raise NotImplementedError

    def time(self) -> float | None:
        """As the Cluster does."""
        return self._cluster.time()


def foreseen(vm: VmRef, obj: Obj | None, host: str, policy: Policy, now: float) -> Forecast | None:
    """That it stays down, and why; None where nothing is known to speak against its move.

    `obj`: its VirtualMachine, None for an instance without one; `host`: the lost node's hostname.
    """
    view = vm_view(obj) if obj else VmView(vm.uid, "", deleting=False, template={})
    seen = Observation(None, view, None)
    verdicts = (comeback(vm, view, None), permitted(seen, wished(seen, policy)), _pinned(view, host))
    objection = next((verdict for verdict in verdicts if isinstance(verdict, Judgement)), None)
    if objection is None or objection.phase is Phase.CANCELLED:  # it is not to run
        return None
    return Forecast(now, moves=False, reason=objection.reason, sentence=objection.sentence)


def _pinned(view: VmView, host: str) -> Judgement | None:
    """To the lost node, by the simplest of all ways."""
    if not host or text(view.template, "nodeSelector", _HOSTNAME) != host:
        return None
    return Judgement("pinned-to-node", f"Its nodeSelector admits no node but {host}.")
