"""What is foreseen of a VM, by the checks of the pass that judged it first."""

from dataclasses import replace

import pytest

from reactor.model.drift import Check, Disk, Phase, Policy, Proof, Record
from reactor.model.forecast import Forecast
from tests.unit.workers.decide.recorded import SINCE, record
from workers.drift.forecast import with_forecast

NOW, POLICY = SINCE + 300.0, Policy()
RELEASED = replace(record(phase=Phase.RELEASED), reason="force-deleted", released_at=NOW)
WATCHING = replace(
    record(phase=Phase.WAITING),
    reason="watching-for-life",
    again_at=NOW + 60.0,
    checks=(Check("placement", held=True, reason="", sentence="It can."),),
)
DISK = Disk("root", "persistentVolumeClaim", "db-root", "rbd.example")


def check(name: str, reason: str = "") -> Check:
    return Check(name, held=not reason, reason=reason, sentence=f"{name}: so.")


def foreseen(one: Record, *checks: Check, policy: Policy = POLICY) -> Forecast | None:
    return with_forecast(one, checks, policy, NOW).forecast


@pytest.mark.parametrize(
    ("one", "policy", "after"),
    [
        (RELEASED, POLICY, 30.0),
        (replace(RELEASED, disks=(DISK,)), POLICY, 450.0),
        (replace(RELEASED, disks=(DISK,)), Policy(detach="delete"), 90.0),
        (replace(RELEASED, disks=(DISK,), proof=Proof.FENCED), POLICY, 90.0),
        (WATCHING, POLICY, 90.0),
    ],
)
def test_one_that_moves_has_a_latest_moment_and_says_where(one: Record, policy: Policy, after: float) -> None:
    found = foreseen(one, check("placement"), check("storage"), policy=policy)
    assert found is not None
    assert (found.moves, found.due, found.where) == (True, NOW + after, "placement: so.")


def test_one_that_stays_says_why_by_its_own_checks_and_not_by_those_of_the_outage() -> None:
    refused = replace(record(phase=Phase.BLOCKED), reason="too-many-nodes-lost")
    found = foreseen(refused, check("quorum", "too-many-nodes-lost"), check("storage", "node-local-volume"))
    assert found == Forecast(NOW, moves=False, reason="node-local-volume", sentence="storage: so.")


@pytest.mark.parametrize(
    ("one", "checks"),
    [
        (record(), [check("node"), check("window", "unreachable-window")]),
        (replace(record(phase=Phase.BLOCKED), reason="too-many-nodes-lost"), [check("placement")]),
        (replace(record(phase=Phase.BLOCKED), reason="held"), [check("placement"), check("no hold", "held")]),
        (replace(record(phase=Phase.CANCELLED), reason="vm-stopped"), [check("node")]),
    ],
)
def test_nothing_is_foreseen_where_that_is_not_known(one: Record, checks: list[Check]) -> None:
    assert foreseen(one, *checks) is None


def test_an_eviction_that_is_due_keeps_nobody_down() -> None:
    blocked = replace(record(phase=Phase.BLOCKED), reason="not-terminating")
    checks = [check("placement"), check("launcher", "not-terminating")]
    assert with_forecast(blocked, checks, POLICY, NOW, NOW + 300.0).forecast is None
    for_ever = with_forecast(blocked, checks, POLICY, NOW).forecast
    assert for_ever is not None
    assert not for_ever.moves


def test_the_first_forecast_stays() -> None:
    first = with_forecast(RELEASED, [check("placement")], POLICY, NOW)
    later = replace(first, phase=Phase.REFUSED, reason="run-strategy")
    assert with_forecast(later, [check("comeback", "run-strategy")], POLICY, NOW + 60.0).forecast == first.forecast
