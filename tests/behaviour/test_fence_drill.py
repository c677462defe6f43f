"""The fence drill finds whatever would keep a fence from working, and nothing else; and it changes nothing."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from reactor import timing
from reactor.model.drift import Phase, Policy
from reactor.model.errors import StoreUnreachable
from reactor.model.fence_drill import TAINT, FenceDrill
from reactor.model.fencing import CLAIMS, CONFIG_MAP
from reactor.model.intervention import CONFIG_MAP as INTERVENTIONS
from rehearsal.twins.bmc import MachineBmcs
from rehearsal.twins.plug_memory import MemoryPlugMemory
from rehearsal.twins.plugs import MachinePlugs
from simulator.actors.metal3_operator import Metal3Operator
from simulator.api.rbac import authorizer
from simulator.audit import Request
from simulator.client import ApiError
from simulator.fencing import CLASS, METAL3, TEMPLATE, add_hosts, add_storage_clients, add_template, list_addresses
from simulator.scene import Scene, Vm
from tests.support.auditor import FENCING
from tests.support.places import K8S
from tests.support.virtual import Play
from workers.fencing.drill import FenceDrilling, keep_drilling
from workers.fencing.providers.fence_agent import FenceAgent
from workers.fencing.providers.redfish import Redfish

SICK, WELL = "node-a", "node-b"
PROVIDERS = ("redfish", "fence-agent", "network-fence", "remediation", "metal3", "event")
RULES = "\n---\n".join((K8S / part / "rbac.yaml").read_text() for part in ("base", "components/fencing"))


class World:
    """Two healthy nodes with every provider that can be tried, and the fencing role's rights as they are shipped."""

    def __init__(self, providers: tuple[str, ...] = PROVIDERS) -> None:
        self.play = Play.of(Scene((SICK, WELL), (Vm("vm", node=SICK),)), Policy(fencing=providers))
        self.admin, machines = self.play.world.api.client("system:admin"), self.play.world.hypervisor.machines
        self.bmcs = MachineBmcs(self.play.world.hypervisor, {name: m.system_uuid for name, m in machines.items()})
        self.play.reactor.providers["redfish"] = Redfish(self.bmcs)
        self.plugs = MachinePlugs(self.play.world.hypervisor)
        self.seen = MemoryPlugMemory(lambda: self.play.world.now)
        self.play.reactor.providers["fence-agent"] = FenceAgent(self.plugs, self.seen)
        add_storage_clients(self.admin, machines)
        add_template(self.admin)
        if "metal3" in providers:  # its operator switches on whatever is off
            self.play.world.add(Metal3Operator(self.admin, self.play.world.hypervisor, add_hosts(self.admin, machines)))
            self.play.world.run_for(5)
        for name in (INTERVENTIONS, CONFIG_MAP, CLAIMS):
            self.admin.create("configmaps", {"metadata": {"name": name, "namespace": "vm-drift"}})
        self.play.world.api.authorize = authorizer(RULES, "vm-drift")
        self.drills, self.requests = self.play.reactor.store.drills, list[Request]()
        self.play.world.api.faults.append(self.requests.append)
        self.drilling = FenceDrilling(self.play.reactor.fencing, _at_once)

    def turn(self) -> dict[str, FenceDrill]:
        """What a turn found, by NODE PROVIDER."""
        self.drilling.turn()
        return {f"{drill.node} {drill.provider}": drill for drill in self.drills.all()}

    def later(self, seconds: float) -> None:
        """Nothing else happens."""
        self.play.world.run_for(seconds + 1)


def _at_once(work: Callable[[], list[FenceDrill]], _: str) -> Future[list[FenceDrill]]:
    future: Future[list[FenceDrill]] = Future()
    future.set_result(work())
    return future


def test_where_all_is_well_every_provider_that_can_be_tried_passes_and_nothing_has_changed() -> None:
    world = World()
    before = {r: dict(world.play.world.store.objects(r)) for r in ("nodes", "pods", "networkfences")}
    found = world.turn()
    tried = {*PROVIDERS, TAINT} - {"event"}
    assert set(found) == {f"{node} {provider}" for node in (SICK, WELL) for provider in tried}
    assert [drill for drill in found.values() if not drill.passed] == []
    assert {r: dict(world.play.world.store.objects(r)) for r in before} == before
    assert world.bmcs.orders == []
    asked = {(request.verb, request.resource) for request in world.requests if request.user == FENCING}
    assert {ask for ask in asked if ask[0] not in {"get", "list"}} == {
        ("patch", "nodes"),  # a dry run
        ("create", "selfsubjectaccessreviews"),
    }


def wrong_password(world: World) -> None:
    world.bmcs.refusing.add(SICK)


def another_machine(world: World) -> None:
    world.bmcs.swapped[SICK] = WELL


def another_uuid_is_pinned(world: World) -> None:
    world.bmcs.expected[SICK] = "9d3f6c1e-41aa-4b6f-8c10-3b1f6a52c0ff"


def dark(world: World) -> None:
    world.bmcs.hanging.add(SICK)


def says_off(world: World) -> None:
    world.bmcs.words[SICK] = "Off"


def no_force_off(world: World) -> None:
    world.bmcs.unable.add(SICK)


def plug_of_another(world: World) -> None:
    world.plugs.words[f"{SICK}-0"] = False


def agent_that_says_nothing(world: World) -> None:
    world.plugs.refusing.add(SICK)


def agent_that_does_not_end(world: World) -> None:
    world.plugs.hanging.add(SICK)


def without_clients(world: World) -> None:
    list_addresses(world.admin, SICK, [])


def address_of_two(world: World) -> None:
    list_addresses(world.admin, SICK, ["10.9.0.2/32"])


def a_whole_network(world: World) -> None:
    list_addresses(world.admin, SICK, ["10.7.0.0/24"])


def _lacks(verb: str, resource: str) -> Callable[[World], None]:
    def plant(world: World) -> None:
        allowed = authorizer(RULES, "vm-drift")

        def authorize(user: str, asked: str, kind: str, where: str) -> bool:
            return (asked, kind) != (verb, resource) and allowed(user, asked, kind, where)

        world.play.world.api.authorize = authorize

    return plant


def without_class(world: World) -> None:
    world.admin.delete("networkfenceclasses", CLASS)


def without_template(world: World) -> None:
    *_, namespace, name = TEMPLATE.split("/")
    world.admin.delete("fenceagentsremediationtemplates", name, namespace)


def host_that_reads_off(world: World) -> None:
    world.admin.patch("baremetalhosts", f"host-{SICK}", {"status": {"poweredOn": False}}, METAL3, subresource="status")


def host_that_is_paused(world: World) -> None:
    paused = {"metadata": {"annotations": {"baremetalhost.metal3.io/paused": ""}}}
    world.admin.patch("baremetalhosts", f"host-{SICK}", paused, METAL3)


def host_of_nobody(world: World) -> None:
    world.admin.delete("baremetalhosts", f"host-{SICK}", METAL3)


def node_that_refuses_changes(world: World) -> None:
    def refuse(request: Request) -> ApiError | None:
        hit = (request.user, request.verb, request.name) == (FENCING, "patch", SICK)
        return ApiError(403, "Forbidden", "a webhook forbids it") if hit else None

    world.play.world.api.faults.append(refuse)


BOTH = (SICK, WELL)
BREAKAGES = [
    (wrong_password, "redfish", (SICK,), "refuses access"),
    (another_machine, "redfish", (SICK,), "check address and system"),
    (another_uuid_is_pinned, "redfish", (SICK,), "check address and system"),
    (dark, "redfish", (SICK,), "does not answer"),
    (says_off, "redfish", (SICK,), "reads PowerState Off"),
    (no_force_off, "redfish", (SICK,), "does not list ForceOff"),
    (plug_of_another, "fence-agent", (SICK,), "it feeds another machine"),
    (agent_that_says_nothing, "fence-agent", (SICK,), "does not say whether it is on"),
    (agent_that_does_not_end, "fence-agent", (SICK,), "has not ended"),
    (without_clients, "network-fence", (SICK,), "No CSIAddonsNode lists the storage clients"),
    (address_of_two, "network-fence", BOTH, ""),
    (a_whole_network, "network-fence", (SICK,), "not one host"),
    (without_class, "network-fence", BOTH, "NetworkFenceClass"),
    (_lacks("create", "networkfences"), "network-fence", BOTH, "may not create networkfences"),
    (_lacks("delete", "networkfences"), "network-fence", BOTH, "may not delete networkfences"),
    (without_template, "remediation", BOTH, "there is no"),
    (host_that_reads_off, "metal3", (SICK,), "reads off"),
    (host_that_is_paused, "metal3", (SICK,), "paused"),
    (host_of_nobody, "metal3", (SICK,), ""),
    (_lacks("patch", "baremetalhosts"), "metal3", BOTH, "may not patch baremetalhosts"),
    (node_that_refuses_changes, TAINT, (SICK,), "a webhook forbids it"),
    (_lacks("patch", "nodes"), TAINT, BOTH, "403"),
]


@pytest.mark.parametrize(("plant", "provider", "nodes", "words"), BREAKAGES)
def test_each_planted_breakage_is_found_and_nothing_else_is(
    plant: Callable[[World], None], provider: str, nodes: tuple[str, ...], words: str
) -> None:
    world = World()
    plant(world)
    failed = {key: drill for key, drill in world.turn().items() if not drill.passed}
    assert sorted(failed) == sorted(f"{node} {provider}" for node in nodes)
    for drill in failed.values():
        assert words in drill.sentence
        assert drill.sentence.endswith((".", "?"))
        assert drill.fix or ":" in drill.sentence or "?" in drill.sentence  # what to do about it is said in either


def test_after_two_refusals_nobody_logs_in_again_until_the_file_changes() -> None:
    world = World(("redfish",))
    world.bmcs.refusing.add(SICK)
    assert world.turn()[f"{SICK} redfish"].refused == 1
    world.later(timing.FENCE_DRILL_AGAIN)
    second = world.turn()[f"{SICK} redfish"]
    assert (second.refused, "Change its credentials" in second.fix) == (2, True)
    for _ in range(3):
        world.later(timing.FENCE_DRILL_EVERY)
        assert world.turn()[f"{SICK} redfish"].refused == 2
    world.bmcs.files[SICK] = "written again"
    world.bmcs.refusing.clear()
    world.later(timing.FENCE_DRILL_AGAIN)
    assert world.turn()[f"{SICK} redfish"].passed


def test_one_that_is_let_in_again_has_its_refusals_forgotten() -> None:
    world = World(("redfish",))
    world.bmcs.refusing.add(SICK)
    world.turn()
    world.bmcs.refusing.clear()
    world.later(timing.FENCE_DRILL_AGAIN)
    assert (world.turn()[f"{SICK} redfish"].passed, world.turn()[f"{SICK} redfish"].refused) == (True, 0)


def test_an_hour_passes_between_two_drills_and_five_minutes_after_a_failure() -> None:
    world = World(("redfish",))
    world.bmcs.hanging.add(SICK)
    first = world.turn()
    world.later(timing.FENCE_DRILL_AGAIN)
    second = world.turn()
    assert second[f"{WELL} redfish"] == first[f"{WELL} redfish"]
    assert second[f"{SICK} redfish"].at > first[f"{SICK} redfish"].at


def test_a_lost_node_is_not_drilled_and_a_removed_one_is_forgotten() -> None:
    world = World(("redfish",))
    world.turn()
    world.play.world.hypervisor.power_cut(SICK)
    world.later(timing.FENCE_DRILL_EVERY)
    at = world.play.world.now
    assert [drill.node for drill in world.turn().values() if drill.at >= at - 1] == [WELL, WELL]
    world.admin.delete("nodes", SICK)
    world.later(10)
    assert {drill.node for drill in world.turn().values()} == {WELL}


def test_of_a_provider_that_is_asked_no_more_nothing_is_left() -> None:
    world = World()
    world.turn()
    fence = world.play.reactor.fencing
    fewer = replace(fence, tools=replace(fence.tools, policy=replace(fence.tools.policy, fencing=("redfish",))))
    world.later(timing.FENCE_DRILL_EVERY)
    FenceDrilling(fewer, _at_once).turn()
    assert {drill.provider for drill in world.drills.all()} == {"redfish", TAINT}


def test_of_a_plug_that_feeds_another_machine_it_is_forgotten_that_it_was_on_but_not_at_the_first_off() -> None:
    """The node may have lost its power a moment ago: then that OFF is proof, and must stay."""
    world = World(("fence-agent",))
    world.turn()
    uid, plug = world.admin.get("nodes", SICK)["metadata"]["uid"], f"{SICK}-0"
    world.plugs.words[plug] = False
    world.later(timing.FENCE_DRILL_EVERY)
    assert not world.turn()[f"{SICK} fence-agent"].passed
    assert world.seen.seen_on(uid, [plug])
    world.later(timing.FENCE_DRILL_AGAIN)
    world.turn()
    assert world.seen.seen_on(uid, [plug]) == {}


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("(exit code 1: RAKP 2 HMAC is invalid)", True),
        ("(exit code 1: Login incorrect)", True),
        ("(exit code 1: ERROR: Invalid user name)", True),
        ("(exit code 1: Unable to connect/login to fencing device)", False),
        ("(exit code 1: Connection timed out)", False),
    ],
)
def test_an_agent_that_speaks_of_a_wrong_password_is_asked_twice_and_no_more(words: str, *, refused: bool) -> None:
    world = World(("fence-agent",))
    world.plugs.refusing.add(SICK)
    world.plugs.trouble = words
    for _ in range(3):
        world.turn()
        world.later(timing.FENCE_DRILL_AGAIN)
    assert world.turn()[f"{SICK} fence-agent"].refused == (2 if refused else 0)


def test_one_process_drills_at_a_time() -> None:
    world = World()
    lock = world.play.reactor.fencing.tools.store.acquire("fence-drill", 60.0)
    assert lock
    assert world.turn() == {}
    world.play.reactor.fencing.tools.store.release(lock)
    assert world.turn() != {}


def test_in_threads_a_few_at_once_and_those_that_wait_come_without_a_rest() -> None:
    play = Play.of(Scene(tuple(f"node-{number}" for number in range(6)), ()), Policy(fencing=("remediation",)))
    add_template(play.world.api.client("system:admin"))
    drilling, drills = FenceDrilling(play.reactor.fencing), play.reactor.store.drills
    rests = [drilling.turn(), drilling.turn()]
    assert [rest > 0 for rest in rests] == [False, True]
    assert len({drill.node for drill in drills.all()}) == 6
    assert all(drill.passed for drill in drills.all())


def test_a_provider_that_failed_its_drill_is_asked_all_the_same_when_it_counts() -> None:
    world = World(("redfish",))
    world.bmcs.hanging.add(SICK)
    assert not world.turn()[f"{SICK} redfish"].passed
    world.play.world.hypervisor.power_cut(SICK)
    world.bmcs.hanging.clear()
    assert world.play.until_ended(600)
    record = world.play.record("vm")
    assert (record.phase, record.proof) == (Phase.COMPLETED, "fenced")


def test_what_changes_is_logged_once_and_trouble_with_redis_too() -> None:
    world = World(("redfish",))
    world.bmcs.hanging.add(SICK)
    with capture_logs() as logs:
        world.turn()
        world.later(timing.FENCE_DRILL_AGAIN)
        world.turn()
        world.bmcs.hanging.clear()
        world.later(timing.FENCE_DRILL_AGAIN)
        world.turn()
    found = [(entry["node"], entry["passed"]) for entry in logs if entry["event"] == "fence drill"]
    assert found == [(SICK, False), (SICK, True)]


def test_while_redis_is_away_that_is_said_once_and_tried_on() -> None:
    away = StoreUnreachable("no answer")
    answers: Iterator[StoreUnreachable | float] = iter((away, away, 5.0, away))
    rests: list[float] = []

    def turn() -> float:
        answer = next(answers)
        if isinstance(answer, StoreUnreachable):
            raise answer
        return answer

    with capture_logs() as logs:
        keep_drilling(turn, lambda: len(rests) == 4, rests.append)
    assert [entry["why"] for entry in logs] == ["no answer", "no answer"]
    assert rests == [10.0, 10.0, 5.0, 10.0]
