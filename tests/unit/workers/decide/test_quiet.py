"""Where somebody watches: is there a reason to look at a drift, or to read more than one object? Pure."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Disk, Phase, Policy, Record, Watched
from tests.contracts.samples import record
from workers.decide.observation import Attachment, Volume
from workers.decide.quick_look import awaited_attachments, freed, only_starts, quiet, still_held

NOW, LOOKED = 10_000.0, 9_990.0
CALM, STIRRED, LATE = Watched(9_000.0), Watched(9_000.0, NOW - 1), Watched(NOW - 1)
PLAIN, RBD = Disk("root", "containerDisk"), Disk("data", "persistentVolumeClaim", "c", "rbd.csi", ("ReadWriteOnce",))
VA = replace(RBD, attachment="csi-1")


def drift(reason: str, phase: Phase = Phase.WAITING, **fields: Any) -> Record:
    return replace(record(), phase=phase, reason=reason, changed_at=LOOKED, looked_at=LOOKED, **fields)


WINDOW = drift("unreachable-window", again_at=NOW + 60)
ENDED_WINDOW = replace(WINDOW, again_at=NOW)
EVICTION = drift("eviction-due", again_at=NOW)
SIX_MINUTES = drift("detach-window", Phase.DETACHING, released_at=NOW - 100, disks=(VA,))
RELEASED = drift("force-deleted", Phase.RELEASED, released_at=NOW - 3, disks=(PLAIN,))
STARTING = drift("waiting-for-running", Phase.STARTING, released_at=NOW - 9, disks=(RBD,))


@pytest.mark.parametrize(
    ("waiting", "again"),
    [
        pytest.param(WINDOW, NOW + 60, id="its window goes on"),
        pytest.param(ENDED_WINDOW, NOW + 10, id="its window is over, and Kubernetes evicts now"),
        pytest.param(EVICTION, NOW + 1, id="its eviction is due"),
        pytest.param(SIX_MINUTES, NOW + 60, id="in the six minutes"),
        pytest.param(replace(SIX_MINUTES, released_at=NOW - 350), NOW + 12, id="at the end of them"),
        pytest.param(RELEASED, NOW + 3, id="released, without a volume"),
        pytest.param(replace(STARTING, tries=1), NOW + 5, id="starting"),
    ],
)
def test_a_drift_to_which_nothing_has_happened_is_not_looked_at(waiting: Record, again: float) -> None:
    assert quiet(waiting, Policy(), NOW, CALM) == again
    for reason_to_look in (None, STIRRED):
        assert quiet(waiting, Policy(), NOW, reason_to_look) is None
    assert quiet(replace(waiting, looked_at=NOW + 5), Policy(), NOW, CALM) is None, "the clock was set back"
    assert quiet(replace(waiting, changed_at=NOW + 5), Policy(), NOW, CALM) is None, "the same, before the first look"


@pytest.mark.parametrize("waiting", [EVICTION, SIX_MINUTES, RELEASED, STARTING])
def test_what_is_watched_only_since_the_last_look_is_looked_at_once_more(waiting: Record) -> None:
    assert quiet(waiting, Policy(), NOW, LATE) is None


def test_a_window_that_goes_on_rests_on_nothing_that_was_to_be_seen_before() -> None:
    assert quiet(WINDOW, Policy(), NOW, LATE) == NOW + 60


@pytest.mark.parametrize(
    "waiting",
    [
        pytest.param(replace(ENDED_WINDOW, again_at=NOW - 10), id="no eviction came"),
        pytest.param(replace(SIX_MINUTES, released_at=NOW - 360), id="the six minutes are over"),
        pytest.param(replace(STARTING, tries=3), id="it starts slowly"),
        pytest.param(replace(EVICTION, tries=3), id="the eviction is late"),
        pytest.param(replace(RELEASED, disks=(PLAIN, RBD)), id="a volume may be held"),
        pytest.param(replace(RELEASED, disks=()), id="its volumes are not known"),
        pytest.param(drift("no-node-fits", Phase.BLOCKED, again_at=NOW + 10), id="others' nodes decide"),
    ],
)
def test_what_its_time_brings_or_nobody_watches_is_looked_at(waiting: Record) -> None:
    assert quiet(waiting, Policy(), NOW, CALM) is None


def test_an_eviction_that_does_not_come_is_waited_for_once() -> None:
    outage = replace(ENDED_WINDOW.drift.outage, since=int(NOW - Policy().unreachable_window))
    ended = replace(ENDED_WINDOW, drift=replace(ENDED_WINDOW.drift, outage=outage))
    again = quiet(ended, Policy(), NOW, CALM)
    assert again == NOW + 10
    assert quiet(replace(ended, again_at=again), Policy(), again, CALM) is None


def test_a_window_is_looked_at_in_time_where_no_eviction_is_waited_for() -> None:
    assert quiet(ENDED_WINDOW, Policy(delete_unevicted=True), NOW, CALM) is None


def test_only_attachments_are_awaited_once_no_pod_uses_the_volume() -> None:
    assert awaited_attachments(replace(SIX_MINUTES, awaits=("volumeattachments/csi-1",))) == ["csi-1"]
    assert awaited_attachments(replace(SIX_MINUTES, awaits=("pods/shop/backup",))) == []
    assert awaited_attachments(SIX_MINUTES) == []


def test_a_drift_whose_volumes_are_free_starts() -> None:
    after = freed(replace(SIX_MINUTES, awaits=("volumeattachments/csi-1",)), NOW)
    assert (after.phase, after.reason, after.detached_at, after.awaits) == (
        Phase.STARTING,
        "waiting-for-volume",
        NOW,
        (),
    )
    assert only_starts(after)


def test_a_released_drift_whose_volumes_are_still_held_waits_for_the_six_minutes() -> None:
    held = Attachment("csi-1", "u", "node-a", "pv", attached=True)
    volume = Volume("data", "persistentVolumeClaim", "c", "pv", driver="rbd.csi", modes=("ReadWriteOnce",), held=held)
    released = drift("force-deleted", Phase.RELEASED, released_at=NOW - 3, disks=(VA,))
    after = still_held(released, [volume], None, Policy(), NOW)
    assert after is not None
    assert (after.phase, after.reason, after.again_at) == (Phase.DETACHING, "detach-window", NOW + 60)
    assert "The lost node still holds pv" in after.sentence
    assert still_held(released, [replace(volume, users=("backup",))], None, Policy(), NOW) is None
