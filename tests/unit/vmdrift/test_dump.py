"""A dump is judged as what it was made of, and holds nothing that nobody needs to see."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.twins.cluster import ApiCluster
from simulator.scene import Kind, Storage, Vm
from tests.support.places import TRACES
from tests.unit.vmdrift.dumps import alike, judged, written
from tests.unit.vmdrift.plans import LOST, change, listed, read, world_of
from tests.unit.vmdrift.reports import FOLDER, NAMES, path
from vmdrift.snapshot import everything, snapshot
from vmdrift.snapshot.dump_file import Dump, parsed, read_dump

SECRET = "hunter2"
VMS = (
    Vm("rbd", Storage.RBD_BLOCK, node=LOST),
    Vm("pinned-one", Storage.LOCAL, node=LOST, pinned=True, toleration=900),
    Vm("mirrored", Storage.HWAMEISTOR_HA, node=LOST, namespace="shop"),
    Vm("sealed", Storage.PERSISTENT_STATE, node="node-b", annotations={"vmdrift.io/policy": "observe"}),
    Vm("plugged", Storage.RBD_HOTPLUGGED, node=LOST),
    Vm("web", node="node-b", kind=Kind.REPLICA_SET),
)


def traced(folder: Path) -> Dump:
    """A real cluster, right before it lost a node."""
    found = json.loads(gzip.decompress((folder / "before.json.gz").read_bytes()))
    return parsed(json.dumps({"items": [obj for some in found.values() for obj in some]}).encode(), folder.name)


@pytest.mark.parametrize("name", NAMES)
def test_the_dump_of_a_reported_cluster_is_judged_as_that_cluster_with_and_without_names(name: str) -> None:
    alike(read_dump(str(FOLDER / f"{name}.json")))


@pytest.mark.parametrize("folder", sorted(TRACES.glob("*/")), ids=lambda folder: folder.name)
def test_so_is_that_of_a_recorded_one(folder: Path) -> None:
    alike(traced(folder))


def test_so_is_that_of_a_live_one() -> None:
    world = world_of(*VMS)
    world.run_for(90)
    found = everything(ApiCluster(world.api, "admin"), world.now)
    assert judged(read(world)) == judged(snapshot(parsed(written(found), "dump")))
    alike(found)


def test_a_dump_of_ours_says_what_was_read_so_that_a_kind_without_objects_is_one() -> None:
    world = world_of()
    for storage_class in world.api.client("admin").list("storageclasses"):
        world.api.client("admin").delete("storageclasses", storage_class["metadata"]["name"])
    raw = written(everything(ApiCluster(world.api, "admin"), world.now))
    there = snapshot(parsed(raw, "dump"))
    assert (there.absent, there.at, judged(there)) == ((), world.now, [])


def test_a_dump_from_which_something_was_taken_is_one_of_a_part() -> None:
    world = world_of(*VMS)
    dump = json.loads(written(everything(ApiCluster(world.api, "admin"), world.now)))
    dump["items"] = [item for item in dump["items"] if item["kind"] != "StorageClass"]
    there = snapshot(parsed(json.dumps(dump).encode(), "dump"))
    assert (there.partial, there.absent) == (True, ("storageclasses",))


def _planted(value: Any, *, here: bool) -> Any:
    """A secret in every text from here on."""
    if isinstance(value, dict):
        return {key: _planted(one, here=here or key in _SECRETIVE) for key, one in value.items()}
    if isinstance(value, list):
        return [_planted(one, here=here) for one in value]
    return f"{value}{SECRET}" if here and isinstance(value, str) else value


_INLINE = {"userData": "#cloud-config", "networkData": "n", "secretRef": {"name": "s"}}
_SECRETIVE = {"annotations", "cloudInitNoCloud", "cloudInitConfigDrive", "sysprep", "env", "args", "command", "data"}
_SECRETIVE |= {"accessCredentials", "image", "serial", "hostname", "managedFields", "message", "unknown"}


def _secretive(item: dict[str, Any]) -> dict[str, Any]:
    """The object, with all that may hold a password."""
    meta = {**item["metadata"], "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"}}
    item = {**item, "metadata": {**meta, "managedFields": [{"manager": "a"}]}, "unknown": "u", "data": {"k": "v"}}
    for spec in (item.get("spec") or {}, ((item.get("spec") or {}).get("template") or {}).get("spec") or {}):
        if "domain" in spec:
            spec["volumes"] = [*spec.get("volumes", []), *({"name": k, k: _INLINE} for k in sorted(_SECRETIVE))]
            spec["accessCredentials"] = [{"userPassword": {"source": {"secret": {"secretName": "s"}}}}]
        for container in spec.get("containers") or ():
            container |= {"env": [{"name": "P", "value": "v"}], "args": ["a"], "command": ["c"], "image": "i"}
    return {key: _planted(value, here=key in _SECRETIVE) for key, value in item.items()}


def test_no_secret_of_a_vm_a_pod_or_an_annotation_comes_out() -> None:
    full = [_secretive(dict(item)) for item in json.loads(json.dumps(listed(world_of(*VMS))))["items"]]
    found = parsed(json.dumps({"items": full}).encode(), "dump")
    assert json.dumps(full).count(SECRET) > 100
    assert SECRET not in written(found).decode()
    assert SECRET not in written(found, nameless=True).decode()
    assert {"rbd", "pinned-one", "mirrored"} <= {obj["metadata"]["name"] for obj in found.objects["virtualmachines"]}


def test_labels_selectors_taints_and_affinity_get_other_words_and_decide_as_before() -> None:
    """Of three other nodes one lacks the label, one is tainted, one holds what it has to keep away from."""
    pool, team = "acme.example/pool", {"acme-team": "payments"}
    apart = {"labelSelector": {"matchLabels": team}, "topologyKey": "kubernetes.io/hostname"}
    rule = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}}
    spec = {"nodeSelector": {pool: "gold-acme"}, "affinity": rule}
    world = world_of(Vm("one", node=LOST), Vm("two", node="node-d"))
    for node in ("node-a", "node-c", "node-d"):
        change(world, "nodes", node, {"metadata": {"labels": {pool: "gold-acme"}}})
    change(world, "nodes", "node-c", {"spec": {"taints": [{"key": "acme.example/own", "effect": "NoSchedule"}]}})
    change(world, "virtualmachines", "one", {"spec": {"template": {"spec": spec}}}, "default")
    for pod in world.api.client("admin").list("pods", "default"):
        change(world, "pods", pod["metadata"]["name"], {"metadata": {"labels": team}}, "default")
    found = everything(ApiCluster(world.api, "admin"), world.now)
    alike(found)
    (fate,) = (one for one in judged(snapshot(found)) if one.vm.name == "one")
    assert fate.reason == "no-node-fits"
    assert all(f"{node}{why}" in fate.sentence for node, why in (("node-c", " bears acme."), ("node-d", ": ")))
    bare = written(found, nameless=True).decode()
    assert [word for word in ("acme", "gold", "payments") if word in bare] == []


def test_names_sort_as_they_did_so_that_the_same_vms_find_room() -> None:
    found = read_dump(str(path("r33")))
    bare = snapshot(parsed(written(found, nameless=True), "dump"))
    assert [fate.place for fate in judged(bare)] == [bare.nodes[1].name] * 2
    assert [str(fate.vm) for fate in judged(bare)] == sorted(str(fate.vm) for fate in judged(bare))
