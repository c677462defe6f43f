"""The shipped admission policy of pods, as a CEL library evaluates it: what drifts may delete; nobody else is held."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from reactor.model.fencing import CONFIG_MAP, Attempt, Confirmation, Fencing
from reactor.model.identity import NodeRef, Outage
from simulator.api.api import Api
from simulator.api.policies import policies
from simulator.client import ApiError, Obj
from simulator.store.store import Store
from tests.support.policies import SHIPPED

DRIFTS = "system:serviceaccount:vm-drift:drifts"
NODE = "node-a"
LAUNCHER = {"kubevirt.io": "virt-launcher", "vm.kubevirt.io/name": "web"}
FILE = Fencing(Outage(NodeRef(NODE, "uid-a"), 1000), "boot-1", 1100.0)
# What others say stands in a file, too.
HOSTILE = '", "void": "", "node": {"name": "node-a", "uid": "'
PROVEN = replace(FILE, confirmation=Confirmation("event", "ann", HOSTILE, 1200.0, "lease", "beat"))


def _api(*files: Fencing, manifest: str = SHIPPED, there: bool = True) -> Api:
    store = Store(lambda: 2000.0)
    api = Api(store)
    api.admit = policies(manifest, store.find)
    if there:
        data = {"data": {file.key: file.as_text() for file in files}} if files else {}
        store.create("configmaps", {"metadata": {"name": CONFIG_MAP, "namespace": "vm-drift"}, **data})
    return api


def _refusal(api: Api, pod: Obj, user: str = DRIFTS) -> str:
    """What the API server says to the account that deletes this pod; "" if it does so."""
    meta = {"name": "it", "namespace": "tenant", **pod.get("metadata", {})}
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    api.store.create("pods", {"spec": {"nodeName": NODE}, "status": status, **pod, "metadata": meta})
    try:
        api.client(user).delete("pods", "it", "tenant")
    except ApiError as error:
        return str(error)
    return ""


def _pod(labels: Mapping[str, str] | None = LAUNCHER, ready: str = "True", **meta: Any) -> Obj:
    conditions = [{"type": "PodScheduled", "status": "True"}, *([{"type": "Ready", "status": ready}] if ready else [])]
    named = {"labels": labels} if labels is not None else {}
    return {"metadata": {**named, **meta}, "status": {"conditions": conditions}}


GOING: Obj = {"deletionTimestamp": "2026-11-29T00:00:00Z", "deletionGracePeriodSeconds": 30}


@pytest.mark.parametrize(
    "pod",
    [
        _pod(**GOING),
        _pod(ready="False"),
        _pod({"kubevirt.io": "hotplug-disk"}, ready="False"),
        _pod({"kubevirt.io": "hotplug-disk"}, **GOING),
        {"metadata": {"labels": LAUNCHER, **GOING}, "status": {}},
    ],
)
def test_a_vms_pod_that_is_going_or_not_ready_may_be_deleted_without_any_proof(pod: Obj) -> None:
    assert _refusal(_api(), pod) == ""


@pytest.mark.parametrize("pod", [_pod(), _pod(ready=""), _pod(ready="Unknown"), {"metadata": {"labels": LAUNCHER}}])
def test_a_vms_pod_that_runs_may_not_be_deleted_without_proof(pod: Obj) -> None:
    said = _refusal(_api(FILE), pod)
    assert said.startswith("403 Forbidden: pods \"it\" is forbidden: ValidatingAdmissionPolicy 'vm-drift-drifts' with")
    assert "only if it is being deleted or not Ready" in said
    assert _refusal(_api(PROVEN), pod) == ""


@pytest.mark.parametrize("labels", [None, {}, {"app": "backup"}, {"kubevirt.io": "virt-handler"}])
def test_another_pod_may_be_deleted_only_with_proof_whatever_becomes_of_it(labels: Mapping[str, str] | None) -> None:
    for pod in (_pod(labels), _pod(labels, "False", **GOING)):
        assert "deletes only pods of VMs, and others" in _refusal(_api(FILE), pod)
        assert _refusal(_api(PROVEN), pod) == ""


@pytest.mark.parametrize(
    "file",
    [
        PROVEN,
        replace(PROVEN, reason="fenced", sentence='it is "off"', attempts=(Attempt("event", 1.0, "no", 2.0),)),
        replace(PROVEN, void="it was heard"),
        replace(PROVEN, void=HOSTILE),
        replace(PROVEN, closed=True),
        replace(PROVEN, outage=Outage(NodeRef("node-ab", "uid-b"), 1000)),
        replace(PROVEN, outage=Outage(NodeRef("node", "uid-b"), 1000)),
        replace(FILE, sentence=HOSTILE, twins=(HOSTILE,), boot=HOSTILE),
    ],
)
def test_a_node_stands_as_proven_where_its_file_has_a_proof_and_nowhere_else(file: Fencing) -> None:
    proven = file.proof is not None and not file.closed and file.node.name == NODE
    assert (_refusal(_api(file), _pod()) == "") == proven


def test_another_boots_file_takes_no_proof_away() -> None:
    assert _refusal(_api(PROVEN, replace(FILE, boot="boot-0"), replace(PROVEN, boot="boot-2", void="x")), _pod()) == ""


@pytest.mark.parametrize("user", ["system:node:node-a", "ann", f"{DRIFTS}-2", "system:serviceaccount:vm-drift:intake"])
def test_nobody_else_is_held(user: str) -> None:
    assert _refusal(_api(), _pod(), user) == ""


def test_while_the_config_map_is_missing_the_cluster_goes_on_which_it_would_not_if_that_were_denied() -> None:
    assert _refusal(_api(there=False), _pod(), "system:node:node-a") == ""
    strict = SHIPPED.replace("parameterNotFoundAction: Allow", "parameterNotFoundAction: Deny")
    api = _api(manifest=strict, there=False)
    api.store.create("pods", {"metadata": {"name": "it", "namespace": "tenant"}})
    with pytest.raises(ApiError, match="no params found for policy binding with `Deny`"):
        api.client("system:node:node-a").delete("pods", "it", "tenant")


def test_what_cannot_be_judged_is_refused() -> None:
    """The API server always writes a status; an expression that finds none has no value."""
    api = _api()
    api.store.create("pods", {"metadata": {"name": "it", "namespace": "tenant", "labels": LAUNCHER}, "spec": {}})
    with pytest.raises(ApiError, match=r"422 Invalid: .* expression 'variables.rehearsed .* resulted in error"):
        api.client(DRIFTS).delete("pods", "it", "tenant")
