"""What stands in the ConfigMap of proofs, and what becomes of what cannot be read there."""

import json
from dataclasses import replace

import pytest

from reactor.model.confirmation_source import Source
from reactor.model.errors import BadInput
from reactor.model.fencing import (
    Attempt,
    ChosenRelease,
    Claim,
    Fencing,
    ReleaseWay,
    Target,
    claim_of,
    fencing_entries,
    fencing_of,
    fencings,
    key_of,
)
from reactor.model.identity import NodeRef
from tests.unit.workers.fencing.views import FILE, OUTAGE, PROOF, PROVEN
from workers.fencing.decide.boot_file import seen_by

_FILE = replace(
    PROVEN,
    attempts=(Attempt("redfish", 1.0, "No."),),
    release=ChosenRelease(ReleaseWay.TAINT, "All.", 2.0, ("a/b",)),
    void="It spoke.",
)
_NEW = replace(
    _FILE,
    attempts=(Attempt("redfish", 1.0, unanswered="It does not answer.", unanswered_since=2.0),),
    answers=(("redfish", "mute"),),
)
_CLAIM = Claim(OUTAGE.node, "boot-1", "ann", "looked", 1.0, "lease", "beat")


def test_it_is_read_as_it_was_written() -> None:
    assert Fencing.of(_FILE.as_text()) == _FILE
    assert Fencing.of(_NEW.as_text()) == _NEW
    assert Claim.of(_CLAIM.as_text()) == _CLAIM
    kept = {"data": {_FILE.key: _FILE.as_text(), _CLAIM.key: _CLAIM.as_text()}}
    assert fencing_of(kept, "node-a") == _FILE
    assert claim_of(kept, "node-a") == _CLAIM
    assert fencings(kept) == {"node-a": _FILE}


def test_what_a_clock_noted_before_it_was_set_back_counts_as_now() -> None:
    release = ChosenRelease(ReleaseWay.TAINT, "All.", 2.0, tried_at=9.0)
    noted = replace(
        _FILE,
        at=9.0,
        ready_since=7.0,
        silent_since=9.0,
        beat_since=9.0,
        attempts=(Attempt("redfish", 9.0, "No.", 6.0), Attempt("metal3", 2.0, unanswered_since=8.0)),
        release=release,
        confirmation=replace(PROOF, at=9.0),
    )
    seen = seen_by(noted, 5.0)
    assert (seen.at, seen.ready_since) == (5.0, 5.0)
    assert [(one.at, one.over_at, one.unanswered_since) for one in seen.attempts] == [(5.0, 5.0, 0.0), (2.0, 0.0, 5.0)]
    assert seen.release == replace(release, tried_at=5.0)
    assert seen.confirmation == replace(PROOF, at=5.0)
    assert (seen.silent_since, seen.beat_since) == (9.0, 9.0)  # they show that it was set back
    assert seen_by(noted, 9.0) == noted


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"outage": {}}', _FILE.as_text().replace("taint", "axe")])
def test_what_cannot_be_read_proves_nothing(text: str) -> None:
    kept = {"data": {_FILE.key: text, _CLAIM.key: text}}
    assert (fencing_of(kept, "node-a"), claim_of(kept, "node-a"), fencings(kept)) == (None, None, {})
    with pytest.raises(BadInput):
        Fencing.of(text)


@pytest.mark.parametrize("kept", [None, {}, {"data": None}, {"data": {}}])
def test_where_there_is_nothing_nothing_is_known(kept: dict[str, object] | None) -> None:
    assert (fencing_of(kept, "node-a"), fencings(kept)) == (None, {})


def test_the_file_of_a_boot_that_the_version_before_wrote_is_read_and_of_its_storage_no_cluster_is_known() -> None:
    data = json.loads(replace(PROVEN, confirmation=replace(PROOF, storage=(("rbd", "ceph"),))).as_text())
    old = {
        name: value for name, value in data.items() if name not in {"reported", "said", "refuted", "stale", "closed"}
    }
    kept = {name: value for name, value in data["confirmation"].items() if name not in {"storage", "person"}}
    text = json.dumps({**old, "confirmation": {**kept, "drivers": ["rbd"]}})
    file = fencing_of({"data": {"fence_node-a": text}}, "node-a")
    assert file
    assert file.proof
    assert (file.proof.storage, file.boot) == ((("rbd", ""),), "boot-1")
    assert fencing_entries({"data": {"fence_node-a": text}}, "node-a") == {"fence_node-a": file}


def test_what_the_version_before_does_not_know_is_left_out_where_it_says_nothing() -> None:
    new = {"unanswered", "unanswered_since", "answers"}
    for file, expected in ((_FILE, set()), (_NEW, new)):
        data = json.loads(file.as_text())
        assert new & {*data, *(name for attempt in data["attempts"] for name in attempt)} == expected


def test_of_several_boots_the_one_that_was_lost_last_is_meant_unless_another_is_named() -> None:
    newer = replace(FILE, boot="boot-2", outage=replace(OUTAGE, since=2000))
    other = replace(FILE, outage=replace(OUTAGE, node=NodeRef("node-a-b", "uid-c")))
    gone = replace(FILE, boot="boot-3", outage=replace(OUTAGE, since=3000), closed=True, refuted=(Source("redfish"),))
    kept = {"data": {one.key: one.as_text() for one in (newer, PROVEN, other, gone)}}
    assert len(kept["data"]) == 4
    assert fencing_of(kept, "node-a") == newer
    assert fencing_of(kept, "node-a", "boot-1") == PROVEN
    assert fencing_of(kept, "node-a", "boot-3") is None
    assert fencings(kept) == {"node-a": newer, "node-a-b": other}
    assert set(fencing_entries(kept, "node-a").values()) == {newer, PROVEN, gone}


def test_a_confirmation_that_was_withdrawn_is_no_proof() -> None:
    assert _FILE.proof is None
    assert PROVEN.proof == PROVEN.confirmation


def test_a_long_name_of_a_node_makes_a_key_that_kubernetes_takes_and_no_other_node_has() -> None:
    one, other = "a" * 253, "a" * 252 + "b"
    assert len(key_of("fence", one)) <= 253
    assert key_of("fence", one) != key_of("fence", other)


def test_what_is_changed_for_a_fence_says_for_which_boot_of_which_node_in_which_outage() -> None:
    assert Target(OUTAGE, "boot-1").marks == {
        "vmdrift.io/outage": "uid-a_1000",
        "vmdrift.io/boot-id": "boot-1",
        "vmdrift.io/node": "node-a",
    }
