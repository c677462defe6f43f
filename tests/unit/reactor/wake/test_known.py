"""The drifts of open outages, by what objects name; those of outages that are done are forgotten."""

from dataclasses import replace

from reactor.wake.known import KnownDrifts
from rehearsal.twins.store import MemoryStore
from tests.contracts.samples import outage, outage_record, record
from tests.unit.reactor.wake.test_rules import instance, launcher


def test_drifts_are_known_while_their_outage_is_open_and_then_forgotten() -> None:
    store = MemoryStore(lambda: 0.0)
    mine = replace(record(), vmi_uid="lost")
    store.create(mine, [])
    store.save_outage(outage_record(), done=False)
    known = KnownDrifts(store)
    assert known.refresh(store.outages()) == [mine]
    assert known.refresh(store.outages()) == []
    assert known.namespaces == {"shop"}
    assert known.concerned(launcher("lost")) == known.concerned(instance("node-b")) == [mine.drift]
    assert known.is_lost(instance(outage().node.name, uid="lost"))
    assert known.refresh([]) == []
    assert (known.namespaces, list(known.all())) == (set(), [])
    assert not known.is_lost(instance(outage().node.name, uid="lost"))
