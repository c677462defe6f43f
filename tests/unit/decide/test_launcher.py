"""Has Kubernetes given the launcher pod up, and will the VM come back?"""

from dataclasses import replace

import pytest

from reactor.model.node import Taint
from tests.unit.decide.recorded import SINCE, TERMINATING, UNKNOWN, launcher, node, seen, vm_of
from workers.decide.comeback import comeback
from workers.decide.decision import Held, Judgement, backoff
from workers.decide.launcher import terminating
from workers.observe import pod_view

_LIVING = replace(launcher(), terminating=False)
_DUE = SINCE + 300.0  # timeAdded of the recorded taint + tolerationSeconds of the recorded pod


def test_the_recorded_launcher_is_terminating_once_kubernetes_evicted_it() -> None:
    assert isinstance(terminating([launcher()], node(), _DUE), Held)


@pytest.mark.parametrize("now", [SINCE + 1.0, _DUE - 0.5])
def test_before_its_eviction_is_due_the_next_look_is_at_that_moment(now: float) -> None:
    verdict = terminating([_LIVING], node(), now)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.again_at) == ("not-terminating", _DUE)
    assert "due at 06:18:45Z" in verdict.sentence


def test_an_eviction_is_reckoned_from_the_taint_not_from_the_outage() -> None:
    later = replace(node(), taints=(Taint("node.kubernetes.io/unreachable", "", "NoExecute", SINCE + 1259.0),))
    verdict = terminating([replace(_LIVING, tolerates=20.0)], later, _DUE)
    assert isinstance(verdict, Judgement)
    assert verdict.again_at == SINCE + 1279.0


def test_an_eviction_that_is_overdue_is_looked_for_with_back_off() -> None:
    verdict = terminating([_LIVING], node(), _DUE)
    assert isinstance(verdict, Judgement)
    assert verdict.again_at is None


def test_a_launcher_that_tolerates_the_taint_for_ever_is_named_as_such() -> None:
    verdict = terminating([replace(_LIVING, tolerates=None)], node(), _DUE)
    assert isinstance(verdict, Judgement)
    assert verdict.again_at is None
    assert "for ever" in verdict.sentence


def test_without_a_no_execute_taint_nothing_is_evicted() -> None:
    only_schedule = tuple(taint for taint in node().taints if taint.effect == "NoSchedule")
    verdict = terminating([_LIVING], replace(node(), taints=only_schedule), _DUE)
    assert isinstance(verdict, Judgement)
    assert verdict.again_at is None
    assert "no NoExecute taint" in verdict.sentence


def test_all_launchers_of_the_lost_instance_must_be_terminating() -> None:
    verdict = terminating([launcher(), replace(_LIVING, name="a-second")], node(), _DUE)
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
        ([_EVERY, {**_UNREACHABLE, "tolerationSeconds": 20}], 20.0),
        ([{**_UNREACHABLE, "tolerationSeconds": 60}, {**_UNREACHABLE, "tolerationSeconds": 20}], 20.0),
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


@pytest.mark.parametrize(
    ("strategy", "returns"),
    [
        ("Always", True),
        ("RerunOnFailure", True),
        ("Manual", False),
        ("Once", False),
        ("Halted", False),
        ("WaitAsReceiver", False),
        ("", False),
        ("Sometimes", False),
    ],
)
def test_a_vm_comes_back_only_with_the_two_run_strategies_that_restart_it(strategy: str, returns: bool) -> None:
    verdict = comeback(replace(vm_of(seen()), run_strategy=strategy))
    assert isinstance(verdict, Held) is returns
    assert isinstance(verdict, Held) or verdict.reason == "run-strategy"


@pytest.mark.parametrize(
    ("vm", "strategy"),
    [("vm-cd", "Always"), ("vm-rof", "RerunOnFailure"), ("vm-man", "Manual"), ("vm-once", "Once")],
)
def test_the_run_strategies_are_read_as_they_were_recorded(vm: str, strategy: str) -> None:
    assert vm_of(seen(vm)).run_strategy == strategy
