"""The drawing of a drift: marks in order, on one scale."""

from dataclasses import replace

import pytest

from reactor.model.drift import Phase, Record, Signs
from reactor.model.recovery import Windows
from reactor.model.times import duration
from reactor.web.page.timeline import scale_of, timeline
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


def test_all_drifts_of_an_outage_are_drawn_on_one_scale_that_days_of_waiting_do_not_stretch() -> None:
    done = replace(RECORD, phase=Phase.COMPLETED, released_at=SINCE + 301.0, ended_at=SINCE + 400.0)
    stays = replace(RECORD, phase=Phase.REFUSED, reason="pinned-to-node")
    assert scale_of([], WINDOWS, SINCE) is None
    for now, end in ((SINCE + 100, SINCE + 400), (SINCE + 500, SINCE + 500), (SINCE + 86400, SINCE + 800)):
        scale = scale_of([done, stays], WINDOWS, now)
        assert scale is not None
        assert (scale.begin, scale.end) == (SINCE, end)
    first, second = (timeline(one, WINDOWS, SINCE + 86400, scale) for one in (done, stays))
    assert [mark.x for mark in first.marks if mark.name == "running"] == [500.0]
    assert second.now is None
    assert second.stages[-1].begin + second.stages[-1].width == 1000.0
    assert (second.stages[-1].name, second.stages[-1].seconds) == ("blocked", 86400 - 300)


def test_what_is_held_blocked_and_to_come_are_stages_of_their_own() -> None:
    held = replace(RECORD, phase=Phase.BLOCKED, reason="held")
    assert [(stage.name, stage.expected) for stage in timeline(held, WINDOWS, SINCE + 100).stages] == [
        ("held", False),
        ("waiting", True),
    ]
    blocked = replace(held, reason="kubelet-alive")
    assert [stage.name for stage in timeline(blocked, WINDOWS, SINCE + 400).stages] == ["waiting", "blocked"]
    detaching = replace(RECORD, phase=Phase.DETACHING, reason="detach-window", released_at=SINCE + 301.0)
    assert [(stage.name, stage.expected) for stage in timeline(detaching, WINDOWS, SINCE + 400).stages][-2:] == [
        ("detaching", False),
        ("detaching", True),
    ]


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
