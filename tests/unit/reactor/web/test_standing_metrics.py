"""What alerts name: each lost node, each VM that stays down, each hold; and no more than a hundred of each."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from prometheus_client.core import Metric

from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.model.drift import OutageRecord, Phase, Record
from reactor.model.fencing import Fencing
from reactor.model.identity import VmRef
from reactor.model.intervention import CANCEL, HOLD, Intervention
from reactor.web.held import HeldNow
from reactor.web.standing_metrics import MOST, Outages, standing
from rehearsal.twins.cluster import ApiCluster
from simulator.client import ApiError
from simulator.world import World
from tests.contracts.samples import LOST_AT, outage, outage_record, record

FENCING = "vmdrift_node_fencing"
NOW = LOST_AT + 1000.0
HELD = Intervention(HOLD, "node/node-a", "ann", "firmware", NOW - 90.0)
DOWN, LOST, DUE, HOLDS = (
    f"vmdrift_{name}_seconds" for name in ("vm_stays_down", "node_lost", "drift_past_due", "hold")
)


def told(outages: Outages, holds: Sequence[Intervention] | None = ()) -> dict[str, dict[tuple[str, ...], float]]:
    return {metric.name: _samples(metric) for metric in standing(outages, holds, NOW)}


def _samples(metric: Metric) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels.values()): sample.value for sample in metric.samples}


def of(phase: Phase, reason: str = "x", again_at: float | None = NOW + 60) -> Record:
    return replace(record("web", phase=phase), reason=reason, changed_at=NOW - 50.0, again_at=again_at)


@pytest.mark.parametrize(
    ("drift", "named"),
    [
        (of(Phase.REFUSED), True),
        (of(Phase.FAILED), True),
        (of(Phase.CANCELLED, "cancelled-by-hand", None), True),
        (of(Phase.CANCELLED, "vm-stopped"), False),
        (of(Phase.CANCELLED, "node-returned", None), False),
        (of(Phase.REFUSED, "not-on-node", None), False),
        (of(Phase.COMPLETED, again_at=None), False),
        (of(Phase.WAITING), False),
        (of(Phase.BLOCKED), False),
    ],
)
def test_a_vm_is_named_as_long_as_it_stays_down(drift: Record, *, named: bool) -> None:
    expected = {("node-a", "shop", "web", drift.phase.value): 50.0} if named else {}
    assert told([(outage_record(), [drift])])[DOWN] == expected


def test_when_the_node_is_back_nobody_waits_for_what_was_cancelled() -> None:
    back = replace(outage_record(), recovered_at=NOW - 5)
    drifts = [of(Phase.CANCELLED, "cancelled-by-hand", None)]
    assert (told([(back, drifts)])[DOWN], told([(back, drifts)])[LOST]) == ({}, {})


def test_each_lost_node_is_named_with_how_long_it_has_been_lost() -> None:
    outages: Outages = [(OutageRecord(outage(node, LOST_AT + at), NOW), []) for node, at in (("a", 100), ("b", 5000))]
    assert told(outages)[LOST] == {("a",): 900.0, ("b",): 0.0}


def test_each_lost_node_that_may_be_fenced_is_named_with_where_that_stands() -> None:
    failed = Fencing(outage("a", LOST_AT), "boot-1", NOW, reason="fence-failed")
    lost = replace(OutageRecord(outage("a", LOST_AT), NOW), fencing=failed)
    assert told([(lost, []), (outage_record(), [])])[FENCING] == {("a", "fence-failed"): 1.0}
    assert told([(replace(lost, recovered_at=NOW), [])])[FENCING] == {}


def test_the_most_overdue_look_counts_and_what_has_ended_is_never_due() -> None:
    drifts = [of(Phase.WAITING, again_at=NOW - 70), of(Phase.WAITING, again_at=NOW - 10)]
    ended = replace(of(Phase.COMPLETED, again_at=NOW - 500), ended_at=NOW - 400)
    assert told([(outage_record(), [*drifts, ended])])[DUE] == {("node-a",): 70.0}
    assert told([(outage_record(), [of(Phase.WAITING), ended])])[DUE] == {("node-a",): 0.0}
    assert told([])[DUE] == {}


def test_each_hold_is_named_and_nothing_else_that_people_ask_for() -> None:
    cancel = Intervention(CANCEL, "vm/shop/web", "ann", "new", NOW, outage="o-1")
    older = replace(HELD, at=NOW - 900.0)
    assert told([], [HELD, cancel, older])[HOLDS] == {("node/node-a", "node-a", "", ""): 900.0}
    assert set(told([], [replace(HELD, target="vm/shop/web")])[HOLDS]) == {("vm/shop/web", "", "shop", "web")}
    assert set(told([], [replace(HELD, target="all")])[HOLDS]) == {("all", "", "", "")}
    assert told([], None)[HOLDS] == {}


def test_of_very_many_the_longest_are_named() -> None:
    def one(number: int) -> Record:
        drift = replace(of(Phase.REFUSED).drift, vm=VmRef("shop", f"vm-{number}", f"uid-{number}"))
        return replace(of(Phase.REFUSED), drift=drift, changed_at=NOW - number)

    numbers = range(1, MOST + 51)
    outages: Outages = [(OutageRecord(outage(f"n-{number}", LOST_AT - number), NOW), []) for number in numbers]
    holds = [replace(HELD, target=f"node/n-{number}", at=NOW - number) for number in numbers]
    found = told([*outages, (outage_record(), [one(number) for number in numbers])], holds)
    counts = {DOWN: MOST, LOST: MOST, HOLDS: MOST, DUE: 1, FENCING: 0}
    assert {name: len(samples) for name, samples in found.items()} == counts
    assert min(found[DOWN].values()) == 51
    assert min(found[HOLDS].values()) == 51
    assert min(found[LOST].values()) == 1051


def test_holds_are_asked_of_the_cluster_seldom_however_often_somebody_scrapes() -> None:
    world, now = World(), [NOW]
    wishes = InterventionsConfigMap(ApiCluster(world.api, "receiver"), "vm-drift", lambda: now[0])
    held = HeldNow(lambda: wishes, lambda: now[0])
    assert held() == ()
    wishes.write(HELD)
    assert held() == ()
    now[0] += 10
    assert held() == (HELD,)
    world.api.faults.append(lambda _: ApiError(503, "Unavailable", "later"))
    assert held() == (HELD,)
    now[0] += 10
    assert held() is None
    assert HeldNow(lambda: None, lambda: NOW)() is None
