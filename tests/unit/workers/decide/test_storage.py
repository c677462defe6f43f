"""Can the VM's volumes follow it? The recorded claim on RBD with single fields changed, and every kind of volume."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Policy, Proof
from tests.unit.workers.decide.recorded import seen, vm_of, volume
from workers.decide.decision import Judgement, Passed
from workers.decide.observation import Observation, Replicas, Volume
from workers.decide.storage import CLAIMS, storage

_RBD = volume("vm-rbd")
_RWX = replace(_RBD, modes=("ReadWriteMany",))
_LONGHORN = replace(_RBD, driver="driver.longhorn.io")
_HA = replace(_RBD, driver="lvm.hwameistor.io", replicas=Replicas(2, ("node-a", "node-b")))
_WITH_CLAIM = ["persistentVolumeClaim", "dataVolume", "ephemeral", "persistentState", "memoryDump"]


def _with(*volumes: Volume, **changes: Any) -> Observation:
    return replace(seen("vm-cd"), volumes=volumes, **changes)


def _reason(observation: Observation, policy: Policy | None = None, proof: Proof = Proof.SILENT) -> str:
    verdict = storage(observation, "node-a", policy or Policy(), proof)
    return verdict.reason if isinstance(verdict, Judgement) else ""


@pytest.mark.parametrize("vm", ["vm-cd", "vm-rbd", "vm-rbdfs", "vm-hp"])
def test_the_recorded_disks_can_follow(vm: str) -> None:
    assert isinstance(storage(seen(vm), "node-a", Policy(), Proof.SILENT), Passed)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("cloudInitConfigDrive", ""),
        ("cloudInitNoCloud", ""),
        ("configMap", ""),
        ("containerDisk", ""),
        ("downwardAPI", ""),
        ("downwardMetrics", ""),
        ("emptyDisk", ""),
        ("secret", ""),
        ("serviceAccount", ""),
        ("sysprep", ""),
        ("hostDisk", "node-local-volume"),
        ("containerPath", "unsupported-storage"),
        ("somethingNew", "unsupported-storage"),
        ("", "unsupported-storage"),
    ],
)
def test_each_kind_of_volume_without_a_claim_is_written_out_or_unsafe(kind: str, reason: str) -> None:
    assert _reason(_with(Volume("root", kind))) == reason


@pytest.mark.parametrize("kind", _WITH_CLAIM)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"driver": "rbd.csi.ceph.com"}, ""),
        ({"driver": "tenant.rbd.csi.ceph.com"}, ""),
        ({"driver": "rook-ceph.cephfs.csi.ceph.com"}, ""),
        ({"driver": "cephfs.csi.ceph.com"}, ""),
        ({"modes": ("ReadWriteOncePod",)}, ""),
        ({"modes": ("ReadWriteMany",)}, "shared-volume-not-fenced"),
        ({"modes": ("ReadWriteOnce", "ReadWriteMany")}, "shared-volume-not-fenced"),
        ({"modes": ("ReadWriteOnce", "ReadOnlyMany")}, "shared-volume-not-fenced"),
        ({"modes": ()}, "shared-volume-not-fenced"),
        ({"attaches": False}, "shared-volume-not-fenced"),
        ({"modes": ("ReadOnlyMany",)}, ""),
        ({"modes": ("ReadWriteMany",), "read_only": True}, ""),
        ({"attaches": False, "read_only": True}, ""),
        ({"source": "local", "driver": ""}, "node-local-volume"),
        ({"source": "hostPath", "driver": ""}, "node-local-volume"),
        ({"source": "another", "driver": ""}, "unsupported-storage"),
        ({"driver": "disk.hwameistor.io"}, "node-local-volume"),
        ({"driver": "ebs.csi.aws.com"}, "unsupported-storage"),
        ({"driver": "driver.longhorn.io"}, "unsupported-storage"),
        ({"driver": "rook-ceph.nfs.csi.ceph.com"}, "unsupported-storage"),
        ({"driver": "rbd.csi.ceph.com.evil.example"}, "unsupported-storage"),
        ({"driver": "evilrbd.csi.ceph.com"}, "unsupported-storage"),
        ({"trouble": "claim rbd-disk is missing"}, "claim-not-ready"),
        ({"trouble": "claim rbd-disk is Pending", "driver": "", "source": ""}, "claim-not-ready"),
    ],
)
def test_a_claim_follows_only_on_storage_that_is_known_to_be_shared_and_guarded(
    kind: str, change: dict[str, Any], reason: str
) -> None:
    assert kind in CLAIMS
    assert _reason(_with(replace(_RBD, kind=kind, **change))) == reason


@pytest.mark.parametrize("volume", [_RWX, replace(_RBD, attaches=False)], ids=["RWX", "attachRequired: false"])
@pytest.mark.parametrize(
    ("proof", "allowed", "reason"),
    [
        (Proof.NONE, False, "shared-volume-not-fenced"),
        (Proof.SILENT, False, "shared-volume-not-fenced"),
        (Proof.FENCED, False, ""),
        (Proof.SILENT, True, ""),
    ],
)
def test_a_volume_that_nothing_guards_follows_only_when_the_node_is_fenced_or_the_risk_is_taken(
    volume: Volume, proof: Proof, allowed: bool, reason: str
) -> None:
    assert _reason(_with(volume), Policy(allow_unfenced_rwx=allowed), proof) == reason


@pytest.mark.parametrize(
    ("volume", "part"),
    [
        (_RWX, "it allows ReadWriteMany"),
        (replace(_RBD, modes=()), "nobody knows which access modes"),
        (replace(_RBD, attaches=False), "attaches nothing (attachRequired: false)"),
    ],
)
def test_it_is_said_why_nothing_guards_a_volume(volume: Volume, part: str) -> None:
    assert part in storage(_with(volume), "node-a", Policy(), Proof.SILENT).sentence


@pytest.mark.parametrize(
    ("globs", "reason"),
    [
        ((), "unsupported-storage"),
        (("driver.longhorn.io",), ""),
        (("*.longhorn.io",), ""),
        (("driver.longhorn.?o", "other"), ""),
        (("longhorn.io",), "unsupported-storage"),
        (("DRIVER.longhorn.io",), "unsupported-storage"),
    ],
)
def test_what_the_operator_says_is_shared_is_shared(globs: tuple[str, ...], reason: str) -> None:
    assert _reason(_with(_LONGHORN), Policy(shared_csi_drivers=globs)) == reason


def test_what_the_operator_says_is_shared_is_still_not_guarded_and_not_the_lost_nodes_own() -> None:
    everything = Policy(shared_csi_drivers=("*",))
    assert _reason(_with(replace(_LONGHORN, modes=("ReadWriteMany",))), everything) == "shared-volume-not-fenced"
    assert _reason(_with(replace(_RBD, driver="disk.hwameistor.io")), everything) == "node-local-volume"
    assert _reason(_with(replace(_RBD, source="local", driver="")), everything) == "node-local-volume"
    assert _reason(_with(replace(_HA, replicas=Replicas(1, ("node-a",)))), everything) == "node-local-volume"


@pytest.mark.parametrize(
    ("replicas", "reason"),
    [
        (Replicas(2, ("node-a", "node-b")), ""),
        (Replicas(3, ("node-c",)), ""),
        (Replicas(2, ("node-a",)), "replica-not-synced"),
        (Replicas(2, ()), "replica-not-synced"),
        (Replicas(2, ("nowhere",)), "replica-not-synced"),
        (Replicas(1, ("node-a",)), "node-local-volume"),
        (Replicas(0, ()), "node-local-volume"),
        (None, "replica-not-synced"),
    ],
)
def test_hwameistor_needs_a_second_replica_that_lives_and_is_synced(replicas: Replicas | None, reason: str) -> None:
    assert _reason(_with(replace(_HA, replicas=replicas))) == reason


@pytest.mark.parametrize("change", [{"ready": "Unknown"}, {"ready": "False"}, {"unschedulable": True}])
def test_a_replica_on_a_node_that_is_away_does_not_count(change: dict[str, Any]) -> None:
    nodes = tuple(replace(node, **change) if node.name == "node-b" else node for node in seen("vm-cd").nodes)
    assert _reason(_with(_HA, nodes=nodes)) == "replica-not-synced"


def test_hwameistor_volumes_need_a_guard_too() -> None:
    assert _reason(_with(replace(_HA, modes=("ReadWriteMany",)))) == "shared-volume-not-fenced"


@pytest.mark.parametrize("change", [{"trouble": "claim dump is missing"}, {"driver": "ebs.csi.aws.com"}])
def test_a_memory_dump_matters_until_it_is_complete(change: dict[str, Any]) -> None:
    dump = replace(_RBD, name="dump", kind="memoryDump", **change)
    vm = vm_of(seen("vm-cd"))
    assert _reason(_with(dump, vm=replace(vm, dumped=True))) == ""
    assert _reason(_with(dump, vm=vm)) != ""
    assert _reason(_with(replace(dump, kind="persistentVolumeClaim"), vm=replace(vm, dumped=True))) != ""


@pytest.mark.parametrize("first", [_RBD, Volume("root", "containerDisk")])
def test_one_volume_that_cannot_follow_is_enough(first: Volume) -> None:
    assert _reason(_with(first, Volume("scratch", "hostDisk"), _RBD)) == "node-local-volume"


def test_a_vm_without_volumes_keeps_nothing_on_its_node() -> None:
    assert storage(_with(), "node-a", Policy(), Proof.SILENT) == Passed("It keeps nothing on the node.")


def test_what_is_lost_with_the_node_though_the_vm_moves_is_said() -> None:
    overlay = replace(_RBD, name="overlay", kind="ephemeral")
    sentence = storage(_with(_RBD, overlay, Volume("scratch", "emptyDisk")), "node-a", Policy(), Proof.SILENT).sentence
    assert "rbd-disk (rook-ceph.rbd.csi.ceph.com)" in sentence
    assert "what was written to overlay, scratch is lost." in sentence


def test_the_sentences_name_the_volume_its_claim_and_its_driver() -> None:
    sentence = storage(_with(replace(_RBD, driver="ebs.csi.aws.com")), "node-a", Policy(), Proof.SILENT).sentence
    for part in ("root", "rbd-disk", "run1-rbd-disk", "ebs.csi.aws.com", "VMDRIFT_SHARED_CSI_DRIVERS"):
        assert part in sentence
