"""`python -m benchmarks.requests`: API requests per undisturbed drift, in clusters of 3 to 5,000 nodes.

In virtual time, from the power cut to the end of the last drift, counted at the simulated API server: ten VMs on the
lost node, each waits for its window, is released, and runs elsewhere.
"""

import sys
from collections.abc import Mapping

from benchmarks.report import Figure, report
from benchmarks.still import Counted
from simulator.scene import Scene, Storage, Vm
from tests.support.virtual import Play

SIZES, VMS = (3, 100, 1000, 5000), 10
_MOST = {Storage.CONTAINER_DISK: 12, Storage.RBD_BLOCK: 20}
_ROLES = {"drifts": "drift passes", "intake": "intake"}


def asked(nodes: int, storage: Storage) -> Mapping[str, float]:
    """Per drift, by role."""
    names = tuple(f"node-{number}" for number in range(nodes))
    scene = Scene(names, tuple(Vm(f"vm-{number}", storage, node=names[0]) for number in range(VMS)))
    play = Play.of(scene, waker=True)
    play.world.hypervisor.power_cut(names[0])
    audited = play.world.api.audit = Counted()
    if not play.until_ended(1200):
        raise RuntimeError("not every drift has ended")
    return {role: sum(n for (user, *_), n in audited.counts.items() if user == role) / VMS for role in _ROLES}


def main() -> int:
    """Returns the exit code."""
    figures = []
    for storage in (Storage.CONTAINER_DISK, Storage.RBD_BLOCK):
        for nodes in SIZES:
            found = asked(nodes, storage)
            for role, shown in _ROLES.items():
                target = _MOST[storage] if role == "drifts" else None
                figures.append(Figure(f"{storage.value}, {nodes:,} nodes: {shown}", found[role], "", target))
    return report("requests", "API requests per undisturbed drift", figures, vms=VMS)


if __name__ == "__main__":
    sys.exit(main())
