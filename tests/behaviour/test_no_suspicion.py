"""What is no silence of the node's own suspects nobody."""

import pytest

from tests.behaviour.suspects import LOST, NODES, SUSPECTED, ended, refused, shown, told, watched
from tests.support.virtual import WATCHERS, Play


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


def test_a_single_node_has_nobody_beside_it_by_which_it_could_be_suspected() -> None:
    play = watched(nodes=NODES[:1])
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(40)
    assert told(play) == []


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
