"""What stands in the ConfigMap of proofs, and what becomes of what cannot be read there."""

from dataclasses import replace

import pytest

from reactor.model.errors import BadInput
from reactor.model.fencing import Attempt, Claim, Fencing, Release, Target, Way, claim_of, fencing_of, fencings, key_of
from tests.unit.fence.views import OUTAGE, PROVEN

_FILE = replace(
    PROVEN,
    attempts=(Attempt("redfish", 1.0, "No."),),
    release=Release(Way.TAINT, "All.", 2.0, ("a/b",)),
    void="It spoke.",
)
_CLAIM = Claim(OUTAGE.node, "boot-1", "ann", "looked", 1.0, "lease", "beat")


def test_it_is_read_as_it_was_written() -> None:
    assert Fencing.of(_FILE.as_text()) == _FILE
    assert Claim.of(_CLAIM.as_text()) == _CLAIM
    kept = {"data": {_FILE.key: _FILE.as_text(), _CLAIM.key: _CLAIM.as_text()}}
    assert fencing_of(kept, "node-a") == _FILE
    assert claim_of(kept, "node-a") == _CLAIM
    assert fencings(kept) == {"node-a": _FILE}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"outage": {}}', _FILE.as_text().replace("taint", "axe")])
def test_what_cannot_be_read_proves_nothing(text: str) -> None:
    kept = {"data": {_FILE.key: text, _CLAIM.key: text}}
    assert (fencing_of(kept, "node-a"), claim_of(kept, "node-a"), fencings(kept)) == (None, None, {})
    with pytest.raises(BadInput):
        Fencing.of(text)


@pytest.mark.parametrize("kept", [None, {}, {"data": None}, {"data": {}}])
def test_where_there_is_nothing_nothing_is_known(kept: dict[str, object] | None) -> None:
    assert (fencing_of(kept, "node-a"), fencings(kept)) == (None, {})


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
