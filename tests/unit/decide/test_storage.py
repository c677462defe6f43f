"""Can the VM's volumes follow it? The recorded claim on RBD with single fields changed, and every kind of volume."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.decide.recorded import seen, volume
from workers.decide.decision import Held, Judgement
from workers.decide.observation import Volume
from workers.decide.storage import storage

_RBD = volume("vm-rbd")


def _reason(*volumes: Volume) -> str:
    verdict = storage(replace(seen("vm-cd"), volumes=volumes))
    return verdict.reason if isinstance(verdict, Judgement) else ""


@pytest.mark.parametrize("vm", ["vm-cd", "vm-rbd", "vm-rbdfs", "vm-hp"])
def test_the_recorded_disks_can_follow(vm: str) -> None:
    assert isinstance(storage(seen(vm)), Held)


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
        ("memoryDump", "unsupported-storage"),
        ("somethingNew", "unsupported-storage"),
        ("", "unsupported-storage"),
    ],
)
def test_each_kind_of_volume_without_a_claim_is_written_out_or_unsafe(kind: str, reason: str) -> None:
    assert _reason(Volume("root", kind)) == reason


@pytest.mark.parametrize("kind", ["persistentVolumeClaim", "dataVolume", "ephemeral"])
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
        ({"modes": ("ReadOnlyMany",)}, "shared-volume-not-fenced"),
        ({"modes": ()}, "shared-volume-not-fenced"),
        ({"source": "local", "driver": ""}, "node-local-volume"),
        ({"source": "hostPath", "driver": ""}, "node-local-volume"),
        ({"source": "another", "driver": ""}, "unsupported-storage"),
        ({"driver": "lvm.hwameistor.io"}, "unsupported-storage"),
        ({"driver": "disk.hwameistor.io"}, "unsupported-storage"),
        ({"driver": "ebs.csi.aws.com"}, "unsupported-storage"),
        ({"driver": "rook-ceph.nfs.csi.ceph.com"}, "unsupported-storage"),
        ({"driver": "rbd.csi.ceph.com.evil.example"}, "unsupported-storage"),
        ({"driver": "evilrbd.csi.ceph.com"}, "unsupported-storage"),
        ({"trouble": "claim rbd-disk is missing"}, "claim-not-ready"),
        ({"trouble": "claim rbd-disk is Pending", "driver": "", "source": ""}, "claim-not-ready"),
    ],
)
def test_a_claim_follows_only_on_storage_that_is_known_to_be_shared_and_held_by_one_node(
    kind: str, change: dict[str, Any], reason: str
) -> None:
    assert _reason(replace(_RBD, kind=kind, **change)) == reason


def test_one_volume_that_cannot_follow_is_enough() -> None:
    assert _reason(_RBD, Volume("root", "containerDisk"), Volume("scratch", "hostDisk"), _RBD) == "node-local-volume"


def test_a_vm_without_volumes_keeps_nothing_on_its_node() -> None:
    assert storage(replace(seen("vm-cd"), volumes=())) == Held("It keeps nothing on the node.")


def test_the_sentences_name_the_volume_its_claim_and_its_driver() -> None:
    verdict = storage(replace(seen("vm-rbd"), volumes=(replace(_RBD, driver="ebs.csi.aws.com"),)))
    assert isinstance(verdict, Judgement)
    for part in ("root", "rbd-disk", "run1-rbd-disk", "ebs.csi.aws.com"):
        assert part in verdict.sentence
