"""Scenes as `plan` sees them."""

from collections.abc import Iterable, Mapping
from typing import Any

from reactor.model.drift import Policy
from rehearsal.twins.cluster import ApiCluster
from simulator.client import Obj
from simulator.scene import Scene, Vm, staged
from simulator.store.objects import copied
from simulator.store.resources import SERVED
from simulator.vms import ClaimPod
from simulator.world import World
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.judge import Prediction, predictions
from vmdrift.snapshot import ClusterSnapshot, from_cluster

LOST, NODES = "node-a", ("node-a", "node-b", "node-c", "node-d")


def world_of(*vms: Vm, nodes: tuple[str, ...] = NODES, pods: tuple[ClaimPod, ...] = ()) -> World:
    """All of it up."""
    return staged(Scene(nodes, vms, pods))


def read(world: World) -> ClusterSnapshot:
    """The cluster as it is now."""
    return from_cluster(ApiCluster(world.api, "admin"), world.now)


def change(world: World, resource: str, name: str, patch: Obj, namespace: str = "", **more: Any) -> None:
    """Patch an object as an administrator."""
    world.api.client("admin").patch(resource, name, patch, namespace, **more)


def planned(world: World, node: str = LOST, policy: Policy | None = None) -> list[Prediction]:
    """What is told of a node's VMs."""
    return fates_in(read(world), node, policy)


def fates_in(there: ClusterSnapshot, node: str = LOST, policy: Policy | None = None) -> list[Prediction]:
    """What is told of a node's VMs in a snapshot."""
    return predictions(there, node, policy or Policy(), FreeRoom.of(there))


def fate(*vms: Vm, policy: Policy | None = None, **more: Any) -> Prediction:
    """Of a scene's only VM."""
    (found,) = planned(world_of(*vms, **more), policy=policy)
    return found


def listed(world: World, without: Iterable[str] = ()) -> Mapping[str, Any]:
    """The List that `kubectl get ... -A -o json` would write, without some resources."""
    kinds = {kind.plural: kind for kind in SERVED if kind.plural not in set(without)}
    client = world.api.client("admin")
    items = [
        {**copied(obj), "kind": kind.kind, "apiVersion": kind.api_version}
        for plural, kind in kinds.items()
        for obj in client.list(plural)
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}
