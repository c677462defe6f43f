"""The role `audit`: what it writes, when it comes again, and what becomes of an audit that fails."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis import Redis
from structlog.testing import capture_logs

from reactor.adapters.redis.audits import RedisAudits
from reactor.model.audit import ANY_ONE, Audit
from reactor.model.drift import Policy
from rehearsal.twins.cluster import ApiCluster
from simulator.client import ApiError
from simulator.scene import Storage, Vm
from simulator.world import World
from tests.unit.vmdrift.plans import LOST, change, read, world_of
from vmdrift import audit_role
from vmdrift.audit_role import AuditRole
from vmdrift.plan.audit import audited
from vmdrift.plan.free_room import FreeRoom
from vmdrift.plan.totals import losses

HOUR, NOW = 3600.0, 1_795_500_000.0
VMS = (
    Vm("web", node=LOST),
    Vm("disk", Storage.RBD_BLOCK, node=LOST),
    Vm("licence", node=LOST, pinned=True),
    Vm("local", Storage.LOCAL, node="node-b"),
    Vm("kept", node="node-b", annotations={"vmdrift.io/policy": "never"}),
)


@dataclass
class Steady:
    """A clock that goes on by so much at each look at it."""

    each: float = 0.0
    now: float = 0.0

    def __call__(self) -> float:
        self.now += self.each
        return self.now


@dataclass
class Scene:
    """A role in a cluster. `steps` are the calls of its heartbeat."""

    world: World
    redis: Redis
    steady: Steady = field(default_factory=Steady)
    policy: Policy = field(default_factory=Policy)
    steps: int = 0
    now: float = NOW

    def role(self) -> AuditRole:
        def step() -> None:
            self.steps += 1

        cluster = ApiCluster(self.world.api, "admin")
        return AuditRole(cluster, RedisAudits(self.redis), self.policy, HOUR, lambda: self.now, self.steady, step)

    @property
    def last(self) -> Audit:
        found = RedisAudits(self.redis).last()
        assert found
        return found


@pytest.fixture
def scene(redis: Redis) -> Scene:
    return Scene(world_of(*VMS), redis)


def test_it_writes_what_audit_and_audit_any_say_of_the_same_cluster(scene: Scene) -> None:
    assert scene.role().turn() == HOUR
    there = read(scene.world)
    nodes = audited(there, Policy())
    told = tuple(losses(nodes, FreeRoom.of(there), Policy(), lambda: True))
    audit = scene.last
    assert audit.losses == told
    assert (audit.at, audit.next_at, audit.nodes, audit.vms, audit.chosen) == (NOW, NOW + HOUR, 4, 5, 1)
    assert {loss.lost: loss.down for loss in told} == {
        "own-node": 2,
        "any-1": 2,
        "any-2": 4,
    }  # two of four nodes are more than 40 %
    assert audit.absent == ()


def test_what_its_zone_takes_with_it_is_told_where_nodes_have_one(scene: Scene) -> None:
    for name in ("node-a", "node-b"):
        change(scene.world, "nodes", name, {"metadata": {"labels": {"topology.kubernetes.io/zone": "x"}}})
    scene.role().turn()
    zone = scene.last.loss("zone")
    assert zone
    assert [worst.name for worst in zone.worst] == ["x"]


def test_where_the_installation_observes_that_is_why_and_no_vm_counts_twice(scene: Scene) -> None:
    scene.policy = Policy(mode="observe")
    scene.role().turn()
    one = scene.last.loss(ANY_ONE)
    assert one
    assert (scene.last.policy, scene.last.chosen, one.down) == ("observe", 3, 2)


def test_it_rests_three_times_as_long_as_it_worked_and_leaves_out_pairs_for_want_of_time(scene: Scene) -> None:
    scene.steady = Steady(each=1000.0)
    due = scene.role().turn()
    audit = scene.last
    assert audit.took >= 3000.0
    assert (due, audit.next_at) == (3 * audit.took, NOW + 4 * audit.took)
    two = audit.loss("any-2")
    assert two
    assert (two.judged, two.sets, two.cut) == (0, 5, True)


def test_it_gives_a_sign_of_life_after_each_node_and_each_set(scene: Scene) -> None:
    scene.role().turn()
    sets = sum(loss.judged for loss in scene.last.losses if loss.lost != "own-node")
    assert scene.steps == scene.last.nodes + sets


def test_the_first_audit_of_a_process_comes_at_once_unless_another_has_just_made_one(scene: Scene) -> None:
    assert scene.role().first() == 0.0
    scene.role().turn()
    assert scene.role().first() == 300.0
    scene.now = NOW + 200.0
    assert scene.role().first() == 100.0
    scene.now = NOW + 301.0
    assert scene.role().first() == 0.0
    scene.now = NOW - 5 * HOUR  # the clock was set back
    assert scene.role().first() == 300.0


def _down(_: object) -> None:
    raise ApiError(503, "ServiceUnavailable", "not now")


def _forbidden(_: object) -> None:
    raise ApiError(403, "Forbidden", "you may not")


@pytest.mark.parametrize("fault", [_down, _forbidden])
def test_one_that_fails_writes_nothing_is_logged_once_and_comes_again_soon(
    scene: Scene, fault: Callable[[object], None]
) -> None:
    role = scene.role()
    role.turn()
    before = scene.last
    scene.world.api.faults.append(fault)
    with capture_logs() as logs:
        assert [role.turn(), role.turn()] == [300.0] * 2
    assert scene.last == before
    assert [entry["event"] for entry in logs] == ["audit failed, trying again"]
    scene.world.api.faults.clear()
    assert role.turn() == HOUR


def test_a_malformed_object_of_somebody_costs_an_audit_and_not_the_process(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Iterator[Any]:
        raise KeyError("metadata")

    monkeypatch.setattr(audit_role, "audited", broken)
    with capture_logs() as logs:
        assert scene.role().turn() == 300.0
    assert logs[0]["why"] == "the cluster holds a malformed object: KeyError('metadata')"


def test_only_what_is_read_of_an_object_is_kept(scene: Scene) -> None:
    there = audit_role.read(ApiCluster(scene.world.api, "admin"), NOW)
    pod = next(iter(next(iter(there.pages("pods"))).items))
    assert "image" not in pod["spec"]["containers"][0]
    assert "managedFields" not in pod["metadata"]
