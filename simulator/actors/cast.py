"""Everyone a simulated cluster needs."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from simulator.actors.attach_detach import AttachDetach
from simulator.actors.csi_attacher import CsiAttacher
from simulator.actors.csi_provisioner import CsiProvisioner
from simulator.actors.kubelets import Kubelets
from simulator.actors.leader import Leader
from simulator.actors.migrations import Migrations
from simulator.actors.node_lifecycle import NodeLifecycle
from simulator.actors.pod_gc import PodGc
from simulator.actors.scheduler import Scheduler
from simulator.actors.taint_eviction import TaintEviction
from simulator.actors.virt_controller import VirtController
from simulator.actors.virt_handlers import VirtHandlers
from simulator.api.node_restriction import HANDLER
from simulator.client import Client
from simulator.machines.hypervisor import Hypervisor
from simulator.timing import Timing
from simulator.world import Actor

_ACCOUNT = "system:serviceaccount:kube-system:"
MACHINERY = ("kubelet", "virt-handler", "csi-attacher")  # what a control plane without machines lacks


class ClientOf(Protocol):
    """A user's access; `node`: the one that the user's token is bound to."""

    def __call__(self, user: str, node: str = "") -> Client:
        """The client."""


@dataclass(frozen=True)
class Phases:
    """When the periodic looks fall: seconds from the first step to the first look. `seed` decides what jitters."""

    node_monitor: float = 0.0
    node_look: float = 0.0
    attach_sync: float = 0.0
    pod_gc: float = 0.0
    seed: int = 0


def any_phases(seed: int, timing: Timing) -> Phases:
    """Phases as an observer finds them: anywhere in their periods; the golden logs know pod collection at phase 0."""
    drawn = random.Random(seed)  # noqa: S311 - phases must repeat with the seed
    return Phases(
        drawn.uniform(0, timing.node_monitor_period),
        drawn.uniform(0, timing.node_look),
        drawn.uniform(0, timing.attach_sync),
        seed=seed,
    )


def cast(
    client_of: ClientOf, hypervisor: Hypervisor, timing: Timing, phases: Phases, *, room: bool = False
) -> list[Actor]:
    """All controllers, and the kubelets and virt-handlers of the hypervisor's machines. `room`: see Scheduler."""
    return [
        *control_plane(client_of, timing, phases, room=room),
        *kubevirt(client_of, timing, phases),
        *machinery(client_of, hypervisor, timing, seed=phases.seed),
        CsiProvisioner(client_of("system:serviceaccount:rook-ceph:csi-provisioner")),
    ]


def control_plane(
    client_of: ClientOf, timing: Timing, phases: Phases, leader: Leader | None = None, *, room: bool = False
) -> list[Actor]:
    """What a real kube-controller-manager, led by `leader`, and kube-scheduler do."""
    leader = leader or Leader()
    return [
        NodeLifecycle(client_of(f"{_ACCOUNT}node-controller"), timing, phases.node_monitor, leader),
        TaintEviction(client_of(f"{_ACCOUNT}taint-eviction-controller"), timing, leader),
        AttachDetach(client_of(f"{_ACCOUNT}attachdetach-controller"), timing, phases.attach_sync),
        PodGc(client_of(f"{_ACCOUNT}pod-garbage-collector"), timing, phases.pod_gc),
        Scheduler(client_of("system:kube-scheduler"), timing, room=room),
    ]


def kubevirt(client_of: ClientOf, timing: Timing, phases: Phases) -> list[Actor]:
    """What a real virt-controller does."""
    return [
        VirtController(client_of("system:kubevirt:virt-controller"), timing, phases.node_look),
        Migrations(client_of("system:kubevirt:virt-controller")),
    ]


def machinery(
    client_of: ClientOf, hypervisor: Hypervisor, timing: Timing, names: Sequence[str] = MACHINERY, seed: int = 0
) -> list[Actor]:
    """Those of `MACHINERY` that are named, for the hypervisor's machines only; KeyError for another name."""
    nodes, handlers = client_of("system:nodes"), client_of(HANDLER)
    attacher = client_of("system:serviceaccount:rook-ceph:csi-attacher")
    makers: Mapping[str, Callable[[], Actor]] = {
        "kubelet": lambda: Kubelets(nodes, hypervisor, timing, lambda node: client_of(f"system:node:{node}"), seed),
        "virt-handler": lambda: VirtHandlers(handlers, hypervisor, timing, lambda node: client_of(HANDLER, node), seed),
        "csi-attacher": lambda: CsiAttacher(attacher, timing, hypervisor.machines),
    }
    return [makers[name]() for name in names]
