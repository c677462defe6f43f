"""The next launcher asks for what the lost one had: what this cluster's KubeVirt and admission made of it."""

import copy
from collections.abc import Iterable
from typing import Any

from reactor.model.drift import Policy
from rehearsal.loaded import loaded
from rehearsal.outage import Played, played
from rehearsal.twins.cluster import ApiCluster
from simulator.actors.room import requested
from simulator.scene import Scene, Vm, staged
from simulator.world import World
from vmdrift.snapshot import everything

_NODES = ("node-a", "node-b", "node-c")
_DEDICATED = {"key": "dedicated", "operator": "Equal", "value": "vms", "effect": "NoSchedule"}


def _read(*vms: Vm) -> tuple[dict[str, Any], float]:
    world = staged(Scene(_NODES, vms))
    return copy.deepcopy(dict(everything(ApiCluster(world.api, "admin"), world.now).objects)), world.now


def _launcher(objects: dict[str, Any]) -> Any:
    return _of(objects["pods"])


def _of(pods: Iterable[Any]) -> Any:
    """The one launcher among them."""
    (pod,) = (pod for pod in pods if pod["metadata"].get("labels", {}).get("kubevirt.io") == "virt-launcher")
    return pod


def _played(objects: dict[str, Any], now: float) -> tuple[World, Played]:
    world = loaded(objects, now)
    (one,) = played(world, ["node-a"], Policy())
    return world, one


def _next(world: World) -> Any:
    return _of(world.store.objects("pods").values())


def _allow(objects: dict[str, Any], node: str, **amounts: str) -> None:
    (found,) = [one for one in objects["nodes"] if one["metadata"]["name"] == node]
    found["status"]["allocatable"] |= {name.replace("_", "/"): amount for name, amount in amounts.items()}


def test_it_asks_for_devices_and_overhead_that_only_the_lost_one_shows() -> None:
    objects, now = _read(Vm("web", node="node-a"))
    spec = _launcher(objects)["spec"]
    spec["containers"][0]["resources"]["requests"] |= {"nvidia.com/T4": "1", "memory": "6Gi", "hugepages-2Mi": "1Gi"}
    spec["overhead"] = {"cpu": "250m"}
    for node in _NODES:
        _allow(objects, node, **{"nvidia.com_T4": "0", "hugepages-2Mi": "8Gi"})
    _, nowhere = _played(objects, now)
    assert nowhere.down is None
    assert nowhere.record
    assert "Insufficient nvidia.com/T4" in nowhere.record.sentence
    _allow(objects, "node-c", **{"nvidia.com_T4": "1"})
    world, there = _played(objects, now)
    assert there.node == "node-c"
    asked = requested(_next(world))
    assert {name: asked[name] for name in ("cpu", "memory", "hugepages-2Mi", "nvidia.com/T4", "pods")} == {
        "cpu": 0.35,
        "memory": 6 * 2**30,
        "hugepages-2Mi": 2**30,
        "nvidia.com/T4": 1,
        "pods": 1,
    }


def test_it_has_the_node_selectors_and_tolerations_that_admission_gave_the_lost_one() -> None:
    objects, now = _read(Vm("web", node="node-a"))
    pod = _launcher(objects)
    pod["spec"]["nodeSelector"] |= {"for": "vms", "scheduling.node.kubevirt.io/tsc-frequency-1": "true"}
    pod["spec"]["tolerations"].append(_DEDICATED)
    for node in objects["nodes"]:
        node["metadata"]["labels"] |= {"for": "vms"} if node["metadata"]["name"] == "node-b" else {}
        node["spec"]["taints"] = [{name: _DEDICATED[name] for name in ("key", "value", "effect")}]
    world, one = _played(objects, now)
    assert one.node == "node-b"
    assert _next(world)["spec"]["nodeSelector"].keys() >= {"for", "kubevirt.io/schedulable"}
    assert "scheduling.node.kubevirt.io/tsc-frequency-1" not in _next(world)["spec"]["nodeSelector"]


def test_what_an_older_kubevirt_asks_no_node_for_is_not_asked_for_again() -> None:
    objects, now = _read(Vm("web", node="node-a"))
    gated = [key for key in _launcher(objects)["spec"]["nodeSelector"] if key.startswith("machine-type.")]
    assert gated
    for key in gated:
        del _launcher(objects)["spec"]["nodeSelector"][key]
    for node in objects["nodes"]:
        labels = node["metadata"]["labels"]
        node["metadata"]["labels"] = {key: labels[key] for key in labels if not key.startswith("machine-type.")}
    world, one = _played(objects, now)
    assert one.node
    assert not any(key.startswith("machine-type.") for key in _next(world)["spec"]["nodeSelector"])


def test_another_scheduler_s_vm_is_placed_as_kubernetes_own_would() -> None:
    objects, now = _read(Vm("web", node="node-a"))
    for spec in (
        objects["virtualmachines"][0]["spec"]["template"]["spec"],
        objects["virtualmachineinstances"][0]["spec"],
    ):
        spec["schedulerName"] = "volcano"
    assert _played(objects, now)[1].node in {"node-b", "node-c"}
