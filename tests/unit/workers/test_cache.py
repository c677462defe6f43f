"""What many passes look at is read once in a few seconds, and not for longer."""

from dataclasses import replace
from weakref import WeakSet

import pytest

from reactor import timing
from reactor.adapters.kubernetes.cluster import PAGE, STREAMED, Page
from reactor.model.errors import Forbidden
from reactor.model.summary import Summary
from rehearsal.twins.cluster import ApiCluster
from rehearsal.twins.summaries import MemorySummaries
from simulator.client import ApiError
from tests.contracts.samples import outage
from tests.unit.workers.decide.recorded import POWER_CUT, SINCE, TERMINATING, cluster
from workers.observe.cache import BOUND, TTL, Surroundings, listed, renewed


class _Found:
    """Something that was read."""


class _Watched:
    """A recorded cluster, a clock that the test turns, and a count of what is asked."""

    def __init__(self) -> None:
        self.now, self.asked = 1000.0, 0
        recorded = cluster(TERMINATING)
        self.api = recorded.api
        self.cluster = ApiCluster(self.api, "test", self._count)
        self.summaries = MemorySummaries(lambda: self.now)
        self.cache = Surroundings(lambda: self.now, summaries=self.summaries)

    def _count(self) -> None:
        self.asked += 1


@pytest.fixture
def watched() -> _Watched:
    return _Watched()


def test_within_the_ttl_everything_is_asked_for_once(watched: _Watched) -> None:
    for _ in range(3):
        assert len(watched.cache.nodes(watched.cluster)) == 8
        assert len(watched.cache.renewals(watched.cluster)) == 8
        assert watched.cache.find(watched.cluster, "persistentvolumes", "run1-rbd-disk")
        assert len(watched.cache.pods_on(watched.cluster, "node-a", "run1")) == 8
        watched.now += TTL / 3 - 0.01
    assert watched.asked == 4


def test_what_is_too_old_is_read_anew(watched: _Watched) -> None:
    watched.cache.nodes(watched.cluster)
    watched.api.store.delete("nodes", "node-b")
    watched.now += TTL - 0.01
    assert len(watched.cache.nodes(watched.cluster)) == 8
    watched.now += 0.01
    assert len(watched.cache.nodes(watched.cluster)) == 7


def test_what_does_not_change_once_it_is_bound_may_be_kept_for_longer(watched: _Watched) -> None:
    for _ in range(2):
        watched.cache.find(watched.cluster, "persistentvolumes", "run1-rbd-disk", ttl=BOUND)
        watched.now += BOUND - 1.0
    assert watched.asked == 1
    watched.now += 1.0
    watched.cache.find(watched.cluster, "persistentvolumes", "run1-rbd-disk", ttl=BOUND)
    assert watched.asked == 2


def test_each_name_namespace_and_kind_is_another_thing(watched: _Watched) -> None:
    assert watched.cache.find(watched.cluster, "persistentvolumeclaims", "rbd-disk", "run1")
    assert watched.cache.find(watched.cluster, "persistentvolumeclaims", "rbd-disk", "run2") is None
    assert watched.cache.find(watched.cluster, "persistentvolumes", "rbd-disk") is None
    assert len(watched.cache.pods_on(watched.cluster, "node-a", "run1")) == 8
    assert watched.cache.pods_on(watched.cluster, "node-a", "run2") == []
    assert watched.cache.pods_on(watched.cluster, "node-z", "run1") == []
    assert watched.asked == 6


def test_that_there_is_none_is_remembered_too(watched: _Watched) -> None:
    for _ in range(2):
        assert watched.cache.find(watched.cluster, "csidrivers", "nothing") is None
    assert watched.asked == 1


def test_a_refusal_is_not_remembered(watched: _Watched) -> None:
    refusals = [ApiError(403, "Forbidden", "no")]
    watched.api.faults.append(lambda _: refusals.pop() if refusals else None)
    with pytest.raises(Forbidden):
        watched.cache.nodes(watched.cluster)
    assert len(watched.cache.nodes(watched.cluster)) == 8


def test_nothing_is_kept_that_will_never_be_asked_for_again(watched: _Watched) -> None:
    kept: WeakSet[_Found] = WeakSet()

    def read() -> _Found:
        found = _Found()
        kept.add(found)
        return found

    for number in range(50):
        watched.cache.once(number, read)
        watched.now += 1.0
    assert len(kept) <= TTL + 10.0  # every ten seconds it looks for what is too old


def test_renewals_are_the_nodes_own_words(watched: _Watched) -> None:
    renewals = watched.cache.renewals(watched.cluster)
    assert renewals["node-a"] < SINCE
    assert renewals["node-b"] == POWER_CUT + TERMINATING


def test_a_lease_that_was_never_renewed_says_nothing(watched: _Watched) -> None:
    never = {"spec": {"renewTime": None}}
    watched.api.client("admin").patch("leases", "node-c", never, "kube-node-lease")
    assert watched.cache.renewals(watched.cluster)["node-c"] == 0.0


@pytest.mark.parametrize("lease", [None, {}, {"spec": {}}, {"spec": {"renewTime": None}}])
def test_no_lease_has_no_renew_time(lease: dict[str, object] | None) -> None:
    assert renewed(lease) == ""


def test_a_whole_list_is_read_through_all_its_pages(watched: _Watched) -> None:
    for number in range(600):
        watched.api.store.create("configmaps", {"metadata": {"namespace": "run1", "name": f"cm-{number}"}})
    assert len(listed(watched.cluster, "configmaps", namespace="run1")) == 600
    assert watched.asked == 2


EMPTY = Summary(1000.0, (), {"node-z": 5.0})  # unlike anything in the cluster


@pytest.mark.parametrize("age", [-1.0, 0.0, 5.0])
def test_a_young_summary_is_in_place_of_lists(watched: _Watched, age: float) -> None:
    watched.summaries.publish(replace(EMPTY, as_of=watched.now - age))
    assert (watched.cache.nodes(watched.cluster), watched.cache.renewals(watched.cluster)) == ((), {"node-z": 5.0})
    assert watched.asked == 0


@pytest.mark.parametrize("age", [-3600.0, -1.1, 5.1, 3600.0])
def test_one_that_is_too_old_or_of_the_future_is_not(watched: _Watched, age: float) -> None:
    watched.summaries.publish(replace(EMPTY, as_of=watched.now - age))
    assert len(watched.cache.nodes(watched.cluster)) == len(watched.cache.renewals(watched.cluster)) == 8
    assert watched.asked == 2


def test_a_summary_grows_too_old_in_memory_as_well(watched: _Watched) -> None:
    watched.summaries.publish(replace(EMPTY, as_of=watched.now - 4.0))
    assert watched.cache.nodes(watched.cluster) == ()
    watched.now += 1.5
    assert len(watched.cache.nodes(watched.cluster)) == 8


def test_it_is_read_again_every_two_seconds(watched: _Watched) -> None:
    watched.summaries.publish(EMPTY)
    watched.cache.renewals(watched.cluster)
    watched.summaries.publish(replace(EMPTY, renewals={}))
    watched.now += timing.SUMMARY_EVERY - 0.01
    assert watched.cache.renewals(watched.cluster) == {"node-z": 5.0}
    watched.now += 0.01
    assert watched.cache.renewals(watched.cluster) == {}


def test_one_of_before_the_clock_stepped_is_of_no_known_age(watched: _Watched) -> None:
    watched.summaries.publish(replace(EMPTY, as_of=watched.now - 1.0))
    stepped = watched.cache.by(lambda: watched.now, watched.now - 0.5)
    assert len(stepped.nodes(watched.cluster)) == 8


def test_whoever_needs_its_own_list_has_it(watched: _Watched) -> None:
    watched.summaries.publish(EMPTY)
    assert len(watched.cache.nodes(watched.cluster, own=True)) == 8
    assert len(watched.cache.renewals(watched.cluster, own=True)) == 8


def test_before_the_first_deletion_of_an_outage_a_worker_reads_itself_and_tells_the_others(watched: _Watched) -> None:
    watched.summaries.publish(EMPTY)
    other = Surroundings(lambda: watched.now, summaries=watched.summaries)
    nodes, renewals = watched.cache.current(watched.cluster, outage())
    assert len(nodes) == len(renewals) == 8
    assert other.current(watched.cluster, outage()) == ((), {"node-z": 5.0})
    assert len(other.current(watched.cluster, outage("node-b"))[0]) == 8


def test_that_it_could_not_read_is_not_told(watched: _Watched) -> None:
    watched.api.faults.append(
        lambda request: ApiError(403, "Forbidden", "no") if request.resource == "leases" else None
    )
    with pytest.raises(Forbidden):
        watched.cache.current(watched.cluster, outage())
    assert not watched.summaries.was_read(outage().id)


def test_without_summaries_it_always_reads_itself(watched: _Watched) -> None:
    alone = Surroundings(lambda: watched.now)
    assert len(alone.current(watched.cluster, outage())[0]) == 8


def test_a_whole_list_of_leases_is_one_request(watched: _Watched) -> None:
    for number in range(1000):
        watched.api.store.create("leases", {"metadata": {"namespace": "kube-node-lease", "name": f"node-{number}"}})
    assert len(watched.cache.renewals(watched.cluster)) == 1008
    assert watched.asked == 1


def test_more_nodes_than_a_page_are_asked_for_once_more_all_at_once(watched: _Watched) -> None:
    with watched.api.lock:
        for number in range(PAGE):
            watched.api.store.create("nodes", {"metadata": {"name": f"n{number}"}, "spec": {}})
    assert len(watched.cache.nodes(watched.cluster)) == PAGE + 8
    assert [(entry.verb, entry.resource) for entry in watched.api.audit] == [("list", "nodes"), ("watch", "nodes")]


def test_nodes_are_as_they_are_at_the_end_of_that_list(watched: _Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    node_b, node_c = (watched.api.store.get("nodes", name) for name in ("node-b", "node-c"))
    cordoned = {**node_b, "spec": {"unschedulable": True}}
    first = next(watched.cluster.pages("nodes", limit=3))
    streamed = [*watched.cluster.pages("nodes", limit=STREAMED)]
    streamed += [Page([cordoned], "9", gone=frozenset({node_c["metadata"]["uid"]}))]
    monkeypatch.setattr(watched.cluster, "pages", lambda *_, limit=PAGE, **__: iter([first] if limit else streamed))
    nodes = watched.cache.nodes(watched.cluster)
    assert [node.name for node in nodes if node.unschedulable] == ["node-b"]
    assert len(nodes) == 7
    assert "node-c" not in {node.name for node in nodes}
