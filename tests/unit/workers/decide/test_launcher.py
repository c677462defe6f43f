"""Has Kubernetes given the launcher pod up?"""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from reactor.model.node import NodeView, Taint
from tests.unit.workers.decide.recorded import SINCE, TERMINATING, UNKNOWN, launcher, node
from workers.decide.decision import Judgement, Passed, backoff
from workers.decide.launcher import terminating
from workers.decide.observation import PodView
from workers.observe.parse import pod_view

_LIVING = replace(launcher(), terminating=False)
_DUE = SINCE + 300.0  # timeAdded of the recorded taint + tolerationSeconds of the recorded pod


def test_the_recorded_launcher_is_terminating_once_kubernetes_evicted_it() -> None:
    assert isinstance(terminating([launcher()], node(), Policy(), _DUE), Passed)


@pytest.mark.parametrize("pod", [launcher(), _LIVING], ids=["Terminating", "not yet"])
def test_a_finalizer_of_a_launcher_is_named_before_its_force_delete_finds_it(pod: PodView) -> None:
    kept = replace(pod, finalizers=("kueue.x-k8s.io/managed",))
    verdict = terminating([kept], node(), Policy(delete_unevicted=True), SINCE + 1.0)
    assert isinstance(verdict, Passed)
    assert verdict.ifs == (f"finalizer kueue.x-k8s.io/managed of pod {pod.name} is removed",)
    assert verdict.sentence.endswith(f"if {verdict.ifs[0]}.")


@pytest.mark.parametrize(
    ("now", "reason", "told"),
    [
        (SINCE + 1.0, "not-terminating", "due at 06:18:45Z"),
        (_DUE - 60.1, "not-terminating", "due at 06:18:45Z"),
        (_DUE - 60.0, "eviction-due", "at 06:18:45Z"),
        (_DUE - 0.5, "eviction-due", "at 06:18:45Z"),
    ],
)
def test_before_its_eviction_is_due_the_next_look_is_at_that_moment(now: float, reason: str, told: str) -> None:
    verdict = terminating([_LIVING], node(), Policy(), now)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.again_at) == (reason, _DUE)
    assert told in verdict.sentence


@pytest.mark.parametrize(("after", "reason"), [(0.0, "eviction-due"), (9.9, "eviction-due"), (10.0, "not-terminating")])
def test_an_eviction_that_does_not_come_blocks_after_a_moment(after: float, reason: str) -> None:
    verdict = terminating([_LIVING], node(), Policy(), _DUE + after)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.again_at) == (reason, None)


def test_an_eviction_is_reckoned_from_the_taint_not_from_the_outage() -> None:
    later = replace(node(), taints=(Taint("node.kubernetes.io/unreachable", "", "NoExecute", SINCE + 1259.0),))
    verdict = terminating([replace(_LIVING, tolerates=20.0)], later, Policy(), SINCE + 1260.0)
    assert isinstance(verdict, Judgement)
    assert verdict.again_at == SINCE + 1279.0


def test_an_eviction_whose_taint_was_added_by_a_clock_ahead_is_not_waited_for_longer_than_it_takes() -> None:
    ahead = replace(node(), taints=(Taint("node.kubernetes.io/unreachable", "", "NoExecute", SINCE + 3600.0),))
    verdict = terminating([_LIVING], ahead, Policy(), SINCE + 10.0)
    assert isinstance(verdict, Judgement)
    assert verdict.again_at == SINCE + 310.0


def test_a_launcher_that_tolerates_the_taint_for_ever_is_named_as_such() -> None:
    verdict = terminating([replace(_LIVING, tolerates=None)], node(), Policy(), _DUE)
    assert isinstance(verdict, Judgement)
    assert verdict.again_at is None
    assert "for ever" in verdict.sentence


def test_without_a_no_execute_taint_nothing_is_evicted() -> None:
    only_schedule = tuple(taint for taint in node().taints if taint.effect == "NoSchedule")
    verdict = terminating([_LIVING], replace(node(), taints=only_schedule), Policy(), _DUE)
    assert isinstance(verdict, Judgement)
    assert verdict.again_at is None
    assert "no NoExecute taint" in verdict.sentence


def test_all_launchers_of_the_lost_instance_must_be_terminating() -> None:
    verdict = terminating([launcher(), replace(_LIVING, name="a-second")], node(), Policy(), _DUE)
    assert isinstance(verdict, Judgement)
    assert "a-second" in verdict.sentence


def test_looks_that_find_the_same_come_ever_later_up_to_half_a_minute() -> None:
    assert [backoff(100.0, tries) - 100.0 for tries in range(9)] == [1, 1, 2, 5, 10, 20, 30, 30, 30]


_EVERY = {"operator": "Exists"}
_UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "operator": "Exists"}


@pytest.mark.parametrize(
    ("tolerations", "tolerates"),
    [
        ([], 0.0),
        ([{"key": "gpu", "operator": "Exists"}], 0.0),
        ([{**_UNREACHABLE, "effect": "NoSchedule"}], 0.0),
        ([{**_UNREACHABLE, "effect": "NoExecute", "tolerationSeconds": 300}], 300.0),
        ([{**_UNREACHABLE, "tolerationSeconds": 20}], 20.0),
        ([{**_UNREACHABLE, "tolerationSeconds": 0}], 0.0),
        ([{**_UNREACHABLE, "tolerationSeconds": -1}], 0.0),
        ([{**_UNREACHABLE}], None),
        ([_EVERY], None),
        ([_EVERY, {**_UNREACHABLE, "tolerationSeconds": 20}], None),
        ([{**_UNREACHABLE, "tolerationSeconds": 20}, _EVERY], 20.0),
        ([{**_UNREACHABLE, "tolerationSeconds": 60}, {**_UNREACHABLE, "tolerationSeconds": 20}], 60.0),
    ],
)
def test_tolerations_are_counted_as_the_taint_manager_counts_them(
    tolerations: list[dict[str, object]], tolerates: float | None
) -> None:
    meta = {"namespace": "a", "name": "b", "uid": "c", "creationTimestamp": "2026-11-23T06:13:45Z"}
    assert pod_view({"metadata": meta, "spec": {"tolerations": tolerations}}).tolerates == tolerates


def test_a_launcher_is_read_as_it_was_recorded() -> None:
    before, after = launcher("vm-cd", UNKNOWN), launcher("vm-cd", TERMINATING)
    assert (before.node, before.tolerates, before.pending) == ("node-a", 300.0, "")
    assert (before.terminating, after.terminating, before.uid == after.uid) == (False, True, True)


_UNEVICTED = Policy(delete_unevicted=True)
_NO_TAINT = replace(node(), taints=())


@pytest.mark.parametrize(
    ("pod", "lost", "now"),
    [
        (replace(_LIVING, tolerates=None), node(), SINCE + 1.0),
        (_LIVING, _NO_TAINT, SINCE + 1.0),
        (replace(_LIVING, tolerates=86400.0), node(), _DUE),
        (_LIVING, node(), SINCE + 1.0),
        (_LIVING, node(), _DUE - 60.1),
        (_LIVING, node(), _DUE + 10.0),
    ],
    ids=["for ever", "no taint", "in a day", "much later", "in more than a minute", "overdue"],
)
def test_with_delete_unevicted_a_launcher_that_nobody_evicts_soon_may_go(
    pod: PodView, lost: NodeView, now: float
) -> None:
    verdict = terminating([pod], lost, _UNEVICTED, now)
    assert isinstance(verdict, Passed)
    assert "VMDRIFT_DELETE_UNEVICTED" in verdict.sentence
    assert isinstance(terminating([pod], lost, Policy(), now), Judgement)


@pytest.mark.parametrize(("now", "again_at"), [(_DUE - 60.0, _DUE), (_DUE - 1.0, _DUE), (_DUE + 9.9, None)])
def test_even_then_kubernetes_goes_first_where_it_is_about_to(now: float, again_at: float | None) -> None:
    verdict = terminating([_LIVING], node(), _UNEVICTED, now)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.again_at) == ("eviction-due", again_at)


def test_a_terminating_launcher_is_told_as_such_with_delete_unevicted_too() -> None:
    assert terminating([launcher()], _NO_TAINT, _UNEVICTED, _DUE) == terminating([launcher()], node(), Policy(), _DUE)
