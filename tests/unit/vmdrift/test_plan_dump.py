"""A dump is read like the cluster; what it lacks is unknown, and never taken for fine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from reactor.model.drift import Policy
from reactor.model.errors import BadInput, Forbidden, Rejected
from simulator.client import ApiError
from simulator.scene import Storage, Vm
from simulator.world import World
from tests.unit.vmdrift.plans import LOST, fates_in, listed, read, world_of
from vmdrift.plan import exit_code
from vmdrift.plan.audit import audited
from vmdrift.plan.judge import Outcome
from vmdrift.snapshot import ClusterSnapshot, from_dump

VMS = (
    Vm("rbd", Storage.RBD_BLOCK, node=LOST),
    Vm("local", Storage.LOCAL, node=LOST),
    Vm("mirrored", Storage.HWAMEISTOR_HA, node=LOST),
    Vm("state", Storage.PERSISTENT_STATE, node=LOST),
    Vm("web", node=LOST),
)


def _dumped(world: World, folder: Path, *without: str) -> ClusterSnapshot:
    path = folder / "dump.json"
    path.write_bytes(orjson.dumps(listed(world, without)))
    return from_dump(str(path))


def test_a_dump_says_what_the_cluster_says(tmp_path: Path) -> None:
    world = world_of(*VMS)
    assert fates_in(_dumped(world, tmp_path)) == fates_in(read(world))


@pytest.mark.parametrize(
    ("resource", "unknown"),
    [
        ("persistentvolumeclaims", {"rbd", "local", "mirrored", "state"}),
        ("persistentvolumes", {"rbd", "local", "mirrored", "state"}),
        ("csidrivers", {"rbd", "mirrored", "state"}),
        ("volumeattachments", {"rbd", "mirrored", "state"}),
        ("localvolumes", {"mirrored"}),
        ("localvolumereplicas", {"mirrored"}),
        ("leases", {"rbd", "local", "mirrored", "state", "web"}),
        ("namespaces", {"rbd", "local", "mirrored", "state", "web"}),
    ],
)
def test_what_needs_a_kind_that_the_dump_lacks_is_unknown(resource: str, unknown: set[str], tmp_path: Path) -> None:
    there = _dumped(world_of(*VMS), tmp_path, resource)
    found = fates_in(there)
    assert {one.vm.name for one in found if one.outcome is Outcome.UNKNOWN} == unknown
    assert all(resource in one.sentence for one in found if one.outcome is Outcome.UNKNOWN)
    assert (resource in there.absent) == (not resource.startswith("local"))


def test_where_nothing_is_known_to_stay_the_exit_code_says_that_it_cannot_be_told(tmp_path: Path) -> None:
    there = _dumped(world_of(VMS[-1]), tmp_path, "leases")
    assert exit_code(fates_in(there)) == 2


@pytest.mark.parametrize("resource", ["nodes", "pods", "virtualmachines", "virtualmachineinstances"])
def test_a_dump_without_the_kinds_that_everything_stands_on_is_refused(resource: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=rf"holds no {resource}; make it with: vmdrift dump"):
        _dumped(world_of(VMS[-1]), tmp_path, resource)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"apiVersion: v1", "is not JSON"),
        (b"[]", "is not a List of objects"),
        (b'{"items": 1}', "is not a List of objects"),
        (b'{"items": [1, null, "a", [], {}]}', "holds no nodes, pods"),
        (
            b'{"items": [{"apiVersion": "v1", "kind": "Node", "metadata": {}}]}',
            r"items\[0\] is a Node without metadata",
        ),
        (b'{"items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}]}', r"metadata\.uid"),
        (b'{"items": []}', "holds no nodes, pods"),
    ],
)
def test_what_is_no_dump_is_refused_with_the_way_to_make_one(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "dump.json"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=said) as caught:
        from_dump(str(path))
    assert "kubectl get nodes," in str(caught.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(BadInput, match=r"/nowhere/dump\.json: No such file"):
        from_dump("/nowhere/dump.json")


@pytest.mark.parametrize(("without", "age"), [((), 5), (("leases",), 400)])
def test_a_dump_is_as_old_as_what_it_holds_and_not_as_its_reader(
    without: tuple[str, ...], age: float, tmp_path: Path
) -> None:
    """Kubelets report their conditions every five minutes, and renew their Leases every 10 s."""
    world = world_of(VMS[-1])
    world.run_for(1000)
    assert world.now - age <= _dumped(world, tmp_path, *without).at <= world.now


def _forbidden(*resources: str) -> Callable[[object], ApiError | None]:
    def fault(request: object) -> ApiError | None:
        hit = getattr(request, "resource", "") in resources
        return ApiError(403, "Forbidden", "you may not list that") if hit else None

    return fault


def test_of_a_cluster_what_may_not_be_listed_is_unknown_to_the_vms_that_need_it() -> None:
    world = world_of(*VMS)
    world.api.faults.append(_forbidden("volumeattachments", "virtualmachineinstancereplicasets"))
    there = read(world)
    found = {one.vm.name: one for one in fates_in(there)}
    assert there.absent == ("volumeattachments",)
    assert found["web"].outcome is Outcome.MOVES
    assert found["rbd"].sentence == "Unknown: to list volumeattachments is forbidden."


def test_without_what_everything_stands_on_it_cannot_be_told_at_all() -> None:
    world = world_of(*VMS)
    world.api.faults.append(_forbidden("pods"))
    with pytest.raises(Forbidden):
        read(world)


def test_a_vm_on_a_node_that_is_not_in_the_dump_is_unknown(tmp_path: Path) -> None:
    world = world_of(VMS[-1], Vm("there", node="node-b"))
    items = [item for item in listed(world)["items"] if (item["kind"], item["metadata"]["name"]) != ("Node", LOST)]
    path = tmp_path / "dump.json"
    path.write_bytes(orjson.dumps({"items": items}))
    nodes = {node.node.name: node.fates for node in audited(from_dump(str(path)), Policy())}
    assert [fate.sentence for fate in nodes[LOST]] == [f"Unknown: its node {LOST} is not in the dump."]
    assert [fate.outcome for fate in nodes["node-b"]] == [Outcome.MOVES]


def test_a_snapshot_is_never_changed() -> None:
    there = read(world_of())
    with pytest.raises(Rejected):
        there.delete("pods", "a", "b", uid="c")


def _names(there: ClusterSnapshot, **selectors: Any) -> list[str]:
    return [pod["metadata"]["name"] for page in there.pages("pods", **selectors) for pod in page.items]


def test_it_is_asked_by_namespace_label_and_node_like_the_cluster() -> None:
    there = read(world_of(Vm("a", node=LOST), Vm("b", node="node-b", namespace="shop")))
    launchers = _names(there, labels="kubevirt.io=virt-launcher")
    assert len(launchers) == 2
    assert _names(there, labels="kubevirt.io=virt-launcher", namespace="shop") == launchers[1:]
    assert _names(there, labels="kubevirt.io=virt-launcher", fields=f"spec.nodeName={LOST}") == launchers[:1]
    assert _names(there, labels="vm.kubevirt.io/name in (a,b),kubevirt.io=virt-launcher") == launchers
    assert _names(there, labels="vm.kubevirt.io/name in (c)") == []
