"""Time and turns: who acts when in virtual time."""

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from simulator.actors.cast import any_phases, cast
from simulator.client import ApiError
from simulator.scene import DEMO, LOST, build, staged, up
from simulator.timing import Timing
from simulator.world import RealTime, World

_DEADLINE = 30.0  # seconds a thread may take on a busy machine


class _Actor:
    """Takes the steps that a test gives it, and keeps the times."""

    def __init__(self, do: Callable[[float], float | None], watches: tuple[str, ...] | None = ()) -> None:
        self.name, self.watches, self._do = "test", watches, do
        self.times: list[float] = []

    def step(self, now: float) -> float | None:
        self.times.append(now)
        return self._do(now)


def test_time_jumps_to_the_next_due_step() -> None:
    world = World(start=100.0)
    actor = _Actor(lambda now: now + 60)
    world.add(actor)
    world.run_until(250.0)
    assert actor.times == [100.0, 160.0, 220.0]
    assert world.now == 250.0


def test_a_change_wakes_only_those_who_watch_it() -> None:
    world = World()
    watching, other, curious = (_Actor(lambda _: None, watches) for watches in (("nodes",), ("pods",), None))
    world.add(watching, other, curious)
    world.run_for(1)
    world.api.client("test").create("nodes", {"metadata": {"name": "a"}})
    world.run_for(1)
    assert [len(actor.times) for actor in (watching, other, curious)] == [2, 1, 2]


def test_a_run_ends_when_its_condition_holds_or_its_time_is_over() -> None:
    world = World(start=0.0)
    actor = _Actor(lambda now: now + 1)
    world.add(actor)
    assert world.run(lambda: world.now >= 5, limit=10)
    assert world.now == 5
    assert not world.run(lambda: False, limit=10)
    assert world.now == 15


def test_an_actor_that_lost_a_race_is_stepped_again_a_second_later() -> None:
    world = World(start=0.0)
    errors = [ApiError(409, "Conflict", "")]

    def lose(_: float) -> None:
        if errors:
            raise errors.pop()

    actor = _Actor(lose)
    world.add(actor)
    world.run_for(10)
    assert actor.times == [0.0, 1.0]


def test_an_actor_that_is_forbidden_something_stops_the_world() -> None:
    def refused(_: float) -> None:
        raise ApiError(403, "Forbidden", "")

    world = World()
    world.add(_Actor(refused))
    with pytest.raises(ApiError):
        world.run_for(1)


def test_actors_that_undo_each_others_work_for_ever_are_named() -> None:
    world = World()
    client = world.api.client("test")
    client.create("nodes", {"metadata": {"name": "a"}})

    def change(_: float) -> None:
        count = client.get("nodes", "a")["metadata"].get("labels", {}).get("count", "0")
        client.patch("nodes", "a", {"metadata": {"labels": {"count": str(int(count) + 1)}}})

    world.add(_Actor(change, ("nodes",)))
    with pytest.raises(RuntimeError, match="never settles: test"):
        world.run_for(1)


def test_turns_are_taken_in_an_order_that_the_seed_decides() -> None:
    def turns(seed: int) -> list[int]:
        world = World(seed)
        taken: list[int] = []

        def turn(number: int, _: float) -> None:
            taken.append(number)

        world.add(*(_Actor(partial(turn, number)) for number in range(10)))
        world.run_for(1)
        return taken

    assert turns(1) == turns(1)
    assert turns(1) != turns(2)


def test_a_removed_actor_takes_no_more_steps() -> None:
    world = World()
    actor = _Actor(lambda now: now + 1)
    world.add(actor)
    world.run_for(2)
    taken = len(actor.times)
    world.remove(actor)
    world.run_for(10)
    assert len(actor.times) == taken


def test_the_same_seed_makes_the_same_history_and_another_seed_another() -> None:
    def audit(seed: int) -> list[object]:
        world = staged(DEMO, seed)
        world.hypervisor.power_cut(LOST)
        world.run_for(600)
        return list(world.api.audit)

    assert audit(3) == audit(3)
    assert audit(3) != audit(4)


def test_the_same_actors_run_a_cluster_in_real_time() -> None:
    world, timing = World(), Timing().scaled(0.05)
    clock = time.time
    world.store.clock = clock
    build(DEMO, world.api.client("system:admin"), world.hypervisor)
    actors = cast(world.api.client, world.hypervisor, timing, any_phases(0, timing))
    running = RealTime(actors, clock)
    world.store.listeners.append(running.changed)
    world.hypervisor.listeners.append(running.changed)
    come_up = _Actor(lambda _: arrived.set() if up(world, DEMO) else None, watches=("virtualmachines",))
    arrived = threading.Event()
    watching = RealTime([come_up], clock)
    world.store.listeners.append(watching.changed)
    running.start()
    watching.start()
    try:
        assert arrived.wait(_DEADLINE)
    finally:
        running.stop()
        watching.stop()


def test_an_error_in_real_time_is_raised_when_it_is_stopped() -> None:
    def fail(_: float) -> None:
        raise ValueError("broken")

    running = RealTime([_Actor(fail)], time.time)
    running.start()
    with pytest.raises(ValueError, match="broken"):
        running.stop()
