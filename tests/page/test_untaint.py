"""`vmdrift untaint`: that a node is to be tainted is taken back; a taint that is set stays, and that is said."""

import pytest

from reactor.adapters.rq import RqQueue, fence_entry
from reactor.interventions import Interventions, Person
from reactor.model.drift import OutageRecord
from reactor.model.errors import NotDone
from reactor.model.fencing import ChosenRelease, Fencing, ReleaseWay
from reactor.model.intervention import TAINT
from reactor.node_interventions import taint, untaint
from tests.contracts.samples import outage
from tests.page.site import NOW, PageSite


def ann(site: PageSite) -> Interventions:
    return Interventions(Person("ann", "cli"), site.wishes, lambda: site.store, site.inbox)


@pytest.fixture
def queue(site: PageSite) -> RqQueue:
    site.store.save_outage(OutageRecord(outage(), NOW), done=False)
    return RqQueue(site.redis, site.clock, 3600)


def scheduled(site: PageSite) -> bool:
    return bool(site.redis.exists(f"rq:job:{fence_entry(outage()).id}"))


def test_what_was_asked_for_is_taken_back_and_fencing_looks_again(site: PageSite, queue: RqQueue) -> None:
    taint(ann(site), queue, "node-a", "all of it is to go")
    assert [entry.kind for entry in site.wishes.written()] == [TAINT]
    site.redis.delete(f"rq:job:{fence_entry(outage()).id}")
    done = untaint(ann(site), queue, "node-a")
    assert (site.wishes.written(), scheduled(site)) == ((), True)
    assert done.sentence.startswith("node-a is not tainted with the effect NoExecute any more")


def test_a_taint_that_is_set_stays_and_the_answer_says_until_when(site: PageSite, queue: RqQueue) -> None:
    taint(ann(site), queue, "node-a", "all of it is to go")
    release = ChosenRelease(ReleaseWay.TAINT, "As asked for.", NOW)
    site.store.save_fencing(Fencing(outage(), "boot-1", NOW, release=release))
    sentence = untaint(ann(site), queue, "node-a").sentence
    assert "is set already. It stays until it has been rebooted, or until `vmdrift unfence node-a`" in sentence


def test_what_nobody_asked_for_cannot_be_taken_back(site: PageSite, queue: RqQueue) -> None:
    ann(site).hold("node-a", None, "firmware")
    with pytest.raises(NotDone, match="nobody has asked to taint node-a"):
        untaint(ann(site), queue, "node-a")
    assert len(site.wishes.written()) == 1, "a hold is no taint"
