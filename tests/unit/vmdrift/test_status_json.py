"""What `vmdrift status --json` says of a fence: fields are only added."""

from dataclasses import replace
from typing import Any

from reactor.model.suspicion import Suspects
from tests.contracts.samples import SUSPICION, outage_record
from tests.support.twins.store import MemoryStore
from tests.unit.workers.fencing.views import PROOF, PROVEN
from vmdrift.status import as_object, read


def test_drivers_are_told_beside_the_storage_that_is_blocked() -> None:
    store = MemoryStore(lambda: 0.0)
    store.save_outage(outage_record(), done=False)
    proof = replace(PROOF, storage=(("rbd", "a"), ("rbd", "b")))
    store.save_fencing(replace(PROVEN, outage=outage_record().outage, confirmation=proof))
    outages: Any = as_object(read(store))["outages"]
    told = outages[0]["fencing"]["confirmation"]
    assert (told["drivers"], told["storage"]) == (("rbd",), (("rbd", "a"), ("rbd", "b")))


def test_who_is_suspected_is_told_beside_the_outages_if_anybody_is() -> None:
    store = MemoryStore(lambda: 0.0)
    assert as_object(read(store)) == {"outages": []}
    store.suspicions.show(Suspects((SUSPICION,)))
    assert as_object(read(store)) == {"suspects": {"suspicions": (SUSPICION.as_json(),), "why": ""}, "outages": []}
