"""What the search for VMs foresees of each, by what it has read anyway."""

from typing import Any

import pytest

from reactor.model.drift import Policy
from reactor.model.identity import INSTANCE, VmRef
from simulator.client import Obj
from workers.intake.foresee import foreseen

VM = VmRef("shop", "web", "uid-web")
ALWAYS = {"runStrategy": "Always"}


def a_vm(spec: Obj, annotations: Obj | None = None, selector: Obj | None = None) -> Obj:
    template = {"spec": {"nodeSelector": selector or {}}}
    meta = {"name": "web", "namespace": "shop", "uid": "uid-web", "annotations": annotations or {}}
    return {"metadata": meta, "spec": {**spec, "template": template}}


@pytest.mark.parametrize(
    ("obj", "policy", "reason"),
    [
        (a_vm(ALWAYS), Policy(), None),
        (a_vm({"runStrategy": "Manual"}), Policy(), "run-strategy"),
        (a_vm({"runStrategy": "Halted"}), Policy(), None),  # it is not to run
        (a_vm(ALWAYS, {"vmdrift.io/policy": "never"}), Policy(), "policy-never"),
        (a_vm(ALWAYS), Policy(mode="never"), "policy-never"),
        (a_vm(ALWAYS, selector={"kubernetes.io/hostname": "node-a"}), Policy(), "pinned-to-node"),
        (a_vm(ALWAYS, selector={"kubernetes.io/hostname": "node-b"}), Policy(), None),
    ],
)
def test_only_what_speaks_against_its_move_is_foreseen(obj: Any, policy: Policy, reason: str | None) -> None:
    found = foreseen(VM, obj, "node-a", policy, 5.0)
    assert (found and found.reason) == reason
    assert found is None or (found.at, found.moves, found.due) == (5.0, False, None)


def test_of_a_node_without_a_hostname_no_vm_is_pinned() -> None:
    assert foreseen(VM, a_vm(ALWAYS, selector={"kubernetes.io/hostname": ""}), "", Policy(), 5.0) is None


def test_an_instance_that_nobody_stands_behind_stays_and_one_of_a_replicaset_does_not() -> None:
    bare, replica = VmRef("shop", "x", "u", INSTANCE), VmRef("shop", "x", "u", INSTANCE, "web")
    found = foreseen(bare, None, "node-a", Policy(), 5.0)
    assert found is not None
    assert found.reason == "bare-instance"
    assert foreseen(replica, None, "node-a", Policy(), 5.0) is None
