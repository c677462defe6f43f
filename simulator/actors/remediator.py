"""A medik8s operator: it powers off the node that a remediation names, and says so in its conditions.

Source: medik8s/fence-agents-remediation `internal/controller/fenceagentsremediation_controller.go` and
`pkg/utils/conditions.go`: Processing at first, Succeeded when the fence agent has done it; a finalizer meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.actors import objects
from simulator.client import Client, Obj
from simulator.machines.hypervisor import Hypervisor
from simulator.store.objects import rfc3339

_FINALIZER = "medik8s.io/fence-agents-remediation"
_NODE_NAME = "remediation.medik8s.io/node-name"


@dataclass
class Remediator:
    """`takes`: seconds; `fails`: what the fence agent says instead; `hangs`: it does not look at anything.

    `reboots`: the machine is on again afterwards. `lies`: it says that it has succeeded, and does nothing; `remembers`:
    it does so of a node that it has fenced once, in whatever boot. `plugs`: by node, whose machine its plug is of.
    """

    client: Client
    hypervisor: Hypervisor
    takes: float = 5.0
    fails: str = ""
    hangs: bool = False
    reboots: bool = False
    resource: str = "fenceagentsremediations"
    name: str = "remediator"
    lies: bool = False
    remembers: bool = False
    plugs: Mapping[str, str] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _fenced: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._remediations = self.client.informer(self.resource)

    @property
    def watches(self) -> tuple[str, ...]:
        """What it is woken for."""
        return (self.resource,)

    def step(self, now: float) -> float | None:
        """Begin what is new, end what has taken its time."""
        self._remediations.poll()
        if self.hangs:
            return None
        for remediation in list(self._remediations.objects.values()):
            self._sync(remediation, now)
        return min((due for due in self._due.values() if due > now), default=None)

    def _sync(self, remediation: Obj, now: float) -> None:
        meta = remediation["metadata"]
        if objects.deleting(remediation):
            self._due.pop(meta["uid"], None)
            self.client.patch(self.resource, meta["name"], {"metadata": {"finalizers": None}}, meta["namespace"])
        elif not objects.conditions(remediation):
            self._due[meta["uid"]] = now + self.takes
            finalizers = {"metadata": {"finalizers": [_FINALIZER]}}
            self.client.patch(self.resource, meta["name"], finalizers, meta["namespace"])
            self._told(remediation, now, Processing="True", Succeeded="Unknown")
        elif self._due.get(meta["uid"], now + 1) <= now:
            del self._due[meta["uid"]]
            self._end(remediation, now)

    def _end(self, remediation: Obj, now: float) -> None:
        meta = remediation["metadata"]
        node = (meta.get("annotations") or {}).get(_NODE_NAME) or meta["name"]
        if self.fails:
            self._told(remediation, now, Processing="False", Succeeded="False")
            return
        if not (self.lies or (self.remembers and node in self._fenced)):
            self._fence(node)
        self._told(remediation, now, Processing="False", Succeeded="True")

    def _fence(self, node: str) -> None:
        self._fenced.add(node)
        machine = self.plugs.get(node, node)
        self.hypervisor.power_cut(machine, by="remediation")
        if self.reboots:
            self.hypervisor.power_on(machine)

    def _told(self, remediation: Obj, now: float, **statuses: str) -> None:
        meta = remediation["metadata"]
        conditions = [
            {
                "type": kind,
                "status": status,
                "reason": "Told",
                "message": self.fails,
                "lastTransitionTime": rfc3339(now),
            }
            for kind, status in statuses.items()
        ]
        status = {"status": {"conditions": conditions}}
        self.client.patch(self.resource, meta["name"], status, meta["namespace"], subresource="status")
