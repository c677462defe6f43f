"""Fifteen seconds after Kubernetes has noticed a loss it is known of each VM whether it will move: as `plan` says.

That is how it comes, too; and nothing that is only foreseen delays, decides or overwrites anything.
"""

from dataclasses import replace
from typing import Any, cast

import pytest

from benchmarks.requests import asked
from reactor.adapters.rq import drift_entry
from reactor.model.drift import Again, Ended, Phase, Policy
from reactor.model.errors import StoreRefused
from reactor.model.forecast import Forecast
from reactor.model.headline import headline
from reactor.model.outlook import Outlook, forecast_result, outlook, ran_elsewhere
from reactor.model.recovery import Windows
from rehearsal.processes import KilledError
from simulator.audit import Request
from simulator.client import ApiError
from simulator.scene import ClaimPod, Scene, Storage, Vm, staged
from tests.fuzz.noise import Noise
from tests.fuzz.objects import Spoiling
from tests.support.auditor import WORKERS
from tests.support.virtual import Play
from tests.unit.vmdrift.plans import change, planned
from vmdrift.plan.prediction import Outcome
from workers.forecast.run import run_forecast, wake

LOST, SOON = "node-a", 15.0
NODES = (LOST, "node-b", "node-c")
JOB = "workers.rq.run_forecast"
MIX = (
    Vm("backed-up", Storage.RBD_BLOCK, node=LOST),
    Vm("disk", Storage.RBD_BLOCK, node=LOST),
    Vm("lacks", node=LOST),
    Vm("local", Storage.LOCAL, node=LOST),
    Vm("never", node=LOST, annotations={"vmdrift.io/policy": "never"}),
    Vm("nowhere", node=LOST),
    Vm("pinned", node=LOST, pinned=True),
    Vm("plain", node=LOST),
    Vm("set-aside", node=LOST, toleration=600),
    Vm("shared", Storage.RBD_SHARED, node=LOST),
    Vm("files", Storage.CEPHFS, node=LOST),
)
STAY = {
    "backed-up": "claim-used-by-pod",
    "lacks": "claim-not-ready",
    "local": "node-local-volume",
    "never": "policy-never",
    "nowhere": "pinned-to-node",
    "pinned": "pinned-to-node",
    "shared": "shared-volume-not-fenced",
}
GONE = {"name": "gone", "persistentVolumeClaim": {"claimName": "gone"}}


def crowd(number: int, storage: Storage = Storage.CONTAINER_DISK) -> Scene:
    return Scene(NODES, tuple(Vm(f"vm-{each}", storage, node=LOST) for each in range(number)))


def lost(scene: Scene, policy: Policy | None = None) -> Play:
    """Its node has just been noticed to be lost, and each of its VMs has a drift."""
    play = Play.of(scene, policy)
    return cut(play, len(scene.vms))


def cut(play: Play, vms: int) -> Play:
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: len(play.records) == vms, 120)
    return play


def mixed() -> Play:
    pods = (ClaimPod("backup", "backed-up-disk", node=LOST),)
    play = Play.of(Scene(NODES, MIX, pods))
    template = {"spec": {"template": {"spec": {"nodeSelector": {"disktype": "none"}}}}}
    change(play.world, "virtualmachines", "nowhere", template, "default")
    volumes = play.world.store.get("virtualmachines", "lacks", "default")["spec"]["template"]["spec"]["volumes"]
    lacking = {"spec": {"template": {"spec": {"volumes": [*volumes, GONE]}}}}
    change(play.world, "virtualmachines", "lacks", lacking, "default")
    return cut(play, len(MIX))


def until_soon(play: Play) -> None:
    play.world.run_until(play.outages()[0].unknown_since + SOON)


def forecasts(play: Play) -> dict[str, Forecast]:
    return {record.drift.vm.name: record.forecast for record in play.records if record.forecast}


def requests(play: Play) -> int:
    return play.reactor.requests[JOB]


def test_of_a_mix_each_vms_forecast_is_what_plan_says_and_what_comes() -> None:
    play = mixed()
    until_soon(play)
    foreseen = forecasts(play)
    assert {name: one.reason for name, one in foreseen.items() if not one.moves} == STAY
    assert {name for name, one in foreseen.items() if one.moves} == {"disk", "files", "plain", "set-aside"}
    plan = {one.vm.name: one for one in planned(play.world, LOST)}
    for name, one in foreseen.items():
        assert one.moves is (plan[name].outcome is Outcome.MOVES), name
        assert one.moves or one.reason == plan[name].reason, name
    play.world.run_for(1700)
    records = {record.drift.vm.name: record for record in play.records}
    assert {name for name, record in records.items() if ran_elsewhere(record)} == {
        name for name, one in foreseen.items() if one.moves
    }
    assert forecasts(play) == foreseen
    assert {forecast_result(record) for record in records.values() if record.ended_at} == {"kept"}
    play.check()


def test_the_headline_says_how_many_are_not_foreseen_yet_and_then_what_becomes_of_all() -> None:
    play = mixed()
    (outage,) = play.reactor.store.outages()
    before = headline(outage, play.records, Windows(), play.world.now).text
    assert "9 not foreseen yet" in before
    until_soon(play)
    after = headline(outage, play.records, Windows(), play.world.now).text
    assert after == "node-a lost 15 s ago · 11 VMs: 4 will move (first in 4 min 45 s), 7 will stay down: act now"
    assert {record.reason for record in play.records} == {"unreachable-window"}


def test_one_that_moves_says_where_by_when_and_what_it_waits_for() -> None:
    play = lost(Scene(NODES, (Vm("plain", node=LOST), Vm("disk", Storage.RBD_BLOCK, node=LOST))))
    until_soon(play)
    foreseen, since = forecasts(play), play.outages()[0].unknown_since
    assert {one.where for one in foreseen.values()} == {"It can run on any of 2 nodes: node-b, node-c."}
    assert {one.reason for one in foreseen.values()} == {"unreachable-window"}
    dues = {name: (one.due or 0.0) - since for name, one in foreseen.items()}
    assert 340 < dues["plain"] < 360
    assert 760 < dues["disk"] < 780


@pytest.mark.parametrize(("storage", "most"), [(Storage.CONTAINER_DISK, 6), (Storage.RBD_BLOCK, 10)])
@pytest.mark.parametrize("number", [10, 60])
def test_all_vms_of_a_node_cost_as_many_requests_as_one(storage: Storage, most: int, number: int) -> None:
    play = lost(crowd(number, storage))
    until_soon(play)
    assert len(forecasts(play)) == number
    assert requests(play) <= most
    play.world.run_for(120)
    assert requests(play) <= most  # and once


@pytest.mark.parametrize(("storage", "most"), [(Storage.CONTAINER_DISK, 12), (Storage.RBD_BLOCK, 20)])
def test_with_its_share_of_the_forecast_a_drift_takes_no_more_requests_than_it_may(storage: Storage, most: int) -> None:
    assert asked(3, storage)["drifts"] <= most


def test_only_so_much_is_listed_and_the_rest_is_read_by_its_name() -> None:
    others = tuple(Vm(f"aaa-{each:03}", node="node-b", run_strategy="Halted") for each in range(120))
    play = lost(Scene(NODES, tuple(Vm(f"vm-{each}", node=LOST) for each in range(5))))
    admin = play.world.api.client("admin")
    pattern = play.world.store.get("virtualmachines", "vm-0", "default")
    for vm in others:
        admin.create(
            "virtualmachines", {"metadata": {"name": vm.name, "namespace": "default"}, "spec": halted(pattern)}
        )
    until_soon(play)
    assert len(forecasts(play)) == 5
    assert requests(play) == 6 + 5


def halted(pattern: dict[str, Any]) -> dict[str, Any]:
    return {**pattern["spec"], "runStrategy": "Halted"}


def test_whoever_may_not_list_reads_by_name() -> None:
    play = lost(crowd(4))
    kinds = {"virtualmachines", "virtualmachineinstances", "persistentvolumes"}

    def forbidden(request: Request) -> ApiError | None:
        refused = (request.user, request.verb) == (WORKERS, "list") and request.resource in kinds
        return ApiError(403, "Forbidden", "no right to list") if refused else None

    play.world.api.faults.append(forbidden)
    until_soon(play)
    assert {name: one.moves for name, one in forecasts(play).items()} == {f"vm-{each}": True for each in range(4)}


def test_a_vm_that_cannot_be_read_keeps_no_other_from_its_forecast() -> None:
    play = lost(crowd(4))
    for (_, name), vm in play.world.store.objects("virtualmachines").items():
        if name == "vm-1":
            vm["metadata"].pop("uid")
        if name == "vm-2":
            vm["spec"]["template"]["spec"]["volumes"] = [
                {"name": "../..", "persistentVolumeClaim": {"claimName": "../x"}}
            ]
    until_soon(play)
    foreseen = forecasts(play)
    assert {name for name, one in foreseen.items() if one.moves} == {"vm-0", "vm-3"}
    assert "vm-1" not in foreseen


class Nonsense:
    """For Spoiling: instead of any, this."""

    def __init__(self, field: str, nonsense: Any) -> None:
        self._field, self._nonsense = field, nonsense

    def spoilt(self, obj: Any, **_: Any) -> Any:
        return {**obj, self._field: {**obj[self._field], **self._nonsense}}


@pytest.mark.parametrize("there", [True, False], ids=["on the lost node", "elsewhere"])
@pytest.mark.parametrize(
    ("field", "nonsense"),
    [
        ("metadata", {"labels": "now"}),
        ("metadata", {"labels": ["a"]}),
        ("metadata", {"labels": {"kubevirt.io/created-by": ["a"]}}),
        ("metadata", {"labels": {"kubevirt.io": {}}}),
        ("spec", {"volumes": "all"}),
        ("spec", {"affinity": "none"}),
        ("status", {"conditions": "bad"}),
    ],
)
def test_a_launcher_that_cannot_be_read_keeps_no_other_vm_from_its_forecast(
    field: str, nonsense: Any, *, there: bool
) -> None:
    plain = crowd(4)
    world = staged(replace(plain, vms=(*plain.vms, Vm("odd", node=LOST if there else "node-b"))))
    spoiling = Spoiling(cast(Noise, Nonsense(field, nonsense)), "pods", world)
    play = cut(Play.on(world, plain.vms), 5 if there else 4)
    spoiling.on = True
    until_soon(play)
    assert {name for name, one in forecasts(play).items() if one.moves} >= {vm.name for vm in plain.vms}
    assert spoiling.shown


@pytest.mark.parametrize("call", [1, 3, 5, 6])
def test_a_worker_that_is_killed_over_it_leaves_a_job_that_is_done_again(call: int) -> None:
    play = lost(crowd(4))
    kills = iter([True])

    def die() -> None:
        if requests(play) == call and next(kills, False):
            raise KilledError

    play.reactor.before_call = die
    play.world.run_for(60)
    assert next(kills, None) is None
    assert len(forecasts(play)) == 4
    assert play.until_ended()
    assert {forecast_result(record) for record in play.records} == {"kept"}
    play.check()


def test_a_drift_that_waits_for_a_worker_goes_first() -> None:
    play = lost(crowd(4))
    play.reactor.queue.wake(drift_entry(play.records[0].drift), play.world.now)
    outcome = run_forecast(play.outages()[0], play.reactor.tools)
    assert isinstance(outcome, Again)
    assert (outcome.reason, requests(play), forecasts(play)) == ("gives-way", 0, {})
    until_soon(play)
    assert len(forecasts(play)) == 4


class Refusing:
    """A queue of a Redis whose users have the rights of an older version."""

    def wake(self, *_: object) -> None:
        raise StoreRefused("NOPERM")


def test_a_redis_that_refuses_the_job_keeps_nobody_from_searching_for_vms() -> None:
    play = lost(crowd(1))
    refusing: Any = Refusing()
    wake(play.outages()[0], play.records, replace(play.reactor.tools, queue=refusing))
    assert forecasts(play) == {}


def test_what_is_recorded_meanwhile_stays() -> None:
    play = lost(crowd(4))
    store = play.reactor.store
    judged = replace(play.record("vm-2"), phase=Phase.BLOCKED, reason="held", sentence="Held.")
    busy = play.record("vm-1").drift.vm.uid
    lock = store.acquire(busy, 100.0)

    def passes() -> None:
        if requests(play) == 6:
            store.records_by_drift[judged.drift.id] = judged

    play.reactor.before_call = passes
    play.world.run_until(play.outages()[0].unknown_since + 11.0)
    assert set(forecasts(play)) == {"vm-0", "vm-3"}
    assert play.record("vm-2") == judged
    assert lock
    store.release(lock)
    play.world.run_for(15)
    assert set(forecasts(play)) == {"vm-0", "vm-1", "vm-3"}


def test_what_proof_would_lift_is_left_open_where_somebody_can_prove_the_node_dead() -> None:
    play = lost(Scene(NODES, (Vm("plain", node=LOST), Vm("shared", Storage.RBD_SHARED, node=LOST))), fencing())
    until_soon(play)
    assert {name: one.moves for name, one in forecasts(play).items()} == {"plain": True}
    assert outlook(play.record("shared")) is Outlook.UNDECIDED


def fencing() -> Policy:
    return replace(Play.of(crowd(1)).reactor.policy, fencing=("event",))


def test_where_nothing_is_ever_done_all_stay_down() -> None:
    observes = replace(Play.of(crowd(1)).reactor.policy, mode="observe")
    play = lost(crowd(1), observes)
    until_soon(play)
    assert {name: one.reason for name, one in forecasts(play).items()} == {"vm-0": "observe-only"}
    play.world.run_for(400)
    assert play.story("vm-0") == ("blocked", "observe-only")


def test_while_too_many_nodes_are_lost_only_those_are_foreseen_that_stay_whatever_comes() -> None:
    play = Play.of(Scene(NODES, (Vm("plain", node=LOST), Vm("local", Storage.LOCAL, node=LOST))))
    play.world.hypervisor.power_cut("node-b")
    cut(play, 2)
    play.world.run_for(60)
    assert {name: one.reason for name, one in forecasts(play).items()} == {"local": "node-local-volume"}
    assert isinstance(play.reactor.queue.outcome(job(play)), Again)
    play.world.run_for(300)
    assert isinstance(play.reactor.queue.outcome(job(play)), Ended)  # nobody waits for the window any more


def job(play: Play) -> str:
    return next(job_id for job_id in play.reactor.queue.jobs if job_id.startswith("forecast_"))
