"""One list for every provider: whatever it is asked, it changes nothing, and only what it verified is proof or veto."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

import pytest

from reactor.in_thread import begun
from reactor.model.drift import Policy
from reactor.model.fence_drill import Drilled
from reactor.model.fencing import CLAIMS, LASTING, Attempt, Claim, Fencing, ProviderStatus, State, Target
from reactor.model.identity import NodeRef, Outage
from reactor.model.node import NodeView, node_view
from rehearsal.twins.bmc import MachineBmcs
from rehearsal.twins.plug_memory import MemoryPlugMemory
from rehearsal.twins.plugs import MachinePlugs
from simulator.actors.metal3_operator import Metal3Operator
from simulator.actors.network_fencer import NetworkFencer
from simulator.actors.remediator import Remediator
from simulator.audit import Request
from simulator.client import ApiError
from simulator.fencing import METAL3, add_hosts, add_storage_clients, add_template
from simulator.scene import Scene, Vm
from tests.support.auditor import FENCING
from tests.support.threads import at_once
from tests.support.virtual import Play
from workers.fencing.decide import next_move
from workers.fencing.decide.view import FenceView
from workers.fencing.evidence import evidence
from workers.fencing.providers.fence_agent import FenceAgent
from workers.fencing.providers.redfish import Redfish
from workers.fencing.together import Question, Together

LOST = "node-a"
NAMES = ("event", "redfish", "fence-agent", "network-fence", "remediation", "metal3")
_POWER = frozenset({"redfish", "fence-agent"})  # they read the machine's own power, and know no boots
_READS = frozenset({"get", "list"})
_THEIRS = {
    "event": "configmaps",
    "network-fence": "networkfences",
    "remediation": "fenceagentsremediations",
    "metal3": "baremetalhosts",
}


class World:
    """A node whose VM is lost, and all of its providers."""

    def __init__(self) -> None:
        self.play = Play.of(Scene((LOST, "node-b"), (Vm("vm", node=LOST),)))
        self.admin, hypervisor = self.play.world.api.client("system:admin"), self.play.world.hypervisor
        self.bmcs = MachineBmcs(hypervisor, {name: m.system_uuid for name, m in hypervisor.machines.items()})
        self.play.reactor.providers["redfish"] = Redfish(self.bmcs)
        self.plugs = MachinePlugs(hypervisor)
        memory = MemoryPlugMemory(lambda: self.play.world.now)
        self.play.reactor.providers["fence-agent"] = FenceAgent(self.plugs, memory, at_once)
        self.fencer = NetworkFencer(self.admin, hypervisor, add_storage_clients(self.admin, hypervisor.machines))
        add_template(self.admin)
        self.operator = Remediator(self.admin, hypervisor)
        self.metal3 = Metal3Operator(self.admin, hypervisor, add_hosts(self.admin, hypervisor.machines))
        self.play.world.add(self.fencer, self.operator, self.metal3)
        self.play.world.run_for(5)
        self.requests = list[Request]()
        self.fence = self.play.reactor.fencing
        self.target = self._target()
        self.file = Fencing(self.target.outage, self.target.boot, self.play.world.now)

    def _target(self) -> Target:
        node = self.node
        outage = Outage(NodeRef(LOST, node.uid), int(self.play.world.now) - 1)
        lease = self.admin.get("leases", LOST, "kube-node-lease")["spec"]["renewTime"]
        return Target(outage, node.boot, node.machine, lease, node.heartbeat, node.reported)

    @property
    def node(self) -> NodeView:
        return node_view(self.admin.get("nodes", LOST))

    def ask(self, *names: str) -> dict[str, ProviderStatus]:
        """As a pass does; nothing is written by it."""
        self.play.world.api.faults.append(self._noted)
        orders = self.orders
        said = evidence(self.fence, names, self.target, self.file, self.node)
        self.play.world.api.faults.remove(self._noted)
        assert {request.verb for request in self.requests if request.user == FENCING} <= _READS
        assert self.orders == orders
        return said

    @property
    def orders(self) -> list[str]:
        """To switch a machine off."""
        return [*self.bmcs.orders, *self.plugs.orders]

    def _noted(self, request: Request) -> None:
        self.requests.append(request)

    def fenced(self, name: str) -> None:
        """It has done it, or somebody has."""
        if name == "event":
            target = self.target
            signs = target.lease, target.heartbeat, target.reported
            claim = Claim(target.node, target.boot, "ann", "looked", self.play.world.now, *signs)
            self._claim(claim.as_text())
        else:
            self.fence.providers(name).fence(self.target)
            self.play.world.run_for(10)

    def _claim(self, text: str) -> None:
        meta = {"name": CLAIMS, "namespace": "vm-drift"}
        self.admin.create("configmaps", {"metadata": meta, "data": {f"claim_{LOST}": text}})

    def api_answers(self, name: str, code: int) -> None:
        """Of what this provider reads."""

        def sick(request: Request) -> ApiError | None:
            theirs = request.user == FENCING and request.resource == _THEIRS[name]
            return ApiError(code, "Sick", "the API server is sick") if theirs else None

        self.play.world.api.faults.append(sick)

    def mute(self, name: str) -> None:
        """Nothing is heard from it."""
        if name in _POWER:
            (self.bmcs if name == "redfish" else self.plugs).hanging.add(LOST)
        else:
            self.api_answers(name, 503)

    def refuses(self, name: str) -> None:
        """It answers, and does not say."""
        if name in _POWER:
            (self.bmcs if name == "redfish" else self.plugs).refusing.add(LOST)
        else:
            self.api_answers(name, 403)

    def garbage(self, name: str) -> None:
        """What it answers cannot be understood."""
        if name == "event":
            self._claim('{"node": 7}')
        elif name == "redfish":
            self.bmcs.words[LOST] = "Off\u0000Off"
        elif name == "fence-agent":
            self.plugs.refusing.add(LOST)  # what an agent writes is judged by the adapter (test_fence_agents.py)
        elif name == "metal3":
            self.metal3.hangs = True
            self.fenced(name)
            nonsense = {"status": {"poweredOn": "false", "operationalStatus": ["OK"]}}
            self.admin.patch(_THEIRS[name], f"host-{LOST}", nonsense, METAL3, subresource="status")
        else:
            self.fencer.hangs = self.operator.hangs = True
            self.fenced(name)
            made = self.admin.list(_THEIRS[name])[0]["metadata"]
            status = {"status": {"result": ["Succeeded"], "conditions": [{"type": "Succeeded", "status": ["True"]}]}}
            self.admin.patch(_THEIRS[name], made["name"], status, made.get("namespace", ""), subresource="status")


@pytest.fixture
def world() -> World:
    return World()


every_provider = pytest.mark.parametrize("name", NAMES)


@every_provider
def test_before_anything_was_asked_it_proves_nothing_and_has_left_nothing(world: World, name: str) -> None:
    said = world.ask(name)[name]
    assert (said.state, said.ours) == (State.ALIVE if name in _POWER else State.ABSENT, False)
    assert said.sentence


@every_provider
def test_what_was_done_is_proof_of_this_very_boot(world: World, name: str) -> None:
    world.fenced(name)
    assert world.ask(name)[name].state is State.FENCED
    if name not in _POWER:  # a BMC knows no boots: that it reads Off ends any
        world.target = Target(world.target.outage, "another boot", world.target.machine)
        assert world.ask(name)[name].state is not State.FENCED


@every_provider
@pytest.mark.parametrize("done", [False, True])
def test_one_of_which_nothing_is_heard_is_mute_which_is_neither_proof_nor_veto(
    world: World, name: str, *, done: bool
) -> None:
    if done:
        world.fenced(name)
    world.mute(name)
    said = world.ask(name)[name]
    assert (said.state, said.ours) == (State.MUTE, False)
    assert said.sentence.endswith("That proves nothing.")


@every_provider
@pytest.mark.parametrize("trouble", [World.mute, World.refuses])
def test_of_one_that_was_asked_and_cannot_say_what_lasts_is_still_to_be_taken_back(
    world: World, name: str, trouble: Callable[[World, str], None]
) -> None:
    world.file = replace(world.file, attempts=(Attempt(name, world.play.world.now),))
    trouble(world, name)
    assert world.ask(name)[name].ours is (name in LASTING)


@every_provider
@pytest.mark.parametrize("trouble", [World.refuses, World.garbage])
def test_one_that_refuses_or_makes_no_sense_is_neither_mute_nor_proof_nor_veto(
    world: World, name: str, trouble: Callable[[World, str], None]
) -> None:
    trouble(world, name)
    said = world.ask(name)[name]
    assert said.state in {State.ABSENT, State.WORKING, State.FAILED}
    assert said.sentence


@every_provider
def test_one_that_is_asked_and_has_done_it_before_is_not_asked_for_more(world: World, name: str) -> None:
    world.fenced(name)
    before = world.orders, *(world.admin.list(kind) for kind in _THEIRS.values() if kind != "configmaps")
    world.fence.providers(name).fence(world.target)
    after = world.orders, *(world.admin.list(kind) for kind in _THEIRS.values() if kind != "configmaps")
    assert after == before


@dataclass
class _Twin:
    """A Provider that does as it likes."""

    name: str
    says: Callable[[], ProviderStatus]

    def fence(self, target: Target) -> None:  # noqa: ARG002 - a Provider's
        self.says()

    def status(self, target: Target) -> ProviderStatus:  # noqa: ARG002 - the same
        return self.says()

    def release(self, target: Target) -> ProviderStatus:  # noqa: ARG002 - the same
        return self.says()

    def drill(self, target: Target, *, failed_before: bool = False) -> Drilled | None:  # noqa: ARG002 - the same
        return Drilled(True, self.says().sentence)

    def credentials(self, target: Target) -> str:  # noqa: ARG002 - the same
        return ""


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Ends what hangs."""
    event = threading.Event()
    yield event
    event.set()


def _hangs(over: threading.Event) -> ProviderStatus:
    over.wait()
    raise AssertionError("nobody waits for it any more")


def _raises() -> ProviderStatus:
    raise ValueError("a bug")


def test_beside_one_that_hangs_and_one_with_a_bug_the_others_are_heard_and_the_proof_stands(
    world: World, over: threading.Event
) -> None:
    world.play.reactor.providers |= {
        "redfish": _Twin("redfish", partial(_hangs, over)),
        "remediation": _Twin("remediation", _raises),
    }
    world.fenced("event")
    clock = iter(range(100))  # each look at it is a second later
    ask_all = Together(clock=clock.__next__, wait=lambda *_: None, begin=_begin)
    fence, lost = replace(world.fence, ask_all=ask_all), replace(world.node, ready="Unknown")
    said = evidence(fence, ("redfish", "remediation", "event"), world.target, world.file, lost)
    assert list(said) == ["redfish", "remediation", "event"]
    assert (said["event"].state, said["remediation"].state) == (State.FENCED, State.FAILED)
    assert (said["redfish"].state, said["redfish"].sentence) == (State.ABSENT, "redfish was not waited for.")


def test_alone_with_one_that_hangs_it_is_told_that_it_does_not_answer(world: World, over: threading.Event) -> None:
    world.play.reactor.providers["redfish"] = _Twin("redfish", partial(_hangs, over))
    clock = iter(range(100))
    fence = replace(world.fence, ask_all=Together(clock=clock.__next__, wait=lambda *_: None, begin=_begin))
    said = evidence(fence, ("redfish",), world.target, world.file, world.node)["redfish"]
    assert (said.state, said.sentence) == (
        State.MUTE,
        "redfish has not answered within 5 s. That proves nothing.",
    )


def _begin(question: Question, name: str) -> Future[ProviderStatus]:
    """Only what hangs needs a thread."""
    if "redfish" in name:
        return begun(question, name)
    future: Future[ProviderStatus] = Future()
    future.set_result(question())
    return future


def test_a_lie_of_one_provider_does_not_count_while_another_sees_the_machine_on(world: World) -> None:
    lie = ProviderStatus(State.FENCED, "It is off.")
    world.play.reactor.providers["remediation"] = _Twin("remediation", lambda: lie)
    said = world.ask("remediation", "redfish")
    lost = replace(world.node, ready="Unknown", ready_since=float(world.target.outage.since))
    view = FenceView(lost, world.target.lease, said)
    move = next_move(view, world.file, Policy(fencing=("remediation", "redfish")), world.play.world.now)
    assert move.file
    assert (move.file.proof, move.file.reason) == (None, "at-odds")
