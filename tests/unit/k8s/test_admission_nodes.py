"""The shipped admission policy of Nodes: the account of fencing changes its taint and annotation, and nothing else."""

from typing import Any

import pytest
import yaml

from reactor.model.fencing import CONFIG_MAP
from reactor.model.node import OUT_OF_SERVICE, OUT_OF_SERVICE_VALUE, TAINT_ANNOTATION
from simulator.api.api import Api
from simulator.api.policies import policies
from simulator.client import ApiError, Obj
from simulator.store.store import Store
from tests.support.policies import SHIPPED

FENCING = "system:serviceaccount:vm-drift:fencing"
OURS = {"key": OUT_OF_SERVICE, "value": OUT_OF_SERVICE_VALUE, "effect": "NoExecute"}
OTHER = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": "2026-11-29T00:00:00Z"}
BARE: Obj = {"metadata": {"name": "node-a"}, "spec": {}}
FULL: Obj = {
    "metadata": {"name": "node-a", "labels": {"zone": "a"}, "annotations": {"who": "ann"}, "finalizers": ["a/b"]},
    "spec": {"taints": [OTHER], "providerID": "aws://1", "podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24"]},
}


def _refusal(node: Obj, patch: Obj, user: str = FENCING) -> str:
    """What the API server says to the account that patches this Node so; "" if it does it."""
    api = Api(Store(lambda: 2000.0))
    api.admit = policies(SHIPPED, api.store.find)
    api.store.create("nodes", node)
    try:
        api.client(user).patch("nodes", "node-a", patch)
    except ApiError as error:
        return str(error)
    return ""


def _taints(*taints: Obj, note: str | None = "{}") -> Obj:
    return {"metadata": {"annotations": {TAINT_ANNOTATION: note}}, "spec": {"taints": list(taints) or None}}


@pytest.mark.parametrize(("node", "others"), [(BARE, ()), (FULL, (OTHER,))])
def test_its_taint_and_annotation_come_and_go_beside_what_is_there(node: Obj, others: tuple[Obj, ...]) -> None:
    assert _refusal(node, _taints(*others, OURS)) == ""
    tainted = {**node, "spec": {**node["spec"], "taints": [*others, OURS]}}
    assert _refusal(tainted, _taints(*others, note=None)) == ""


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ({"metadata": {"annotations": {"vmdrift.io/fencing": "none"}}}, "no annotation"),
        ({"metadata": {"annotations": {"who": "bob"}}}, "no annotation"),
        ({"metadata": {"annotations": {"who": None}}}, "no annotation"),
        ({"metadata": {"annotations": None}}, "no annotation"),
        (_taints(OURS), "no taint"),
        (_taints(OTHER, {**OURS, "key": "node.kubernetes.io/unschedulable"}), "no taint"),
        (_taints({**OTHER, "effect": "NoSchedule"}, OURS), "no taint"),
        ({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}, "no label"),
        ({"metadata": {"labels": None}}, "no label"),
        ({"metadata": {"finalizers": None}}, "finalizer"),
        ({"metadata": {"ownerReferences": [{"kind": "Pod", "name": "a", "uid": "b", "apiVersion": "v1"}]}}, "owner"),
        ({"spec": {"unschedulable": True}}, "cordons"),
        ({"spec": {"providerID": "aws://2"}}, "provider"),
        ({"spec": {"podCIDR": None}}, "addresses"),
        ({"spec": {"podCIDRs": ["10.0.0.0/24", "fd00::/64"]}}, "addresses"),
        ({**_taints(OTHER, OURS), "metadata": {"labels": {"zone": "b"}}}, "no label"),
    ],
)
def test_whatever_else_would_change_is_refused(patch: Obj, said: str) -> None:
    refusal = _refusal(FULL, patch)
    assert refusal.startswith('403 Forbidden: nodes "node-a" is forbidden: ValidatingAdmissionPolicy')
    assert said in refusal


def test_nobody_else_is_held() -> None:
    assert _refusal(FULL, {"metadata": {"labels": None}, "spec": {"unschedulable": True}}, "system:node:node-a") == ""


def _stated(kind: str) -> dict[str, Any]:
    found = [one for one in yaml.safe_load_all(SHIPPED) if one["kind"] == kind]
    return {one["metadata"]["name"]: one["spec"] for one in found}


def test_each_policy_is_bound_denies_and_is_about_the_account_and_the_config_map_that_there_are() -> None:
    stated, bound = _stated("ValidatingAdmissionPolicy"), _stated("ValidatingAdmissionPolicyBinding")
    assert stated.keys() == bound.keys() == {"vm-drift-drifts", "vm-drift-fencing", "vm-drift-fencing-hosts"}
    for name, spec in stated.items():
        account = name.removeprefix("vm-drift-").removesuffix("-hosts")
        (condition,) = spec["matchConditions"]
        assert condition["expression"] == f"request.userInfo.username == 'system:serviceaccount:vm-drift:{account}'"
        assert (bound[name]["policyName"], bound[name]["validationActions"]) == (name, ["Deny"])
        assert spec["failurePolicy"] == "Fail"
    param = {"name": CONFIG_MAP, "namespace": "vm-drift", "parameterNotFoundAction": "Allow"}
    assert bound["vm-drift-drifts"]["paramRef"] == param
