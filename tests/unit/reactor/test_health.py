"""The health strip: green when all is well, and who is missing when it is not."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.adapters.redis.queue_metrics import QueueFigures
from reactor.health import Level, Seen, lame, strip
from reactor.model.audit import Audit, Loss
from reactor.model.node import node_view
from reactor.model.summary import Summary
from reactor.settings import Settings
from tests.contracts.samples import DRILLS, node

NOW = 1_000.0
QUEUES = tuple(QueueFigures(name, 0, 0, 0, 0.0, scheduler=True, workers=2) for name in ("events", "drifts", "outgoing"))
WELL = Seen(QUEUES, NOW - 2.0, {}, ())
SETTINGS = Settings()
LOSSES = (Loss("own-node", 12, 12, 3), Loss("any-1", 12, 12, 7))
AUDIT = Audit(NOW - 540.0, NOW + 3060.0, 2.0, "auto", 12, 340, 0, LOSSES)


def row(name: str, seen: Seen = WELL, settings: Settings = SETTINGS) -> tuple[str, str]:
    found = next(one for one in strip(seen, settings, NOW) if one.name == name)
    return found.level.value, found.words


def test_with_all_alive_nothing_is_red() -> None:
    assert [one.level for one in strip(WELL, SETTINGS, NOW) if one.level is Level.BAD] == []
    assert row("watcher") == ("good", "heard 2 s ago")
    assert row("workers") == ("good", "events 2, drifts 2, outgoing 2")
    assert row("scheduler") == ("good", "alive")
    assert row("policy") == ("good", "auto")
    assert row("fencing") == ("warn", "not armed: VMs move by the windows, without proof")
    assert row("version")[1]


@pytest.mark.parametrize(("age", "covered"), [(1.0, ", 2 nodes"), (11.0, "")])
def test_the_watcher_says_how_many_nodes_it_covers_while_that_is_not_old(age: float, covered: str) -> None:
    summary = Summary(NOW - age, (node_view(node("node-a")), node_view(node("node-b"))), {})
    assert row("watcher", replace(WELL, summary=summary)) == ("good", f"heard 2 s ago{covered}")


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        (None, "has never been heard: no lost node is noticed"),
        (NOW - 241.0, "last heard 4 min 1 s ago: no lost node is noticed"),
    ],
)
def test_a_deaf_watcher_is_red(heard: float | None, words: str) -> None:
    assert row("watcher", replace(WELL, heard_at=heard)) == ("bad", words)


def test_dead_workers_and_a_dead_scheduler_are_named() -> None:
    gone = (replace(QUEUES[0], workers=0), replace(QUEUES[1], workers=0), replace(QUEUES[2], workers=0))
    assert row("workers", replace(WELL, queues=gone)) == ("bad", "missing for events, drifts")
    sink = Settings(sink="http://sink.example", fencing=("redfish",))
    assert row("workers", replace(WELL, queues=gone), sink)[1] == "missing for events, drifts, outgoing, fencing"
    asleep = tuple(replace(queue, scheduler=False) for queue in QUEUES)
    assert row("scheduler", replace(WELL, queues=asleep))[0] == "bad"


def test_why_nothing_is_carried_out_is_said_of_workers_first() -> None:
    assert lame(QUEUES) == ""
    assert lame([replace(queue, scheduler=False) for queue in QUEUES]) == "no scheduler is alive"
    assert lame([replace(queue, scheduler=False, workers=0) for queue in QUEUES]) == "no worker is alive"
    assert lame([]) == ""
    assert lame([replace(QUEUES[0], workers=0), QUEUES[1]]) == ""  # only who carries drifts out counts


def test_fencing_says_for_how_many_nodes_it_would_work() -> None:
    armed = Settings(fencing=("redfish", "network-fence"))
    assert row("fencing", replace(WELL, drills=DRILLS), armed) == ("bad", "armed: redfish, network-fence; 2 of 3 nodes")
    well = tuple(drill for drill in DRILLS if drill.node != "node-a")
    assert row("fencing", replace(WELL, drills=well), armed)[0] == "good"
    assert row("fencing", WELL, armed) == ("warn", "armed: redfish, network-fence; no node was drilled yet")
    assert row("fencing", replace(WELL, drills=well))[1].startswith("armed: redfish, network-fence; 2 of 2")


def test_an_observing_installation_is_no_fault_and_is_said() -> None:
    assert row("policy", settings=Settings(policy="observe")) == ("warn", "observe: nothing is deleted")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "12 nodes, 340 VMs; 7 would stay down if a node were lost: vmdrift audit --any 1 (9 min ago)"),
        ({"losses": (), "nodes": 1, "vms": 1}, "1 node, 1 VM; none would stay down if a node were lost (9 min ago)"),
        (
            {"losses": (Loss("any-1", 1, 1, 0, 2, 3),)},
            "12 nodes, 340 VMs; none would stay down if a node were lost; 2 perhaps; 3 unknown (9 min ago)",
        ),
        ({"losses": (), "chosen": 340}, "12 nodes, 340 VMs; 340 stay by policy (9 min ago)"),
        ({"losses": (), "vms": 0}, "12 nodes, 0 VMs (9 min ago)"),
    ],
)
def test_what_is_covered_is_said_with_its_age_and_how_many_would_not_survive(more: dict[str, Any], words: str) -> None:
    assert row("covered", replace(WELL, audit=replace(AUDIT, **more))) == ("good", words)


@pytest.mark.parametrize(("late", "level"), [(0.0, "good"), (599.0, "good"), (601.0, "warn")])
def test_an_audit_that_does_not_come_is_yellow(late: float, level: str) -> None:
    audit = replace(AUDIT, next_at=NOW - late)
    found = row("covered", replace(WELL, audit=audit))
    assert found[0] == level
    assert found[1].endswith("(last audited 9 min ago: is vmdrift work audit alive?)") is (level == "warn")


def test_one_that_takes_long_may_be_late_for_as_long() -> None:
    audit = replace(AUDIT, next_at=NOW - 1900.0, took=1000.0)
    assert row("covered", replace(WELL, audit=audit))[0] == "good"


def test_where_nobody_audits_nothing_is_said_unless_somebody_ought_to() -> None:
    assert "covered" not in {one.name for one in strip(WELL, SETTINGS, NOW)}
    assert row("covered", settings=Settings(audit_every=3600.0)) == (
        "warn",
        "not known: no audit yet; is vmdrift work audit alive?",
    )


def test_a_clock_that_is_off_is_a_row_of_its_own() -> None:
    assert row("clocks", replace(WELL, clocks={"drifts@a:1": 60.0, "b": 1.0})) == ("bad", "off: drifts@a:1")
