"""The story of `tests/behaviour/test_story.py` against the API server in KUBECONFIG: `make e2e`."""

import pytest

from simulator.scene import Storage, Vm
from tests.e2e.site import Site
from tests.e2e.site import site as a_site
from tests.e2e.story import CALM, MOVED, STAYS, Story
from tests.e2e.surroundings import Access, Surroundings
from tests.e2e.sweep import left

# On a real control plane the one fixture that all of it happens in takes Kubernetes' six minutes, and a few more.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("vm", MOVED)
def test_a_vm_that_may_move_runs_elsewhere_and_nowhere_else(story: Story, vm: str) -> None:
    assert story.acted.story(vm) == ("completed", "running-elsewhere")
    assert story.acted.running[vm] == [story.acted.records[vm].target]
    assert story.acted.records[vm].target != story.lost


@pytest.mark.parametrize("vm", MOVED)
def test_a_vm_that_moves_loses_the_one_launcher_that_was_judged_and_no_other(story: Story, vm: str) -> None:
    assert story.first.launched[vm] == story.first.present[vm]
    assert story.acted.launched[vm] == story.first.launched[vm] + story.acted.present[vm]
    assert len(story.acted.launched[vm]) == 2


def test_a_volume_that_waits_is_freed_by_kubernetes_six_minutes_after_the_release(story: Story, site: Site) -> None:
    record = story.acted.records["database"]
    assert record.released_at is not None
    assert record.detached_at is not None
    assert record.detached_at - record.released_at > 0.95 * 360 / site.times


@pytest.mark.parametrize(("vm", "reason"), [("scratch", "node-local-volume"), ("licence", "pinned-to-node")])
def test_a_vm_that_may_not_move_is_refused_and_left_as_it_is(story: Story, vm: str, reason: str) -> None:
    assert story.acted.story(vm) == ("refused", reason)
    assert story.acted.launched[vm] == story.acted.present[vm] == story.first.present[vm]
    assert story.acted.running[vm] == []


def test_a_node_that_returns_within_the_window_cancels_and_nothing_was_touched(story: Story) -> None:
    assert story.after_return.story(CALM) == ("cancelled", "node-returned")
    assert story.after_return.present == story.first.present
    assert story.acted.running[CALM] == [story.returned]


@pytest.mark.parametrize("vm", MOVED)
def test_observing_touches_nothing_and_says_what_it_would_do(story: Story, vm: str) -> None:
    assert story.observed.story(vm) == ("blocked", "observe-only")
    assert "kubectl" in story.observed.records[vm].sentence
    assert story.observed.present == story.observed.launched == story.first.present


@pytest.mark.parametrize("vm", STAYS)
def test_a_vm_that_was_refused_starts_when_its_node_is_back(story: Story, vm: str) -> None:
    assert story.back.running[vm] == [story.lost]
    assert len(story.back.launched[vm]) == 2


def test_no_vm_ever_ran_twice(story: Story, site: Site) -> None:
    assert set(story.acted.running) == {*MOVED, *STAYS, CALM}
    assert site.hypervisor.double_runs == []


def test_nothing_is_left_even_of_a_site_that_ends_in_the_middle_of_an_outage(around: Surroundings) -> None:
    with a_site(around) as other:
        run, node = other.run, other.nodes[0]
        other.add(Vm("vm", Storage.RBD_BLOCK, run, node, toleration=5))
        other.hypervisor.power_cut(node)
        other.until(f"{node} is lost", lambda: other.ready(node) == "Unknown")
    access = Access(around)
    try:
        assert left(access.own, run) == []
    finally:
        access.close()
