"""What people ask for is written on what stands there at that moment, whoever writes at the same time."""

from collections.abc import Callable
from itertools import count
from typing import NoReturn

import pytest

from reactor.adapters.kubernetes.cluster import served_clock
from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.interventions import Interventions, Person
from reactor.model.errors import Conflict, StoreUnreachable
from reactor.model.intervention import CONFIG_MAP, HOLD, Intervention, node_target
from rehearsal.twins.cluster import ApiCluster
from simulator.audit import Request
from simulator.world import World

WHERE = "vm-drift"


def book(world: World, user: str = "ann") -> InterventionsConfigMap:
    cluster = ApiCluster(world.api, user)
    return InterventionsConfigMap(cluster, WHERE, served_clock(cluster))


def hold(world: World, node: str, lasts: float) -> Intervention:
    now = float(int(world.now))
    return Intervention(HOLD, node_target(node), "ann", "firmware", now, now + lasts)


def before_patches_of(world: World, user: str, act: Callable[[], None], times: int = 1) -> None:
    """Do this when `user` is just about to write."""
    left = [act] * times

    def meanwhile(request: Request) -> None:
        if (request.user, request.verb) == (user, "patch") and left:
            left.pop()()

    world.api.faults.append(meanwhile)


def test_a_hold_that_is_renewed_while_another_one_is_written_stays() -> None:
    world = World()
    book(world).write(hold(world, "node-a", 60))
    world.run_for(61)
    renewed = hold(world, "node-a", 60)
    before_patches_of(world, "bob", lambda: book(world).write(renewed))
    book(world, "bob").write(hold(world, "node-b", 60))
    assert {entry.target for entry in book(world).in_force()} == {"node/node-a", "node/node-b"}


def test_what_was_written_a_moment_before_is_lifted_too() -> None:
    world = World()
    book(world).write(hold(world, "node-a", 60))
    before_patches_of(world, "bob", lambda: book(world).write(hold(world, "node-b", 60)))
    book(world, "bob").lift(lambda entry: entry.kind == HOLD)
    assert book(world).written() == ()


def test_where_others_write_at_each_try_nothing_is_written_and_that_is_said() -> None:
    world = World()
    book(world).write(hold(world, "node-a", 60))
    lasts = count(61)
    before_patches_of(world, "bob", lambda: book(world).write(hold(world, "node-a", next(lasts))), times=99)
    with pytest.raises(Conflict, match="was changed by others"):
        book(world, "bob").write(hold(world, "node-b", 60))
    assert [entry.target for entry in book(world).written()] == ["node/node-a"]


@pytest.mark.parametrize("text", ["nonsense", Intervention(HOLD, "all", "kubectl", "firmware", 0.0).as_text()])
def test_what_people_wrote_under_a_key_of_their_own_is_resumed_all_the_same(text: str) -> None:
    world = World()
    ApiCluster(world.api, "kubectl").note(CONFIG_MAP, WHERE, {"by-hand": text})
    person = Interventions(Person("ann", "cli"), book(world), _none, _none)
    assert person.resume("all").sentence.startswith("all is no longer held.")
    assert book(world).written() == ()


def _none() -> NoReturn:
    """A hold needs no Redis: only the log of who did what lacks it then."""
    raise StoreUnreachable("Redis is away: it is off")


def test_the_first_hold_makes_the_config_map() -> None:
    world = World()
    book(world).write(hold(world, "node-a", 60))
    assert [entry.target for entry in book(world).written()] == ["node/node-a"]
