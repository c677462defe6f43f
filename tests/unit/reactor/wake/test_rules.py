"""Which change of an object's metadata is a reason to look at a drift."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Record
from reactor.wake.rules import Meta, matters, may_matter, meta_of
from tests.contracts.samples import record as a_record

LOST = "uid-of-the-lost-instance"
WAITING = replace(a_record(), vmi_uid=LOST)
RELEASED = replace(WAITING, phase=Phase.RELEASED, reason="force-deleted", released_at=1.0)


def meta(resource: str, version: str = "1", **fields: Any) -> Meta:
    labels = fields.pop("labels", {})
    obj = {"metadata": {"namespace": "shop", "name": "db", "uid": "u", "resourceVersion": version, "labels": labels}}
    obj["metadata"] |= fields
    return meta_of(resource, obj)


def launcher(instance: str = LOST, **fields: Any) -> Meta:
    return meta("pods", labels={"kubevirt.io/created-by": instance, "vm.kubevirt.io/name": "db"}, **fields)


def instance(node: str, uid: str = "new", version: str = "1") -> Meta:
    return meta("virtualmachineinstances", version, uid=uid, labels={"kubevirt.io/nodeName": node} if node else {})


ENDING = {"deletionTimestamp": "2026-11-29T00:00:00Z"}


@pytest.mark.parametrize(
    ("record", "pod", "gone", "expected"),
    [
        pytest.param(WAITING, launcher(), False, False, id="as it was"),
        pytest.param(WAITING, launcher(**ENDING), False, True, id="evicted"),
        pytest.param(WAITING, launcher(), True, True, id="gone"),
        pytest.param(RELEASED, launcher(**ENDING), False, False, id="deleted by us"),
        pytest.param(RELEASED, launcher(), True, False, id="gone by us"),
        pytest.param(RELEASED, launcher("new"), False, False, id="another instance's"),
        pytest.param(replace(RELEASED, reason="unschedulable"), launcher("new"), False, True, id="scheduled at last"),
        pytest.param(replace(WAITING, vmi_uid=""), launcher("", **ENDING), False, False, id="of no known instance"),
        pytest.param(replace(WAITING, ended_at=2.0), launcher(**ENDING), False, False, id="of a drift that has ended"),
    ],
)
def test_a_launcher_matters_when_it_is_evicted_or_gone_before_its_release(
    record: Record, pod: Meta, gone: bool, expected: bool
) -> None:
    assert may_matter(None, pod, gone=gone)
    assert matters(record, pod, gone=gone) is expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(None, instance("node-b"), False, id="seen for the first time"),
        pytest.param(instance(""), instance("node-b"), False, id="just given to its node"),
        pytest.param(instance("node-b"), instance("node-b", version="2"), True, id="written to since: it runs"),
        pytest.param(instance(""), instance("", version="2"), False, id="without a node"),
        pytest.param(instance("node-b", uid="old"), instance("node-b"), False, id="another one of that name"),
    ],
)
def test_a_new_instance_may_matter_once_its_node_has_it(before: Meta | None, now: Meta, expected: bool) -> None:
    assert may_matter(before, now, gone=False) is expected


def test_the_lost_instance_matters_only_when_it_is_elsewhere_or_gone() -> None:
    assert not matters(WAITING, instance(WAITING.drift.outage.node.name, uid=LOST), gone=False)
    assert matters(WAITING, instance("node-b", uid=LOST), gone=False)
    assert matters(WAITING, instance("node-b", uid=LOST), gone=True)
    assert not matters(RELEASED, instance("node-b", uid=LOST), gone=True)


@pytest.mark.parametrize("resource", ["virtualmachines", "namespaces"])
@pytest.mark.parametrize(
    "edit",
    [
        {"annotations": {"vmdrift.io/detach": "delete"}},
        {"labels": {"tier": "gold"}},
        {"generation": 2},
        ENDING,
    ],
)
def test_a_vm_or_namespace_matters_when_people_changed_it_and_not_by_its_status(resource: str, edit: Any) -> None:
    before = meta(resource)
    assert may_matter(before, meta(resource, "2", **edit), gone=False)
    assert not may_matter(before, meta(resource, "2"), gone=False)
    assert not may_matter(None, meta(resource, "2", **edit), gone=False)
    assert may_matter(before, before, gone=True)
