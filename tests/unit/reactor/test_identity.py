"""Identities: the same for everyone who sees the same thing, fit for RQ's job ids, and read with care."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor.adapters.rq import drift_entry, event_entry
from reactor.model.errors import BadInput
from reactor.model.event import recovered, unreachable
from reactor.model.identity import INSTANCE, Drift, NodeRef, Outage, VmRef

# rq 3.0, `rq/utils.py`, validate_job_id: what a job's id may be made of
JOB_ID = re.compile(r"[A-Za-z0-9_-]+")

names = st.sampled_from(["a", "node-a", "db.example", "0", "x" * 253])
uids = st.uuids().map(str)
nodes = st.builds(NodeRef, names, uids)
silences = st.just("") | st.text("0123456789abcdef", min_size=16, max_size=16)
outages = st.builds(Outage, nodes, st.integers(0, 2**33), silences, st.integers(0, 2**33))
vms = st.builds(VmRef, names, names, uids)
instances = st.builds(VmRef, names, names, uids, st.just(INSTANCE), st.just("") | names)
drifts = st.builds(Drift, vms | instances, outages)
OUTAGE = Outage(NodeRef("node-a", "uid-a"), 100)
DRIFT = Drift(VmRef("shop", "db", "uid-db"), OUTAGE)

# No test may depend on how busy the machine is.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(outages)
def test_an_outage_is_read_as_it_was_written(outage: Outage) -> None:
    assert Outage.of(outage.as_json()) == outage


@unhurried
@given(drifts)
def test_a_drift_is_read_as_it_was_written(drift: Drift) -> None:
    assert Drift.of(drift.as_json()) == drift


@unhurried
@given(drifts, drifts)
def test_drifts_have_the_same_id_only_if_vm_and_outage_are_the_same(one: Drift, two: Drift) -> None:
    def key(drift: Drift) -> object:
        return drift.vm.uid, drift.outage.node.uid, drift.outage.silence or drift.outage.since

    assert (one.id == two.id) == (key(one) == key(two))


@unhurried
@given(drifts)
def test_every_id_is_one_that_rq_takes(drift: Drift) -> None:
    told = [unreachable(drift.outage, "/source"), recovered(drift.outage, "/source", 0)]
    for entry in (drift_entry(drift), *map(event_entry, told)):
        assert JOB_ID.fullmatch(entry.id)


def test_a_vm_that_leaves_the_next_outage_is_another_drift() -> None:
    assert Drift(DRIFT.vm, Outage(OUTAGE.node, 101)).id != DRIFT.id


def test_a_node_that_registered_anew_has_other_outages() -> None:
    assert Outage(NodeRef("node-a", "uid-b"), 100).id != OUTAGE.id


def test_a_silence_is_the_same_outage_whenever_it_was_seen_first_and_noticed() -> None:
    one, two = Outage(OUTAGE.node, 100, "0" * 16), Outage(OUTAGE.node, 130, "0" * 16, noticed=150)
    assert (one, one.id, hash(one)) == (two, two.id, hash(two))
    assert (one.unknown_since, two.unknown_since) == (100, 150)
    assert one != Outage(OUTAGE.node, 100)


def test_an_outage_without_a_silence_is_written_as_the_version_before_reads_it() -> None:
    assert OUTAGE.as_json() == {"node": {"name": "node-a", "uid": "uid-a"}, "since": 100}
    assert Outage(OUTAGE.node, 100, "0" * 16).as_json() == {**OUTAGE.as_json(), "silence": "0" * 16}


def test_identities_read_well() -> None:
    assert str(DRIFT) == "shop/db from node-a"


def changed(path: str, value: Any) -> dict[str, Any]:
    """The drift as JSON with another value at a dotted path."""
    body = DRIFT.as_json()
    *way, last = path.split(".")[1:]
    inner = body
    for step in way:
        inner = inner[step]
    inner[last] = value
    return body


PATHS: dict[str, list[Any]] = {
    "drift.vm": [None, "x", [], 5],
    "drift.vm.namespace": [None, "", "UPPER", "a/b", 5, "-a", "a" * 300],
    "drift.vm.name": [None, "", "a b", "a\n", "../x"],
    "drift.vm.uid": [None, "", "a_b", "a.b", "a:b", "a" * 65, "ü", {}],
    "drift.vm.kind": ["", "Pod", "virtualmachine", None, 5],
    "drift.vm.owner": ["UPPER", "a/b", 5, ["web"], "-a"],
    "drift.outage": [None, [], "x"],
    "drift.outage.node": [None, 5],
    "drift.outage.node.name": [None, "", "a?b=c"],
    "drift.outage.node.uid": [None, "*"],
    "drift.outage.since": [None, "5", 5.5, True],
    "drift.outage.silence": [None, 5, "x", "0" * 15, "0" * 17, "ABCDEF0123456789", "0123456789abcde_", "0" * 16 + "\n"],
    "drift.outage.noticed": [None, "5", 5.5, True],
}
_OPTIONAL = {"drift.vm.kind", "drift.vm.owner", "drift.outage.silence", "drift.outage.noticed"}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in PATHS.items() for value in values])
def test_what_is_malformed_is_named_with_its_path(path: str, value: Any) -> None:
    with pytest.raises(BadInput, match=f"^{re.escape(path)}: "):
        Drift.of(changed(path, value))


@pytest.mark.parametrize("path", sorted(PATHS.keys() - _OPTIONAL))
def test_what_is_missing_is_named_with_its_path(path: str) -> None:
    body = changed(path, None)
    where = body
    for step in path.split(".")[1:-1]:
        where = where[step]
    del where[path.rpartition(".")[2]]
    with pytest.raises(BadInput, match=f"^{re.escape(path)}: "):
        Drift.of(body)


@pytest.mark.parametrize("read", [Drift.of, Outage.of])
def test_what_was_found_is_shown_cut_short(read: Callable[[dict[str, Any]], object]) -> None:
    long = "x" * 10_000
    with pytest.raises(BadInput) as caught:
        read({"vm": long, "node": long, "outage": long})
    assert len(str(caught.value)) < 200


def test_fields_of_a_later_version_do_not_matter() -> None:
    assert Drift.of({**DRIFT.as_json(), "later": 1}) == DRIFT


def test_what_says_no_kind_is_a_vm_without_an_owner() -> None:
    body = DRIFT.as_json()
    del body["vm"]["kind"], body["vm"]["owner"]
    assert Drift.of(body) == DRIFT
    assert not DRIFT.vm.is_instance


@pytest.mark.parametrize("owner", ["", None])
def test_an_instance_need_not_have_an_owner(owner: str | None) -> None:
    body = DRIFT.as_json()
    body["vm"] |= {"kind": INSTANCE, "owner": owner}
    vm = Drift.of(body).vm
    assert (vm.is_instance, vm.owner, str(vm)) == (True, "", "shop/db")


def test_a_vm_and_an_instance_of_one_name_are_different_drifts() -> None:
    instance = Drift(VmRef("shop", "db", "uid-instance", INSTANCE, "web"), OUTAGE)
    assert instance.id != DRIFT.id
    assert Drift.of(instance.as_json()) == instance
