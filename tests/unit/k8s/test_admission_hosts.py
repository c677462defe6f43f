"""The shipped admission policy of BareMetalHosts: the account of fencing has them switched off, and nothing else."""

import pytest

from reactor.model.fencing import Target
from reactor.model.identity import NodeRef, Outage
from simulator.api.api import Api
from simulator.api.policies import policies
from simulator.client import ApiError, Obj
from simulator.store.store import Store
from tests.support.policies import SHIPPED
from tests.unit.k8s.test_admission_nodes import FENCING
from workers.fencing.providers.metal3 import REBOOT

ORDER = {**Target(Outage(NodeRef("node-a", "uid-a"), 1), "boot-1").marks, REBOOT: '{"mode":"hard"}'}
BARE: Obj = {"metadata": {"name": "host", "namespace": "metal3"}, "spec": {"online": True}}
FULL: Obj = {
    "metadata": {**BARE["metadata"], "labels": {"rack": "7"}, "annotations": {"who": "ann"}, "finalizers": ["a/b"]},
    "spec": {"online": True, "image": {"url": "http://a"}, "consumerRef": {"name": "machine"}},
}


def _refusal(host: Obj, patch: Obj, user: str = FENCING) -> str:
    """What the API server says to the account that patches this host so; "" if it does it."""
    api = Api(Store(lambda: 2000.0))
    api.admit = policies(SHIPPED, api.store.find)
    api.store.create("baremetalhosts", host)
    try:
        api.client(user).patch("baremetalhosts", "host", patch, "metal3")
    except ApiError as error:
        return str(error)
    return ""


def _with(host: Obj, annotations: Obj) -> Obj:
    meta = host["metadata"]
    return {**host, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), **annotations}}}


@pytest.mark.parametrize("host", [BARE, FULL])
def test_its_order_comes_and_goes_beside_what_is_there(host: Obj) -> None:
    assert _refusal(host, {"metadata": {"annotations": ORDER}}) == ""
    taken_away = {"metadata": {"annotations": dict.fromkeys(ORDER)}}
    assert _refusal(_with(host, ORDER), taken_away) == ""


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ({"metadata": {"annotations": {"reboot.metal3.io": ""}}}, "no annotation"),
        ({"metadata": {"annotations": {"reboot.metal3.io/theirs": ""}}}, "no annotation"),
        ({"metadata": {"annotations": {"baremetalhost.metal3.io/detached": ""}}}, "no annotation"),
        ({"metadata": {"annotations": {"who": "bob"}}}, "no annotation"),
        ({"metadata": {"annotations": None}}, "no annotation"),
        ({"spec": {"online": False}}, "spec"),
        ({"spec": {"image": {"url": "http://b"}}}, "spec"),
        ({"spec": {"consumerRef": None}}, "spec"),
        ({"metadata": {"labels": {"rack": "8"}}}, "no label"),
        ({"metadata": {"finalizers": None}}, "finalizer"),
        ({"metadata": {"ownerReferences": [{"kind": "Pod", "name": "a", "uid": "b", "apiVersion": "v1"}]}}, "owner"),
        ({"metadata": {"annotations": ORDER}, "spec": {"online": False}}, "spec"),
    ],
)
def test_whatever_else_would_change_is_refused(patch: Obj, said: str) -> None:
    refusal = _refusal(FULL, patch)
    assert refusal.startswith('403 Forbidden: baremetalhosts.metal3.io "host" is forbidden: ValidatingAdmissionPolicy')
    assert said in refusal


def test_nobody_else_is_held() -> None:
    assert _refusal(FULL, {"metadata": {"labels": None}, "spec": {"online": False}}, "system:serviceaccount:a:b") == ""
