"""What others reported of placement and volumes has its right verdict: dumps of `tests/reports`, see its README."""

import pytest

from reactor.model.drift import Policy
from tests.support.places import REPORTS
from tests.unit.vmdrift.plans import fates_in
from vmdrift.plan.judge import Prediction
from vmdrift.snapshot import from_dump


def _fates(report: str) -> dict[str, Prediction]:
    (dump,) = REPORTS.glob(f"{report}-*.json")
    return {fate.vm.name: fate for fate in fates_in(from_dump(str(dump)), "node-a", Policy())}


@pytest.mark.parametrize(
    ("report", "reason", "told"),
    [
        ("r01-vtpm", "node-local-volume", "claim persistent-state-for-win-x7k2p"),
        ("r01-control", "node-local-volume", "claim persistent-state-for-win-x7k2p"),
        ("r02", "pinned-to-node", "no other bears gpu-pool=yes"),
        ("r03", "pinned-to-node", "no other bears cpumanager=true"),
        ("r04", "pinned-to-node", "no other bears kubernetes.io/arch=arm64"),
        ("r05", "pinned-to-node", "no other bears cpu-model.node.kubevirt.io/Icelake-Server=true"),
        (
            "r06",
            "no-node-fits",
            "its anti-affinity keeps it away from pod virt-launcher-db-1-abcde, which is on node-b",
        ),
        ("r07", "no-node-fits", "with it node-b would have too many of its group"),
        ("r08", "manual-recovery-required", "ManualRecoveryRequired: migration of the volumes failed"),
        ("r14", "pinned-to-node", "no other bears env=prod"),
        ("r17", "node-local-volume", "claim persistent-state-for-w-bbbbb"),
        ("r17b", "node-local-volume", "claim persistent-state-for-w-bbbbb"),
        ("r18", "node-local-volume", "claim persistent-state-for-c-zzzzz"),
        ("r23", "pinned-to-node", "no other bears hyperv.node.kubevirt.io/reenlightenment=true"),
    ],
)
def test_a_vm_that_would_run_nowhere_else_is_told_to_stay(report: str, reason: str, told: str) -> None:
    (fate,) = _fates(report).values()
    assert fate.reason == reason
    assert told in fate.sentence


def test_of_tolerations_the_first_one_decides_whether_a_launcher_is_ever_evicted() -> None:
    found = _fates("r19")
    assert {name: fate.reason for name, fate in found.items()} == {"all-first": "not-terminating", "short-first": ""}


@pytest.mark.parametrize(
    ("vm", "kind"),
    [
        ("nfs", "nfs"),
        ("iscsi", "iscsi"),
        ("fc", "fc"),
        ("ebs", "awsElasticBlockStore"),
        ("vsphere", "vsphereVolume"),
        ("pwx", "portworxVolume"),
        ("glfs", "glusterfs"),
    ],
)
def test_an_in_tree_volume_is_called_by_its_kind_with_advice_that_can_work(vm: str, kind: str) -> None:
    fate = _fates("r10")[vm]
    assert fate.reason == "unsupported-storage"
    assert f"an in-tree {kind} volume, and only CSI drivers can be named" in fate.sentence
    assert "name it in" not in fate.sentence
