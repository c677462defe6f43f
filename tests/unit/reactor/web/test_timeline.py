"""The drawing of a drift: marks in order, on one scale."""

from dataclasses import replace

import pytest

from reactor.model.drift import Phase, Record, Signs
from reactor.model.recovery import Windows
from reactor.model.times import duration
from reactor.web.page.timeline import timeline
from tests.contracts.samples import drift, outage

SINCE = 1795500000
WINDOWS = Windows(300.0, 360.0)
RECORD = Record(drift("web", replace(outage(), since=SINCE)), Phase.WAITING, "unreachable-window", "x", SINCE, SINCE)


def names(record: Record, now: float) -> list[tuple[str, bool]]:
    return [(mark.name, mark.expected) for mark in timeline(record, WINDOWS, now).marks]


def test_while_the_window_runs_its_end_is_expected() -> None:
    line = timeline(RECORD, WINDOWS, SINCE + 100)
    assert [(mark.name, mark.x) for mark in line.marks] == [("unknown", 0.0), ("window", 1000.0)]
    assert line.now == pytest.approx(333.3)
    assert [(stage.name, stage.seconds, stage.expected) for stage in line.stages] == [
        ("waiting", 100.0, False),
        ("waiting", 200.0, True),
    ]


def test_before_kubernetes_has_noticed_neither_unknown_nor_a_window_is_drawn() -> None:
    line = timeline(replace(RECORD, reason="not-noticed"), WINDOWS, SINCE + 20)
    assert [(mark.name, mark.expected) for mark in line.marks] == [("silent", False)]
    assert line.now == pytest.approx(1000.0)


def test_a_whole_story_is_drawn_to_scale() -> None:
    done = replace(
        RECORD,
        phase=Phase.COMPLETED,
        signs=Signs("2026-11-24T05:59:20Z", "", SINCE),
        terminating_at=SINCE + 300.0,
        released_at=SINCE + 301.0,
        scheduled_at=SINCE + 302.0,
        detached_at=SINCE + 661.0,
        ended_at=SINCE + 670.0,
    )
    line = timeline(done, WINDOWS, SINCE + 9000)
    order = ["lost", "unknown", "window", "terminating", "released", "scheduled", "detached", "running"]
    assert [mark.name for mark in line.marks][-5:] == order[-5:]
    assert line.now is None
    assert line.marks[-1].x == 1000.0
    assert sum(stage.seconds for stage in line.stages) == pytest.approx(line.ends - line.began)


def test_the_forced_detach_is_expected_after_the_release() -> None:
    released = replace(RECORD, phase=Phase.DETACHING, reason="detach-window", released_at=SINCE + 301.0)
    assert names(released, SINCE + 400)[-1] == ("detached", True)


def test_a_drift_that_ended_in_its_window_waited_for_nothing_more() -> None:
    back = replace(RECORD, phase=Phase.CANCELLED, ended_at=SINCE + 100.0)
    assert names(back, SINCE + 400) == [("unknown", False)]


@pytest.mark.parametrize("stamp", ["", "nonsense", "2020-01-01T00:00:00Z", "2026-11-24T09:00:00Z"])
def test_a_last_word_that_cannot_be_is_left_out(stamp: str) -> None:
    assert names(replace(RECORD, signs=Signs(stamp, "", SINCE)), SINCE + 1)[0] == ("unknown", False)


def test_a_moment_cut_to_whole_seconds_does_not_come_before_its_cause() -> None:
    done = replace(RECORD, released_at=SINCE + 301.6, scheduled_at=SINCE + 301.0)
    assert [name for name, _ in names(done, SINCE + 305)][-2:] == ["released", "scheduled"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (12000, "3 h 20 min"),
        (200000, "2 d 7 h"),
    ],
)
def test_durations_are_for_people(seconds: float, said: str) -> None:
    assert duration(seconds) == said
