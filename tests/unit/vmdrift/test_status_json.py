"""What `vmdrift status --json` says of a fence: fields are only added."""

from dataclasses import replace
from typing import Any

from reactor.model.fencing import Attempt
from reactor.model.suspicion import Suspects
from rehearsal.twins.store import MemoryStore
from tests.contracts.samples import DRILLS, SUSPICION, outage_record
from tests.unit.workers.fencing.views import FILE, PROOF, PROVEN
from vmdrift.status import as_object, read


def test_drivers_are_told_beside_the_storage_that_is_blocked() -> None:
    store = MemoryStore(lambda: 0.0)
    store.save_outage(outage_record(), done=False)
    proof = replace(PROOF, storage=(("rbd", "a"), ("rbd", "b")))
    store.save_fencing(replace(PROVEN, outage=outage_record().outage, confirmation=proof))
    outages: Any = as_object(read(store))["outages"]
    told = outages[0]["fencing"]["confirmation"]
    assert (told["drivers"], told["storage"]) == (("rbd",), (("rbd", "a"), ("rbd", "b")))
    assert outages[0]["fencing"]["loss"] == ""


def test_who_is_suspected_is_told_beside_the_outages_if_anybody_is() -> None:
    store = MemoryStore(lambda: 0.0)
    assert as_object(read(store)) == {"outages": []}
    store.suspicions.show(Suspects((SUSPICION,)))
    assert as_object(read(store)) == {"suspects": {"suspicions": (SUSPICION.as_json(),), "why": ""}, "outages": []}


def test_fence_drills_are_told_if_there_are_any_without_what_stands_for_credentials() -> None:
    store = MemoryStore(lambda: 0.0)
    store.drills.write(DRILLS)
    told: Any = as_object(read(store))["drills"]
    assert [(drill["node"], drill["provider"]) for drill in told] == [(one.node, one.provider) for one in DRILLS]
    assert {drill["credentials"] for drill in told} == {""}


def test_a_dark_bmc_and_who_does_not_answer_are_told() -> None:
    store = MemoryStore(lambda: 0.0)
    store.save_outage(outage_record(), done=False)
    mute = Attempt("redfish", 1.0, unanswered="No answer.", unanswered_since=2.0)
    store.save_fencing(replace(FILE, outage=outage_record().outage, attempts=(mute,), answers=(("redfish", "mute"),)))
    outages: Any = as_object(read(store))["outages"]
    told = outages[0]["fencing"]
    assert (told["loss"], told["answers"], told["attempts"][0]["unanswered_since"]) == (
        "dark",
        (("redfish", "mute"),),
        2.0,
    )
