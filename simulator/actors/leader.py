"""The controller manager as one process: its name, its clock and its Lease; and what of it dies with it.

Source: client-go `tools/leaderelection`. Its controllers are actors of their own and share one `Leader`.
"""

from dataclasses import dataclass, field
from http import HTTPStatus

from simulator.actors import objects
from simulator.client import ApiError, Client, Obj

LEASE = "kube-system", "kube-controller-manager"  # namespace and name
CONTROLLERS = frozenset({"node-lifecycle", "taint-eviction", "attach-detach", "pod-gc"})  # names of its actors
_DURATION = 15  # seconds, --leader-elect-lease-duration: whoever is silent for as long has lost


@dataclass
class Leader:
    """The process that leads. `skew`: seconds by which its clock is ahead of the API server's, negative for behind."""

    identity: str = "kube-controller-manager-0"
    skew: float = 0.0
    _leads: bool = field(default=False, init=False)

    def clock(self, now: float) -> float:
        """What its clock shows at `now`: the time in whatever it writes."""
        return now + self.skew

    def renew(self, client: Client, now: float) -> None:
        """Keep the Lease; take it over from another."""
        at = objects.micro_time(self.clock(now))
        spec: Obj = {"leaseDurationSeconds": _DURATION, "holderIdentity": self.identity, "renewTime": at}
        try:
            if not self._leads:
                old = client.get("leases", LEASE[1], LEASE[0])["spec"]
                spec |= {"acquireTime": at, "leaseTransitions": old["leaseTransitions"] + 1}
            client.patch("leases", LEASE[1], {"spec": spec}, LEASE[0])
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            meta = {"namespace": LEASE[0], "name": LEASE[1]}
            client.create("leases", {"metadata": meta, "spec": spec | {"acquireTime": at, "leaseTransitions": 0}})
        self._leads = True
