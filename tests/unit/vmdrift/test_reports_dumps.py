"""Clusters as users of other systems reported them: what would become of their VMs, and what nobody can know."""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from tests.unit.vmdrift.plans import fates_in
from tests.unit.vmdrift.reports import nodes, report, told
from vmdrift.plan import exit_code
from vmdrift.plan.prediction import Outcome

MOVES, STAYS, UNAFFECTED, UNKNOWN = Outcome.MOVES, Outcome.STAYS, Outcome.UNAFFECTED, Outcome.UNKNOWN
LONGHORN = replace(Policy(), shared_csi_drivers=("driver.longhorn.io",))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("d02", {"default/ok": (MOVES, "")}),
        ("d10", {"default/old": (MOVES, "")}),
        ("d12", {"default/ok": (MOVES, "")}),
        ("d12b", {"default/ok": (MOVES, "")}),
        ("d14", {"default/ok": (MOVES, "")}),
        ("r11", {"default/one": (MOVES, ""), "default/two": (MOVES, "")}),
        ("r12", {"default/x": (STAYS, "no-node-fits")}),
        ("r13", {"default/x": (STAYS, "no-node-fits")}),
        ("r16", {"default/gpu": (MOVES, "")}),
        ("r22", {"default/x": (MOVES, "")}),
        ("r24", {"default/m": (STAYS, "shared-volume-not-fenced")}),
        ("r28", {"default/h": (MOVES, "")}),
        ("r29", {"default/lh": (STAYS, "unsupported-storage")}),
        ("r30", {"default/x": (STAYS, "not-terminating")}),
        ("r33", {"b/x": (MOVES, ""), "default/x": (MOVES, "")}),
        ("r36", {f"default/{'a' * 70}-long": (MOVES, "")}),
        ("r37", {"default/x": (STAYS, "claim-used-by-pod")}),
        ("r38", {"default/x": (MOVES, "")}),
        ("r40", {"default/cl": (MOVES, "")}),
        ("r43", {"default/k": (STAYS, "unsupported-storage")}),
        ("r44", {"default/pool-0": (MOVES, "")}),
        ("r46", {"default/x": (STAYS, "no-node-fits")}),
    ],
)
def test_each_vm_of_a_reported_cluster_has_its_verdict(name: str, expected: dict[str, tuple[Outcome, str]]) -> None:
    assert {vm: (fate.outcome, fate.reason) for vm, fate in told(name).items()} == expected


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("d08", "Unknown: the dump holds no Lease of a node (namespace kube-node-lease)."),
        ("d09", "Unknown: its instance says that it runs on node-a, but the dump holds no launcher of it."),
        ("r31", "Unknown: its instance runs on node-a, but the dump does not hold the VM."),
        ("r35", "Unknown: its instance says that it runs on node-a, but the dump holds no launcher of it."),
    ],
)
def test_what_a_dump_lacks_is_unknown_and_neither_fine_nor_a_fault_of_the_cluster(name: str, sentence: str) -> None:
    (fate,) = told(name).values()
    assert (fate.outcome, fate.sentence) == (UNKNOWN, sentence)
    assert exit_code([fate]) == 2
    assert [one.sentence for node in nodes(name) for one in node.fates] == [sentence]


def test_instances_that_had_ended_before_are_not_affected() -> None:
    found = told("r09")
    assert {fate.outcome for fate in found.values()} == {UNAFFECTED}
    assert exit_code([fate for node in nodes("r09") for fate in node.fates]) == 0


@pytest.mark.parametrize(
    ("policy", "reason"), [(Policy(), "unsupported-storage"), (LONGHORN, "shared-volume-not-fenced")]
)
def test_a_vm_that_came_by_a_migration_is_judged_though_its_instance_lists_no_pod_that_is_there(
    policy: Policy, reason: str
) -> None:
    assert told("r20", "harv41", policy)["test-migration/vm1"].reason == reason
    assert told("r20", "harv2", policy) == {}


def test_two_vms_that_share_a_claim_have_one_answer_that_says_so() -> None:
    found = list(told("r11").values())
    assert found[0].ifs == ("default/two, which shares claim sh, comes up on the same node, or later",)
    assert found[1].ifs == (found[0].ifs[0].replace("two", "one"),)


def test_a_disk_that_is_plugged_into_the_instance_only_is_named_as_lost() -> None:
    assert told("r28")["default/h"].lost_disks == ("hp",)


def test_what_no_other_node_has_at_all_is_told_apart_from_what_is_in_use() -> None:
    fate = told("r16")["default/gpu"]
    assert (fate.room, fate.beyond) == ((), ("nvidia.com/GA102GL_A10",))
    assert told("r38")["default/x"].beyond == ()


def test_a_single_replica_of_longhorn_is_a_condition_where_its_driver_is_named_as_shared() -> None:
    fate = told("r29", policy=LONGHORN)["default/lh"]
    assert (fate.outcome, fate.ifs) == (
        MOVES,
        ("Longhorn has a replica of pvc-lh1 on another node: it was made with one",),
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("r12", ("node-b bears node.cilium.io/agent-not-ready:NoExecute", "node-c bears")),
        ("r13", ("node-b bears node.kubernetes.io/disk-pressure:NoSchedule",)),
        ("r46", ("node-b bears medik8s.io/drain:NoSchedule",)),
    ],
)
def test_a_taint_that_is_there_now_is_named(name: str, words: tuple[str, ...]) -> None:
    (fate,) = told(name).values()
    assert all(word in fate.sentence for word in words)


def test_other_groups_nodes_and_vms_are_none_and_nothing_is_told_twice() -> None:
    assert [node.node.name for node in nodes("d02")] == ["node-a", "node-b", "node-c"]
    fate = told("d02")["default/ok"]
    assert fate.targets == fate.room == ("node-b", "node-c")


@pytest.mark.parametrize(
    ("vms", "reason"),
    [
        ("topolvm openebs hpp localpv hostpathnoaff", "node-local-volume"),
        ("lhrwx lhrwo linstor ebs vs px nfs", "unsupported-storage"),
    ],
)
def test_storage_of_every_kind_is_known_or_not(vms: str, reason: str) -> None:
    found = {name.partition("/")[2]: fate.reason for name, fate in told("r15").items()}
    assert {name: found.get(name) for name in vms.split()} == dict.fromkeys(vms.split(), reason)


def test_a_lease_from_before_leader_election_was_switched_off_does_not_hold_a_vm_back() -> None:
    there = report("d12b")
    assert there.at > 1_772_000_000  # of its kubelets, and not of that Lease
    assert [fate.outcome for fate in fates_in(there)] == [MOVES]
