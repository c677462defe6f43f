"""A node is suspected before Kubernetes says anything, and how that ends."""

from dataclasses import replace

import pytest

from reactor.adapters.redis.process_reports import Reports
from reactor.model.drift import Policy
from reactor.web.metrics import Sources
from rehearsal.twins.outbox import MemoryOutbox
from tests.behaviour.suspects import CLEARED, FENCED, LOST, NODES, SUSPECTED, ended, refused, shown, told, watched
from tests.support.virtual import Play


def test_a_host_that_is_off_is_suspected_within_25_s_and_no_longer_when_kubernetes_confirms_it() -> None:
    play = watched()
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(25)
    assert told(play) == [SUSPECTED]
    (sentence,) = shown(play)
    assert sentence.startswith(f"{LOST}: its Lease has not been renewed for ")
    assert sentence.endswith(" s; providers are asked.")
    play.world.run_for(60)
    assert (told(play), ended(play), shown(play)) == ([SUSPECTED], {"lost": 1}, [])


@pytest.mark.parametrize("seconds", [20, 25])
def test_a_kubelet_that_restarts_is_suspected_and_cleared_as_alive(seconds: int) -> None:
    play = watched()
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(seconds)
    assert told(play) == [SUSPECTED]
    play.world.hypervisor.start_kubelet(LOST)
    play.world.run_for(5)
    assert (told(play), ended(play), shown(play)) == ([SUSPECTED, CLEARED], {"life": 1}, [])


def test_one_request_of_a_living_kubelet_that_hangs_ends_as_life() -> None:
    play = watched()
    fault = refused(play, "patch", by=lambda request: request.name == LOST)
    play.world.run_for(22)
    play.world.api.faults.remove(fault)
    play.world.run_for(15)
    assert (told(play), ended(play)) == ([SUSPECTED, CLEARED], {"life": 1})


@pytest.mark.parametrize("number", [2, 3])
def test_of_a_small_cluster_one_is_suspected_too(number: int) -> None:
    play = watched(nodes=NODES[:number])
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(25)
    assert told(play) == [SUSPECTED]


def test_two_watchers_report_each_suspicion_once() -> None:
    play = watched(watchers=2)
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(28)
    play.world.hypervisor.start_kubelet(LOST)
    play.world.run_for(15)
    assert (told(play), ended(play)) == ([SUSPECTED, CLEARED], {"life": 1})


def test_a_watcher_that_was_restarted_counts_from_zero_and_the_end_is_noticed_without_it() -> None:
    play = watched()
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(25)
    play.reactor.watchers[0].kill(play.world.now, 300)
    play.world.hypervisor.start_kubelet(LOST)
    play.world.run_for(12)
    assert shown(play) == []
    play.world.run_for(60)
    assert (told(play), ended(play)) == ([SUSPECTED, CLEARED], {"life": 1})


def test_without_fencing_a_suspicion_is_shown_and_counted_but_nothing_follows() -> None:
    play = watched(Policy())
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(25)
    (sentence,) = shown(play)
    assert sentence.endswith("; nothing follows, as VMDRIFT_FENCING names no provider.")
    play.world.hypervisor.start_kubelet(LOST)
    play.world.run_for(15)
    assert (told(play), ended(play)) == ([], {"life": 1})


def test_a_node_that_opts_out_of_fencing_is_nobody_s_business() -> None:
    play = watched(replace(FENCED, nodes_may_opt_out=True))
    admin = play.world.api.client("system:admin")
    admin.patch("nodes", LOST, {"metadata": {"annotations": {"vmdrift.io/fencing": "none"}}})
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(25)
    assert told(play) == []


@pytest.mark.parametrize(("resource", "namespace"), [("leases", "kube-node-lease"), ("nodes", "")])
def test_a_lease_or_a_node_that_is_deleted_ends_it(resource: str, namespace: str) -> None:
    play = watched()
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(25)
    play.world.api.client("system:admin").delete(resource, LOST, namespace)
    play.world.run_for(3)
    assert (told(play), ended(play)) == ([SUSPECTED, CLEARED], {"gone": 1})


def test_metrics_count_those_who_are_suspected_now_and_how_it_ended() -> None:
    play = watched()
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(25)
    assert measured(play, "vmdrift_nodes_suspected") == [1.0]
    play.world.hypervisor.start_kubelet(LOST)
    play.world.run_for(5)
    assert measured(play, "vmdrift_nodes_suspected") == [0.0]
    assert measured(play, "vmdrift_suspicions") == [1.0, 0.0, 0.0]  # life, lost, gone


def measured(play: Play, name: str) -> list[float]:
    inbox, store = play.reactor.inbox, play.reactor.store
    nothing = Reports({}, None)
    sources = Sources(inbox, MemoryOutbox(store, 3600), store, lambda: iter(()), lambda: nothing, play.world.clock)
    (metric,) = [metric for metric in sources.collect() if metric.name == name]
    return [sample.value for sample in metric.samples]


def test_what_is_told_of_suspicions_is_as_it_is_published() -> None:
    play = watched(watchers=2)
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(25)
    play.world.hypervisor.start_kubelet(LOST)
    play.world.run_for(15)
    play.check()
    began, over = [event for _, event in play.reactor.store.events()]
    node = play.world.store.get("nodes", LOST)
    assert (began["data"]["uid"], began["data"]["boot"]) == (
        node["metadata"]["uid"],
        node["status"]["nodeInfo"]["bootID"],
    )
    assert began["data"]["renewed"] == over["data"]["renewed"]
    assert over["data"]["ended"] == "life"
    assert over["data"]["sentence"].startswith(f"{LOST}: its Lease was renewed")
