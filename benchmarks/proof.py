"""`python -m benchmarks.proof [LOSSES]`: from a power cut to the last release, where proof is to be had.

In virtual time. Default timings of kubelets and of Kubernetes; the loss comes at a random moment of the kubelet's
interval. The host is off and its BMC says so from the first second; or the BMC is dark, and network-fence is asked.
"""

import random
import sys
from dataclasses import replace
from statistics import median, quantiles

from benchmarks.report import Figure, report
from reactor.model.drift import Policy
from rehearsal.twins.bmc import MachineBmcs
from simulator.actors.network_fencer import NetworkFencer
from simulator.fencing import add_storage_clients
from simulator.scene import Scene, Storage, Vm
from tests.support.virtual import Play
from workers.fencing.providers.redfish import Redfish

LOSSES, LOST, SETTLED = 1000, "node-a", 60.0
_NODES = (LOST, "node-b", "node-c", "node-d")
_DISK = Vm("disk", Storage.RBD_BLOCK, node=LOST)
_LIMIT = 400.0  # seconds
_DARK = Policy(fencing=("redfish", "network-fence"))


def off(number: int) -> float:
    """Seconds from the power cut to the last release; the BMC answers."""
    play, _ = _settled(Policy(fencing=("redfish",)), number, _DISK, Vm("plain", node=LOST))
    return _lost(play)


def dark(number: int, policy: Policy) -> float:
    """The same; the BMC has lost its power, too."""
    play, bmcs = _settled(policy, number, _DISK)
    bmcs.hanging.add(LOST)
    admin = play.world.api.client("system:admin")
    play.world.add(NetworkFencer(admin, play.world.hypervisor, add_storage_clients(admin, _NODES)))
    return _lost(play)


def _settled(policy: Policy, number: int, *vms: Vm) -> tuple[Play, MachineBmcs]:
    """At a moment that differs from one loss to the next."""
    play = Play.of(Scene(_NODES, vms), policy, number, watchers=2, waker=True, suspects=True)
    nodes = play.world.store.objects("nodes").values()
    uuids = {node["metadata"]["name"]: node["status"]["nodeInfo"]["systemUUID"] for node in nodes}
    bmcs = MachineBmcs(play.world.hypervisor, uuids)
    play.reactor.providers["redfish"] = Redfish(bmcs)
    play.world.run_for(SETTLED + random.Random(number).uniform(0.0, 40.0))  # noqa: S311 - it repeats
    return play, bmcs


def _lost(play: Play) -> float:
    at = play.world.now
    play.world.hypervisor.power_cut(LOST)
    if not play.world.run(lambda: len(_released(play)) == len(play.vms), _LIMIT):
        raise RuntimeError(f"not released: {[(record.reason, record.sentence) for record in play.records]}")
    return max(_released(play)) - at


def _released(play: Play) -> list[float]:
    return [record.released_at for record in play.records if record.released_at is not None]


def main(losses: int) -> int:
    """Returns the exit code."""
    found = [off(number) for number in range(losses)]
    witnessed = [dark(number, replace(_DARK, fence_at="suspicion")) for number in range(losses // 10)]
    alone = [dark(number, _DARK) for number in range(losses // 20)]
    figures = [
        Figure("host off, BMC answers: power cut to last release, median", median(found), "s", 15.0),
        Figure("the same, p99", quantiles(found, n=100, method="inclusive")[98], "s", 20.0),
        Figure("BMC dark, network-fence with witnesses: most", max(witnessed), "s", 75.0),
        Figure("BMC dark, network-fence without: most", max(alone), "s", 200.0),
    ]
    return report("proof", "Time to proof (simulated)", figures, losses=losses)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else LOSSES))
