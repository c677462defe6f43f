"""A table that is watched: it goes on while Redis is away, and says so."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from rich.console import Console

from reactor.model.drift import OutageRecord
from reactor.model.errors import StoreError, StoreRefused, StoreUnreachable
from reactor.model.intervention import HOLD, Intervention
from reactor.model.suspicion import Suspects
from tests.contracts.samples import SUSPICION, outage, record
from vmdrift.status import StatusSnapshot
from vmdrift.status.in_force import InForce
from vmdrift.status.live import Live
from vmdrift.status.watch import follow, marking

NOW = 1_700_000_100.0  # 22:15:00Z
LOST = StatusSnapshot([(OutageRecord(outage(), NOW), [record("web")])])
NONE = StatusSnapshot([])
AWAY = StoreUnreachable("Redis is away: refused")


def watched(*looks: StatusSnapshot | StoreError, terminal: bool) -> str:
    """What is on the screen, all of it that ever was, when Ctrl-C follows these looks, a second apart."""
    screen, rest, clock = io.StringIO(), iter(looks), Turned()
    console = Console(file=screen, width=80, height=24, force_terminal=terminal, color_system=None)
    with Live(console) as live:
        follow(reading(rest), live, clock, clock.turn_until(len(looks)))
    return screen.getvalue()


class Turned:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.turned = 0

    def __call__(self) -> float:
        return NOW + self.turned

    def turn_until(self, end: int) -> Callable[[float], None]:
        def pause(seconds: float) -> None:
            assert seconds == 1.0
            self.turned += 1
            if self.turned == end:
                raise KeyboardInterrupt

        return pause


def reading(looks: Iterator[StatusSnapshot | StoreError]) -> Callable[[], StatusSnapshot]:
    def read() -> StatusSnapshot:
        look = next(looks)
        if isinstance(look, StoreError):
            raise look
        return look

    return read


def test_what_was_seen_last_stays_with_its_time_while_redis_is_away() -> None:
    text = " ".join(watched(LOST, AWAY, AWAY, terminal=True).split())
    last = text[text.rindex("Redis is away") :]
    assert "Redis is away: refused (since 22:15:01Z; trying again)" in last
    assert "As of 22:15:00Z:" in last
    assert "shop/web" in last


def test_once_it_answers_again_nothing_is_said_of_it() -> None:
    text = watched(LOST, AWAY, NONE, terminal=True)
    assert text.rindex("No node is lost, as far as Kubernetes knows at 22:15:02Z.") > text.rindex("Redis is away")


def test_who_is_suspected_stands_above_on_a_terminal_and_is_one_line_elsewhere() -> None:
    suspected = replace(NONE, suspects=Suspects((SUSPICION,), "5 of 10 nodes."))
    text = " ".join(watched(NONE, suspected, suspected, terminal=True).split())
    sentence = "node-a: its Lease has not been renewed for 118 s; providers are asked. 5 of 10 nodes. No node is lost"
    assert sentence in text[text.rindex("node-a") :]
    lines = watched(suspected, suspected, NONE, terminal=False).splitlines()
    assert lines == [
        "node-a: its Lease has not been renewed for 116 s; providers are asked.",
        "5 of 10 nodes.",
        "No node is lost, as far as Kubernetes knows.",
    ]


def test_without_a_terminal_each_change_is_a_line() -> None:
    lines = watched(NONE, LOST, LOST, AWAY, AWAY, LOST, NONE, terminal=False).splitlines()
    assert lines == [
        "No node is lost, as far as Kubernetes knows.",
        " 101.0 s  shop/web: waiting, It waits.",
        "Redis is away: refused (trying again)",
        "Redis answers again.",
        "No node is lost, as far as Kubernetes knows.",
    ]


def test_it_begins_while_redis_is_away() -> None:
    assert "shop/web" in watched(AWAY, LOST, terminal=False)


def test_a_refusal_at_the_first_look_ends_it_and_a_later_one_does_not() -> None:
    with pytest.raises(StoreRefused):
        watched(StoreRefused("WRONGPASS"), terminal=False)
    assert "shop/web" in watched(NONE, StoreRefused("WRONGPASS"), LOST, terminal=False)


def test_each_row_says_what_people_asked_for_and_the_cluster_is_asked_seldom() -> None:
    asked, now = list[float](), [NOW]

    def ask() -> InForce:
        asked.append(now[0])
        return InForce((Intervention(HOLD, "vm/shop/web", "ann", "firmware", NOW),))

    snapshots = iter([NONE, LOST, LOST, LOST])
    read = marking(lambda: next(snapshots), ask, lambda: now[0])
    assert (read(), asked) == (NONE, []), "while nothing is lost nobody waits for the cluster"
    said = []
    for seconds in (1.0, 8.0, 3.0):
        now[0] += seconds
        said.append(read().records[0].sentence)
    assert said == ["It waits. Held by ann at 22:15:00Z: firmware."] * 3
    assert asked == [NOW + 1, NOW + 12]
