"""What is read of a dump, whoever wrote it and in whatever encoding; what is none is refused with what to do."""

import json
from typing import Any

import pytest

from reactor.model.errors import BadInput
from tests.unit.vmdrift.plans import fates_in
from tests.unit.vmdrift.reports import path
from vmdrift.plan.prediction import Outcome, Prediction
from vmdrift.snapshot import snapshot
from vmdrift.snapshot.dump_file import parsed

HEALTHY = json.loads(path("d12").read_text())
TEXT = json.dumps(HEALTHY)
OTHERS = [
    {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics", "metadata": {"name": "node-a"}},
    {"apiVersion": "longhorn.io/v1beta2", "kind": "Node", "metadata": {"name": "node-x", "uid": "x"}, "spec": 1},
    {"apiVersion": "vmoperator.vmware.com/v1alpha1", "kind": "VirtualMachine", "metadata": None},
    {"apiVersion": 7, "kind": ["Node"], "metadata": {"name": {}}},
    {"kind": "Secret"},
    None,
    "Pod",
]


def judged(items: list[Any]) -> list[Prediction]:
    """What becomes of the VMs of node-a."""
    return fates_in(snapshot(parsed(json.dumps({"items": items}).encode(), "dump")))


def without(*names: str) -> list[Any]:
    """The healthy cluster's objects, but for those of these names."""
    return [item for item in HEALTHY["items"] if item["metadata"]["name"] not in names]


def test_kinds_that_are_not_needed_are_passed_over_whatever_they_look_like() -> None:
    assert judged([*OTHERS, *HEALTHY["items"]]) == judged(HEALTHY["items"])


def test_an_object_counts_once_in_its_latest_version() -> None:
    old = [{**item, "metadata": {**item["metadata"], "resourceVersion": "9"}} for item in HEALTHY["items"]]
    stale = [{**item, "spec": {}, "status": {}} for item in old]
    expected = judged(HEALTHY["items"])
    assert judged([*stale, *HEALTHY["items"]]) == judged([*HEALTHY["items"], *stale]) == expected
    assert [fate.targets for fate in expected] == [("node-b", "node-c")]


def test_fields_that_are_not_read_need_not_be_there() -> None:
    bare = [
        {**item, "metadata": {key: value for key, value in item["metadata"].items() if key != "uid"}}
        if item["kind"] in {"Namespace", "Lease", "PersistentVolumeClaim", "PersistentVolume", "StorageClass"}
        else item
        for item in HEALTHY["items"]
    ]
    assert judged(bare) == judged(HEALTHY["items"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_it_is_read_in_every_encoding_of_unicode(encoding: str) -> None:
    assert parsed(TEXT.encode(encoding), "dump") == parsed(TEXT.encode(), "dump")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (TEXT[:8000].encode(), "it is truncated; make it with: vmdrift dump"),
        (TEXT[:8000].encode("utf-16")[:-1], "or is truncated: save it as UTF-8"),
        (f"{TEXT}\n{TEXT}".encode(), "it holds several documents, and one List of all kinds is needed"),
        (b"apiVersion: v1\nkind: List\n", "YAML is not supported"),
        ('{"kind": "Länge"}'.encode("latin-1"), "it is not text in UTF-8 or UTF-16"),
        (
            b'{"kind": "List", "items": [{"kind": "NodeList", "items": []}]}',
            r"items\[0\] is itself a List; one List of",
        ),
    ],
    ids=["cut off", "cut off in UTF-16", "two documents", "YAML", "Latin-1", "a List of Lists"],
)
def test_what_is_no_dump_is_refused_with_what_is_wrong(raw: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parsed(raw, "dump")


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        (("default",), "the dump holds no namespaces default"),
        (("ok-root",), "the dump holds no persistentvolumeclaims of namespace default"),
    ],
)
def test_what_must_be_there_and_is_not_in_the_dump_is_lacking(lacks: tuple[str, ...], said: str) -> None:
    elsewhere = [_renamed(item, namespace="shop") for item in HEALTHY["items"] if item["metadata"]["name"] == "other"]
    assert [fate.sentence for fate in judged([*without("other", *lacks), *elsewhere])] == [f"Unknown: {said}."]


def test_leases_of_a_few_nodes_only_are_lacking_too_and_one_that_is_missing_is_a_fact() -> None:
    """The objects of nodes and their Leases bear the same names."""

    def leased(*nodes: str) -> list[Any]:
        leases = [item for item in HEALTHY["items"] if item["kind"] == "Lease" and item["metadata"]["name"] in nodes]
        return [*(item for item in HEALTHY["items"] if item["kind"] != "Lease"), *leases]

    (fate,) = judged(leased("node-a"))
    assert "the Leases of only 1 of 3 nodes that are Ready (namespace kube-node-lease)" in fate.sentence
    (fate,) = judged(leased("node-a", "node-b"))
    assert fate.reason == "control-plane-unsteady"


def test_a_claim_that_is_missing_among_others_is_a_fact() -> None:
    (fate,) = judged(without("ok-root"))
    assert (fate.outcome, fate.reason) == (Outcome.STAYS, "claim-not-ready")


def test_a_volume_that_is_missing_among_others_is_a_fact() -> None:
    (fate,) = judged(without("pv-ok"))
    assert (fate.outcome, fate.reason) == (Outcome.STAYS, "claim-not-ready")


def _renamed(item: dict[str, Any], **meta: str) -> dict[str, Any]:
    return {**item, "metadata": {**item["metadata"], **meta}}


def _of(kind: str) -> dict[str, Any]:
    return next(item for item in HEALTHY["items"] if item["kind"] == kind)


def test_each_vm_of_which_something_lacks_is_unknown_alone() -> None:
    vm, vmi = _of("VirtualMachine"), _of("VirtualMachineInstance")
    alone = _renamed(vmi, name="alone", uid="0a")
    there = [_renamed(vm, name="there", uid="0b", namespace="shop"), *HEALTHY["items"], alone]
    assert [(str(fate.vm), fate.outcome) for fate in judged(there)] == [
        ("default/alone", Outcome.UNKNOWN),
        ("default/ok", Outcome.MOVES),
        ("shop/there", Outcome.UNKNOWN),
    ]


@pytest.mark.parametrize(("phase", "unknown"), [("Running", ["default/ok"]), ("Succeeded", [])])
def test_a_launcher_whose_instance_is_not_in_the_dump_is_unknown_unless_it_has_ended(
    phase: str, unknown: list[str]
) -> None:
    other = {**_of("VirtualMachineInstance"), "status": {"phase": "Scheduling"}}
    other["metadata"] = {"name": "other", "namespace": "default", "uid": "0c"}
    items = [other, *(item for item in HEALTHY["items"] if item["kind"] != "VirtualMachineInstance")]
    ended = [{**item, "status": {"phase": phase}} if item["kind"] == "Pod" else item for item in items]
    found = judged(ended)
    assert [str(fate.vm) for fate in found if fate.outcome is Outcome.UNKNOWN] == unknown == [str(f.vm) for f in found]
    assert all("is on node-a, but the dump does not hold its instance" in fate.sentence for fate in found)
