"""A node is suspected before Kubernetes says anything; what is no silence of the node's own suspects nobody."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from reactor.adapters.redis.process_reports import Reports
from reactor.model.drift import Policy
from reactor.web.metrics import Sources
from simulator.api.api import Fault
from simulator.audit import Request
from simulator.client import ApiError
from simulator.scene import Scene
from tests.support.twins.outbox import MemoryOutbox
from tests.support.virtual import WATCHERS, Play

NODES = tuple(f"node-{letter}" for letter in "abcdefghij")
LOST = NODES[0]
FENCED = Policy(fencing=("redfish",))


def watched(policy: Policy = FENCED, nodes: tuple[str, ...] = NODES, watchers: int = 1) -> Play:
    """For a minute: whatever begins with a watcher has begun."""
    play = Play.of(Scene(nodes, ()), policy, watchers=watchers, suspects=True)
    play.world.run_for(60)
    return play


def told(play: Play) -> list[tuple[str, str]]:
    """The events about suspicions, in order: kind and node."""
    events = [event for _, event in play.reactor.store.events()]
    return [(event["type"].removeprefix("io.vmdrift."), event["subject"]) for event in events]


def ended(play: Play) -> dict[str, int]:
    return play.reactor.store.suspicions.ended()


def shown(play: Play) -> list[str]:
    return play.reactor.store.suspicions.shown().sentences(play.world.now)


def refused(play: Play, *verbs: str, by: Callable[[Request], bool] = lambda _: True) -> Fault:
    """From now on no such request for Leases is answered; what to take away for that to end."""

    def fault(request: Request) -> ApiError | None:
        hit = request.resource == "leases" and request.verb in verbs and by(request)
        return ApiError(503, "ServiceUnavailable", "not now") if hit else None

    play.world.api.faults.append(fault)
    return fault


SUSPECTED, CLEARED = ("node.suspected", LOST), ("node.cleared", LOST)


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


@pytest.mark.parametrize("seconds", [5, 12, 20, 45])
def test_an_api_server_that_restarts_suspects_nobody(seconds: int) -> None:
    play = watched()
    fault = refused(play, "patch", "get", "list", "watch")
    play.world.run_for(seconds)
    play.world.api.faults.remove(fault)
    play.world.run_for(60)
    assert (told(play), ended(play)) == ([], {})


def rolled(play: Play, seconds: float) -> None:
    """All kubelets are restarted, one after the other, each for so long; from then on each renews in its own turn."""
    for node in NODES:
        play.world.hypervisor.stop_kubelet(node)
        play.world.run_for(seconds)
        play.world.hypervisor.start_kubelet(node)


def test_quick_restarts_of_all_kubelets_suspect_nobody() -> None:
    play = watched()
    rolled(play, 0.7)
    rolled(play, 4.0)
    play.world.run_for(30)
    assert (told(play), ended(play)) == ([], {})


def test_api_servers_that_are_restarted_one_after_the_other_suspect_nobody() -> None:
    """Each has a third of the kubelets, which turn to another one after two seconds, and the first one our watch."""
    play = watched()
    rolled(play, 0.7)
    for number in range(3):
        third = {*NODES[number::3]} | ({""} if number == 0 else set())
        fault = refused(play, "patch", "watch", by=lambda request: request.name in third)  # noqa: B023 - called here
        play.world.run_for(2)
        play.world.api.faults.remove(fault)
        play.world.run_for(20)
    assert (told(play), ended(play)) == ([], {})


@pytest.mark.parametrize("seconds", [12, 20, 30])
def test_where_no_lease_is_written_while_all_is_read_nobody_is_suspected(seconds: int) -> None:
    play = watched()
    fault = refused(play, "patch")
    play.world.run_for(seconds)
    play.world.api.faults.remove(fault)
    play.world.run_for(60)
    assert (told(play), ended(play)) == ([], {})


@pytest.mark.parametrize("seconds", [15, 40, 300])
def test_a_watch_that_is_cut_off_suspects_nobody(seconds: int) -> None:
    play = watched()
    fault = refused(play, "get", "list", "watch", by=lambda request: request.user == WATCHERS)
    play.world.run_for(seconds)
    play.world.api.faults.remove(fault)
    play.world.run_for(60)
    assert (told(play), ended(play)) == ([], {})


def test_what_cannot_be_read_right_before_it_counts_is_no_suspicion() -> None:
    play = watched()
    fault = refused(play, "get", by=lambda request: request.user == WATCHERS)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(30)
    assert told(play) == []
    play.world.api.faults.remove(fault)
    play.world.run_for(3)
    assert told(play) == [SUSPECTED]


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_a_watcher_s_or_redis_clock_that_is_set_suspects_nobody(seconds: float) -> None:
    play = watched()
    play.reactor.watchers[0].clock.step(seconds)
    play.reactor.redis.step(seconds)
    play.world.run_for(60)
    assert (told(play), ended(play)) == ([], {})


@pytest.mark.parametrize("skew", [3600.0, -3600.0])
def test_a_node_s_clock_that_is_set_is_no_silence(skew: float) -> None:
    play = watched()
    play.world.hypervisor.set_clock(LOST, skew)
    play.world.run_for(60)
    assert (told(play), ended(play)) == ([], {})


def test_of_half_a_cluster_there_is_one_event_and_nobody_is_asked() -> None:
    play = watched(watchers=2)
    for node in NODES[:5]:
        play.world.hypervisor.power_cut(node)
    play.world.run_for(35)
    assert (told(play), ended(play)) == ([("nodes.suspected", "nodes")], {})
    (sentence,) = shown(play)
    assert sentence.startswith("5 of 10 nodes did not renew their Leases in time")
    play.world.run_for(60)
    assert (told(play), shown(play)) == ([("nodes.suspected", "nodes")], [])


def test_where_most_of_the_cluster_is_silent_nobody_is_suspected() -> None:
    play = watched()
    for node in NODES[:6]:
        play.world.hypervisor.power_cut(node)
    play.world.run_for(60)
    assert (told(play), ended(play)) == ([], {})


@pytest.mark.parametrize("number", [2, 3])
def test_of_a_small_cluster_one_is_suspected_too(number: int) -> None:
    play = watched(nodes=NODES[:number])
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(25)
    assert told(play) == [SUSPECTED]


def test_a_single_node_has_nobody_beside_it_by_which_it_could_be_suspected() -> None:
    play = watched(nodes=NODES[:1])
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(40)
    assert told(play) == []


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


@pytest.mark.parametrize("duration", [0, -40, 2**63, "40", None, True, 0.001])
def test_a_senseless_duration_suspects_nobody_and_is_no_trouble_of_others(duration: object) -> None:
    play = watched()
    key, lease = next((key, lease) for key, lease in play.world.store.objects("leases").items() if key[1] == NODES[1])
    play.world.store.update("leases", {**lease, "spec": {**lease["spec"], "leaseDurationSeconds": duration}})
    assert key[0] == "kube-node-lease"
    play.world.run_for(30)
    assert told(play) == []
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(25)
    assert told(play) == [SUSPECTED]


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
