"""Who did what, sent on: one CloudEvent for each deed, and a Kubernetes Event about what it concerns."""

from dataclasses import replace

import pytest

from reactor.model import errors
from reactor.model.deed import Deed
from rehearsal.twins.cluster import ApiCluster
from rehearsal.twins.store import MemoryStore
from simulator.client import ApiError
from simulator.world import World
from tests.contracts.samples import outage, outage_record
from tests.support.schemas import check
from workers.delivery.deeds import DeedReporter

NOW = 1_795_500_000.0
HELD = Deed("hold", "node/node-a", "ann", "page", "firmware", NOW, None, (outage().id,))
WEB = replace(HELD, what="confirm-off", target="vm/shop/web")


class Place:
    """A reporter with a simulated API server, and a store."""

    def __init__(self, *, acts: bool = True) -> None:
        self.world, self.now = World(), NOW + 1
        self.store = MemoryStore(lambda: self.now)
        self.admin = self.world.api.client("admin")
        self.cluster = ApiCluster(self.world.api, "intake")
        cluster = self.cluster if acts else None
        self.reporter = DeedReporter(self.store, cluster, lambda: "/clusters/x/workers", lambda: self.now)

    def told(self, namespace: str = "default") -> list[tuple[str, str, str]]:
        """Reason, whom it is about and message of each Kubernetes Event."""
        events = [event for page in self.cluster.pages("events", namespace=namespace) for event in page.items]
        return [(e["reason"], e["involvedObject"]["name"], e["message"]) for e in events]


@pytest.fixture
def place() -> Place:
    place = Place()
    place.admin.create("nodes", {"metadata": {"name": "node-a"}})
    place.admin.create("virtualmachines", {"metadata": {"name": "web", "namespace": "shop"}})
    return place


def test_a_deed_leaves_once_as_a_cloud_event_and_as_an_event_about_its_node(place: Place) -> None:
    place.store.deeds.note(HELD)
    assert (place.reporter.tell(), place.reporter.tell()) == (1, 0)
    (event,) = place.store.sent_events
    check(event)
    assert (event["type"], event["subject"], event["id"]) == ("io.vmdrift.intervention.hold", "node-a", HELD.id)
    assert place.told() == [("DriftHold", "node-a", "ann (page) held node-a: firmware.")]


def test_what_concerns_a_vm_is_told_about_that_vm(place: Place) -> None:
    place.store.deeds.note(WEB)
    place.reporter.tell()
    assert [(reason, name) for reason, name, _ in place.told("shop")] == [("DriftConfirmOff", "web")]
    assert place.told() == []


def test_what_concerns_everything_is_told_about_the_nodes_that_are_lost(place: Place) -> None:
    place.store.save_outage(outage_record(), done=False)
    place.store.deeds.note(replace(HELD, target="all"))
    place.reporter.tell()
    assert [(reason, name) for reason, name, _ in place.told()] == [("DriftHold", "node-a")]


@pytest.mark.parametrize("target", ["node/yet-to-come", "vm/shop/none", "node/../x"])
def test_of_what_is_not_there_only_the_cloud_event_tells(place: Place, target: str) -> None:
    place.store.deeds.note(replace(HELD, target=target))
    assert place.reporter.tell() == 1
    assert (len(place.store.sent_events), place.told()) == (1, [])


def test_while_only_observing_nothing_is_written_into_the_cluster() -> None:
    place = Place(acts=False)
    place.admin.create("nodes", {"metadata": {"name": "node-a"}})
    place.store.deeds.note(HELD)
    assert place.reporter.tell() == 1
    assert (len(place.store.sent_events), place.told()) == (1, [])


def test_while_the_api_server_is_away_it_waits_and_is_not_lost(place: Place) -> None:
    place.store.deeds.note(HELD)
    place.world.api.faults.append(lambda _: ApiError(503, "ServiceUnavailable", "later"))
    with pytest.raises(errors.ClusterUnreachable):
        place.reporter.tell()
    place.world.api.faults.clear()
    assert place.reporter.tell() == 1
    assert len(place.told()) == 1
    assert {event["id"] for event in place.store.sent_events} == {HELD.id}, "whoever gets it twice knows it again"


def test_without_the_right_to_write_events_the_rest_goes_on(place: Place) -> None:
    place.world.api.authorize = lambda _user, _verb, resource, _namespace: resource != "events"
    place.store.deeds.note(HELD)
    place.store.deeds.note(WEB)
    assert place.reporter.tell() == 2
    assert len(place.store.sent_events) == 2


def test_what_is_old_is_told_no_more_in_the_cluster(place: Place) -> None:
    place.now += 7200
    place.store.deeds.note(HELD)
    place.reporter.tell()
    assert (len(place.store.sent_events), place.told()) == (1, [])
