"""Kubelets' certificates that run out one after another: nodes fall silent one by one, and every VM lives on.

A kubelet without a certificate can renew neither its Lease nor the tokens of its pods, so virt-handler follows when its
own has run out. The machine, its VMs and its way to the disks know nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulator.machines.hypervisor import Hypervisor


def one_after_another(nodes: Sequence[str], first: float, every: float) -> dict[str, float]:
    """When each node's certificate ends: the first one's at `first`, and so on."""
    return {node: first + every * number for number, node in enumerate(nodes)}


@dataclass
class Certificates:
    """An actor. `ends`: by node, when its kubelet's ends, in seconds since the epoch; each does so once.

    `token`: seconds for which virt-handler's token outlives it; infinity where the API server extends tokens.
    """

    hypervisor: Hypervisor
    ends: Mapping[str, float]
    token: float = 3600.0
    name: str = "certificates"
    watches: tuple[str, ...] = ()
    _over: set[tuple[str, str]] = field(default_factory=set)

    def step(self, now: float) -> float | None:
        """Let what has run out fall silent."""
        for at, node, what in self._silences():
            if at <= now and (node, what) not in self._over:
                self._over.add((node, what))
                getattr(self.hypervisor, what)(node)
        return min((at for at, _, _ in self._silences() if now < at < float("inf")), default=None)

    def _silences(self) -> list[tuple[float, str, str]]:
        kubelets = [(at, node, "stop_kubelet") for node, at in self.ends.items()]
        return kubelets + [(at + self.token, node, "stop_virt_handler") for node, at in self.ends.items()]
