"""The provider fence-agent: only what read ON, and reads OFF now, is proof; and nothing is sent that is not known."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Event

import pytest

from reactor.in_thread import begun
from reactor.model.errors import FenceError, NoAnswer, SettingsError, StoreRefused, StoreUnreachable
from reactor.model.fencing import ProviderStatus, State, Target
from reactor.model.identity import NodeRef, Outage
from reactor.model.plug import PlugReading
from reactor.settings import Settings
from rehearsal.twins.plug_memory import MemoryPlugMemory
from rehearsal.twins.plugs import MachinePlugs
from simulator.machines.hypervisor import Hypervisor
from tests.support.threads import at_once
from workers.fencing.providers.fence_agent import FenceAgent, standing
from workers.fencing.providers.provider import Provider
from workers.fencing.providers.registry import ready

NODE = NodeRef("worker-1", "u1")
TARGET = Target(Outage(NODE, 1795500000), "boot-1")
_A, _B = (PlugReading(f"fence_pdu plug {number}", f"worker-1-{number}", feed=True, on=False) for number in range(2))
_MACHINE = PlugReading("fence_ipmilan at 10.1.0.7", "bmc", feed=False, on=False)
_SEEN = {reading.id: 1000.0 for reading in (_A, _B, _MACHINE)}


class World:
    """A machine with so many feeds (0: a plug that is the machine's own), and a provider with a memory."""

    def __init__(self, feeds: int = 0) -> None:
        hypervisor = Hypervisor()
        for node in ("worker-1", "worker-2"):
            hypervisor.add_machine(node)
        self.plugs = MachinePlugs(hypervisor, feeds)
        self.memory = MemoryPlugMemory(lambda: 1000.0)
        self.provider = FenceAgent(self.plugs, self.memory, at_once)

    def status(self) -> ProviderStatus:
        return self.provider.status(TARGET)

    def is_on(self) -> bool:
        return self.plugs.hypervisor.machines["worker-1"].powered


def test_it_is_a_provider() -> None:
    provider: Provider = World().provider
    assert provider.name == "fence-agent"
    assert provider.release(TARGET).state is State.ABSENT


def test_without_its_folder_of_files_the_role_does_not_start_with_it() -> None:
    with pytest.raises(SettingsError, match=r"^VMDRIFT_FENCE_AGENT_DIR: not set; the provider fence-agent finds there"):
        ready("fence-agent", Settings())


@pytest.mark.parametrize("feeds", [0, 1, 2])
def test_what_reads_on_is_switched_off_and_is_then_proof(feeds: int) -> None:
    world = World(feeds)
    world.provider.fence(TARGET)
    assert (world.plugs.orders, world.is_on()) == (world.plugs.ids("worker-1"), False)
    assert world.status().state is State.FENCED
    world.provider.fence(TARGET)
    assert world.plugs.orders == world.plugs.ids("worker-1")
    assert world.plugs.hypervisor.machines["worker-2"].powered


def test_off_is_no_proof_of_a_plug_that_nobody_ever_read_as_on_and_it_says_what_to_do() -> None:
    world = World()
    world.plugs.hypervisor.power_cut("worker-1")
    said = world.status()
    assert said.state is State.ABSENT
    assert said.sentence == (
        "fence_pdu plug worker-1-0 reads OFF, and nobody has read ON there with this configuration: that proves "
        "nothing. Now: check the machine, and vmdrift confirm-off. Once it is up: run the fence drill."
    )
    world.provider.fence(TARGET)
    assert (world.plugs.orders, world.status().state) == ([], State.ABSENT)


def test_what_a_drill_read_as_on_is_proof_once_it_reads_off_and_the_drill_switches_nothing() -> None:
    world = World()
    assert [reading.on for reading in world.provider.look(NODE)] == [True]
    assert (world.plugs.orders, world.is_on()) == ([], True)
    world.plugs.hypervisor.power_cut("worker-1")
    assert world.status().state is State.FENCED


def test_of_a_node_that_was_registered_again_or_was_forgotten_nothing_was_seen() -> None:
    world = World()
    world.provider.look(NODE)
    world.plugs.hypervisor.power_cut("worker-1")
    again = Target(Outage(NodeRef("worker-1", "u2"), 1795500000), "boot-1")
    assert world.provider.status(again).state is State.ABSENT
    world.memory.forget("u1", world.plugs.ids("worker-1"))
    assert world.status().state is State.ABSENT


@pytest.mark.parametrize(
    ("readings", "seen", "state", "words"),
    [
        ([_MACHINE], _SEEN, State.FENCED, "reads OFF, and ON before: node worker-1 is off."),
        ([PlugReading("fence_x", "bmc", feed=False, on=True)], {}, State.ALIVE, "fence_x reads ON: node worker-1 is"),
        ([PlugReading("fence_x", "x", feed=True, on=True)], _SEEN, State.ABSENT, "does not say whether it is on."),
        ([_A, _B], _SEEN, State.FENCED, "fence_pdu plug 0 and fence_pdu plug 1 read OFF, and ON"),
        ([_A, PlugReading("fence_x", "x", feed=True, on=True)], _SEEN, State.ABSENT, "fence_x reads ON: node worker-1"),
        ([_A, _B], {_A.id: 1000.0}, State.ABSENT, "fence_pdu plug 1 reads OFF, and nobody has read ON"),
        ([_A, _B], {}, State.ABSENT, "fence_pdu plug 0 and fence_pdu plug 1 read OFF, and nobody"),
    ],
)
def test_only_if_all_read_off_and_each_was_seen_on_the_node_is_off(
    readings: list[PlugReading], seen: dict[str, float], state: State, words: str
) -> None:
    said = standing("worker-1", readings, seen)
    assert said.state is state
    assert words in said.sentence


@pytest.mark.parametrize("trouble", ["hanging", "refusing"])
def test_while_one_plug_cannot_be_read_nothing_is_sent_and_nothing_is_proven(trouble: str) -> None:
    world = World(2)
    world.provider.look(NODE)
    getattr(world.plugs, trouble).add("worker-1")
    for call in (world.provider.fence, world.provider.status):
        with pytest.raises(NoAnswer if trouble == "hanging" else FenceError):
            call(TARGET)
    assert world.plugs.orders == []


def test_one_of_two_feeds_that_goes_on_after_the_order_is_no_proof_and_gets_it_again_alone() -> None:
    world = World(2)
    world.plugs.words["worker-1-1"] = True
    world.provider.fence(TARGET)
    assert world.status().state is State.ABSENT
    world.provider.fence(TARGET)
    assert world.plugs.orders == ["worker-1-0", "worker-1-1", "worker-1-1"]


class _Slow(MachinePlugs):
    """Its orders take as long as a test wants."""

    def __init__(self) -> None:
        super().__init__(Hypervisor())
        self.hypervisor.add_machine("worker-1")
        self.goes_on, self.fails = Event(), False

    def off(self, node: str, ids: Sequence[str]) -> None:
        assert self.goes_on.wait(60)
        if self.fails:
            raise FenceError("fence_pdu was not switched off (exit code 1)")
        super().off(node, ids)


def _begun(plugs: _Slow, monkeypatch: pytest.MonkeyPatch) -> tuple[FenceAgent, list[Future[None]]]:
    monkeypatch.setattr("reactor.timing.PROVIDER_ANSWERS", 0.01)
    futures: list[Future[None]] = []

    def begin(work: Callable[[], None], name: str) -> Future[None]:
        futures.append(begun(work, name))
        return futures[-1]

    return FenceAgent(plugs, MemoryPlugMemory(lambda: 1000.0), begin), futures


def test_an_order_that_takes_long_goes_on_is_not_given_twice_and_nothing_is_read_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugs = _Slow()
    provider, orders = _begun(plugs, monkeypatch)
    provider.fence(TARGET)
    provider.fence(TARGET)
    said = provider.status(TARGET)
    assert (said.state, said.sentence) == (State.WORKING, "Its agents are switching node worker-1 off.")
    plugs.goes_on.set()
    orders[0].result(60)
    assert provider.status(TARGET).state is State.FENCED
    assert (len(orders), plugs.orders) == (1, ["worker-1-0"])


def test_what_became_of_it_is_told_when_it_is_asked_for_again_and_then_it_is_given_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugs = _Slow()
    plugs.fails = True
    provider, orders = _begun(plugs, monkeypatch)
    provider.fence(TARGET)
    plugs.goes_on.set()
    assert orders[0].exception(60)
    assert provider.status(TARGET).state is State.ALIVE
    with pytest.raises(FenceError, match="was not switched off"):
        provider.fence(TARGET)
    assert len(orders) == 1
    plugs.fails = False
    provider.fence(TARGET)
    orders[1].result(60)
    assert provider.status(TARGET).state is State.FENCED


def test_a_worker_says_that_it_lives_before_it_waits_for_an_order() -> None:
    beats: list[str] = []
    world = World()
    FenceAgent(world.plugs, world.memory, at_once, lambda: beats.append("alive")).fence(TARGET)
    assert beats == ["alive"]


class _NoMemory(MemoryPlugMemory):
    """As Redis where its users have no such key, or that is away."""

    def __init__(self, error: Exception) -> None:
        super().__init__(lambda: 0.0)
        self._error = error

    def saw_on(self, uid: str, ids: object) -> None:  # noqa: ARG002 - as the real one
        raise self._error

    def seen_on(self, uid: str, ids: object) -> dict[str, float]:  # noqa: ARG002 - the same
        raise self._error


def test_a_redis_that_refuses_its_key_costs_the_proof_of_this_provider_and_a_lost_one_the_pass() -> None:
    world = World(1)
    refused = FenceAgent(world.plugs, _NoMemory(StoreRefused("Redis refuses: NOPERM")), at_once)
    for call in (refused.status, refused.fence):
        with pytest.raises(FenceError, match=r"NOPERM\. Apply users\.rules\."):
            call(TARGET)
    lost = FenceAgent(world.plugs, _NoMemory(StoreUnreachable("Redis is away")), at_once)
    with pytest.raises(StoreUnreachable):
        lost.status(TARGET)
    assert world.plugs.orders == []


def test_a_redis_that_refuses_its_key_does_not_hide_that_a_machine_lives_and_nothing_is_sent_to_it() -> None:
    world = World()
    refused = FenceAgent(world.plugs, _NoMemory(StoreRefused("Redis refuses: NOPERM")), at_once)
    assert refused.status(TARGET).state is State.ALIVE
    with pytest.raises(FenceError, match="Apply users"):
        refused.fence(TARGET)
    assert world.plugs.orders == []
