"""The story of `tests/behaviour/test_story.py`, and the other main cases, against the API server in KUBECONFIG."""

import pytest

from simulator.scene import Storage, Vm
from tests.e2e.cases import ALIVE, BLOCKED, CALM, CASES, HEARD, MOVED, OBSERVED, RESTARTED, RETURNED, STAYS
from tests.e2e.site import Site
from tests.e2e.site import site as a_site
from tests.e2e.story import Story
from tests.e2e.surroundings import Access, Surroundings
from tests.e2e.sweep import left

# On a real control plane the one fixture that all of it happens in takes Kubernetes' six minutes, and a few more.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("vm", CASES)
def test_each_vm_of_a_dead_node_comes_to_its_phase_and_reason(story: Story, vm: str) -> None:
    assert story.acted.story(vm) == CASES[vm].story


@pytest.mark.parametrize("vm", MOVED)
def test_a_vm_that_may_move_runs_elsewhere_and_nowhere_else(story: Story, vm: str) -> None:
    assert story.acted.running[vm] == [story.acted.records[vm].target]
    assert story.acted.records[vm].target not in {story.lost, story.deaf}


@pytest.mark.parametrize("vm", MOVED)
def test_a_vm_that_moves_loses_the_one_launcher_that_was_judged_and_no_other(story: Story, vm: str) -> None:
    assert story.first.launched[vm] == story.first.present[vm]
    assert story.acted.launched[vm] == story.first.launched[vm] + story.acted.present[vm]
    assert len(story.acted.launched[vm]) == 2


@pytest.mark.parametrize("vm", STAYS)
def test_a_vm_that_may_not_move_is_left_as_it_is(story: Story, vm: str) -> None:
    assert story.acted.launched[vm] == story.acted.present[vm] == story.first.present[vm]
    assert story.acted.running[vm] == []


def test_a_volume_that_waits_is_freed_by_kubernetes_six_minutes_after_the_release(story: Story, site: Site) -> None:
    assert _held(story, "database") > 0.95 * 360 / site.times


def test_a_volume_whose_attachment_vm_drift_deletes_is_free_long_before_that(story: Story, site: Site) -> None:
    assert _held(story, "queue") < 0.5 * 360 / site.times


def test_a_vm_whose_virt_handler_is_still_heard_runs_on_untouched(story: Story) -> None:
    vm = HEARD.name
    assert story.observed.story(vm) == story.acted.story(vm) == ALIVE
    assert story.acted.launched[vm] == story.acted.present[vm] == story.first.present[vm]
    assert story.observed.running[vm] == story.acted.running[vm] == [story.deaf]


def test_a_node_that_returns_within_the_window_cancels_and_nothing_was_touched(story: Story) -> None:
    assert story.after_return.story(CALM.name) == RETURNED
    assert story.after_return.present == story.first.present
    assert story.acted.running[CALM.name] == [story.returned]


@pytest.mark.parametrize("vm", MOVED)
def test_observing_touches_nothing_and_says_what_it_would_do(story: Story, vm: str) -> None:
    assert story.observed.story(vm) == OBSERVED
    assert story.observed.records[vm].sentence.startswith("Only observing. Would now force-delete pod ")
    assert story.observed.present == story.observed.launched == story.first.present


@pytest.mark.parametrize("vm", [*BLOCKED, HEARD.name])
def test_a_drift_that_was_blocked_ends_when_its_node_is_back(story: Story, vm: str) -> None:
    # Where all lives faster the VM may have started before its drift is looked at: then it is where that is seen.
    ran = {("completed", "returned-node"), ("completed", "running-elsewhere")}
    assert story.back.story(vm) in {RETURNED, *(ran if story.back.running[vm] else ())}


@pytest.mark.parametrize("vm", [*RESTARTED, HEARD.name])
def test_a_vm_that_stayed_starts_when_its_node_is_back(story: Story, vm: str) -> None:
    assert len(story.back.running[vm]) == 1
    assert len(story.back.launched[vm]) == 2


def test_a_vm_that_is_started_by_hand_stays_stopped(story: Story) -> None:
    assert story.back.launched["manual"] == story.first.launched["manual"]
    assert story.back.running["manual"] == []


@pytest.mark.parametrize("vm", ["scratch", "licence"])
def test_a_vm_that_can_run_on_one_node_only_starts_there(story: Story, vm: str) -> None:
    assert story.back.running[vm] == [story.lost]


def test_no_vm_ever_ran_twice_and_no_disk_had_two_writers(story: Story, site: Site) -> None:
    assert set(story.acted.running) == {*CASES, CALM.name, HEARD.name}
    assert site.hypervisor.double_runs == []
    assert site.hypervisor.double_writes == []


def test_nothing_is_left_even_of_a_site_that_ends_in_the_middle_of_an_outage(around: Surroundings) -> None:
    with a_site(around) as other:
        run, node = other.run, other.nodes[0]
        other.add(Vm("vm", Storage.RBD_BLOCK, node=node, toleration=5))
        other.hypervisor.power_cut(node)
        other.until(f"{node} is lost", lambda: other.ready(node) == "Unknown")
    access = Access(around)
    try:
        assert left(access.own, run) == []
    finally:
        access.close()


def _held(story: Story, vm: str) -> float:
    """For how long the lost node held the VM's volume after its release: seconds."""
    record = story.acted.records[vm]
    assert record.released_at is not None
    assert record.detached_at is not None
    return record.detached_at - record.released_at
