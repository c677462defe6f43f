"""What becomes of a lost node that somebody says is out of service, of its pods and of its volumes."""

import pytest

from simulator.actors.cast import Phases, cast
from simulator.client import Obj
from simulator.scene import FOR_EVER, Scene, Storage, Vm, build, staged
from simulator.timing import Timing
from simulator.world import World

LOST = "node-a"
VM = ("default", "vm")
_TAINT = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}


def _staged(
    storage: Storage = Storage.CONTAINER_DISK, toleration: int | None = None, timing: Timing | None = None
) -> World:
    vm = Vm("vm", storage, node=LOST, toleration=toleration)
    return staged(Scene((LOST, "node-b", "node-c"), (vm,)), timing=timing)


def _lost(storage: Storage = Storage.CONTAINER_DISK, toleration: int | None = None) -> World:
    """Its node is Unknown since a few seconds."""
    world = _staged(storage, toleration)
    world.hypervisor.power_cut(LOST)
    world.run_for(60)
    return world


def _taint(world: World, taint: Obj = _TAINT) -> None:
    present = world.store.get("nodes", LOST)["spec"].get("taints") or []
    world.api.client("system:admin").patch("nodes", LOST, {"spec": {"taints": [*present, taint]}})


def _launcher(world: World) -> Obj:
    pods = world.api.client("test").list("pods", labels="kubevirt.io=virt-launcher", fields=f"spec.nodeName={LOST}")
    return pods[0]


def _disruption(pod: Obj) -> Obj:
    found: Obj = next((c for c in pod["status"]["conditions"] if c["type"] == "DisruptionTarget"), {})
    return found


def _told(world: World, reason: str) -> list[str]:
    events = world.api.client("test").list("events")
    return [event["involvedObject"]["name"] for event in events if event["reason"] == reason]


class _Ends:
    """The last state of each pod that goes, and when it went."""

    name = "ends"
    watches = ("pods",)

    def __init__(self, world: World) -> None:
        self._pods = world.api.client("test").informer("pods")
        self._pods.poll()
        self.seen: dict[str, tuple[Obj, float]] = {}

    def step(self, now: float) -> None:
        self.seen |= {pod["metadata"]["name"]: (pod, now) for kind, pod in self._pods.poll() if kind == "DELETED"}


def _end_of(world: World, name: str, within: float) -> tuple[Obj, float]:
    ends = _Ends(world)
    world.add(ends)
    assert world.run(lambda: name in ends.seen, within)
    return ends.seen[name]


def test_the_taint_evicts_at_once_what_tolerates_an_unreachable_node_for_ever() -> None:
    world = _lost(toleration=FOR_EVER)
    world.run_for(600)
    assert "deletionTimestamp" not in _launcher(world)["metadata"]
    pod = _launcher(world)["metadata"]["name"]
    _taint(world)
    assert "deletionTimestamp" not in _launcher(world)["metadata"]
    world.run_for(0)
    assert _disruption(_launcher(world))["reason"] == "DeletionByTaintManager"
    _end_of(world, pod, 21)


def test_the_taint_evicts_once_more_what_is_terminating_already_and_changes_nothing_of_it() -> None:
    world = _lost(toleration=20)
    world.run_for(30)
    before = _launcher(world)
    assert "deletionTimestamp" in before["metadata"]
    # Another taint that it does not tolerate: the collector of pods leaves it alone.
    _taint(world, {"key": "example.com/broken", "effect": "NoExecute"})
    world.run_for(30)
    assert _told(world, "TaintManagerEviction").count(before["metadata"]["name"]) == 2
    assert _launcher(world) == before


def test_what_tolerates_everything_outlives_the_taint() -> None:
    world = _lost(toleration=FOR_EVER)
    pod = _launcher(world)
    tolerations = {"spec": {"tolerations": [{"operator": "Exists"}]}}
    world.api.client("system:admin").patch("pods", pod["metadata"]["name"], tolerations, "default")
    _taint(world)
    world.run_for(600)
    assert _launcher(world)["metadata"]["uid"] == pod["metadata"]["uid"]
    assert "deletionTimestamp" not in _launcher(world)["metadata"]


def test_what_is_collected_has_failed_before_it_goes() -> None:
    world = _lost()
    pod = _launcher(world)["metadata"]["name"]
    _taint(world)
    gone, _ = _end_of(world, pod, 21)
    assert gone["status"]["phase"] == "Failed"
    assert gone["metadata"]["deletionGracePeriodSeconds"] == 0


def test_what_is_collected_from_a_node_that_is_gone_says_why() -> None:
    world = _lost()
    pod = _launcher(world)["metadata"]["name"]
    world.api.client("system:admin").delete("nodes", LOST)
    gone, _ = _end_of(world, pod, 70)
    assert (gone["status"]["phase"], _disruption(gone)["reason"]) == ("Failed", "DeletionByPodGC")


def test_nothing_is_collected_from_a_node_under_the_taint_that_is_ready() -> None:
    slow = Timing(pod_stop=120.0)
    world = _staged(timing=slow)
    pod = _launcher(world)["metadata"]["name"]
    begun = world.now
    _taint(world)
    gone, at = _end_of(world, pod, 150)
    assert at - begun == pytest.approx(slow.pod_stop)
    assert gone["status"]["phase"] == "Running"


@pytest.mark.parametrize("phase", [5.0, 15.0])
def test_the_collector_looks_every_twenty_seconds_from_its_phase_on(phase: float) -> None:
    world = World()
    build(Scene((LOST, "node-b"), (Vm("vm", node=LOST),)), world.api.client("system:admin"), world.hypervisor)
    begun = world.now
    world.add(*cast(world.api.client, world.hypervisor, Timing(), Phases(pod_gc=phase)))
    world.run_for(60)
    world.hypervisor.power_cut(LOST)
    world.run_for(60)
    pod = _launcher(world)["metadata"]["name"]
    _taint(world)
    _, at = _end_of(world, pod, 21)
    assert (at - begun) % 20 == pytest.approx(phase, abs=0.01)


def test_the_taint_frees_a_volume_at_once_and_nobody_complains_of_it() -> None:
    world = _lost(Storage.RBD_BLOCK)
    pod = _launcher(world)["metadata"]["name"]
    _taint(world)
    _, at = _end_of(world, pod, 21)
    assert world.run(lambda: world.hypervisor.running(VM) != [], 10)
    assert world.now - at < 5
    assert _told(world, "FailedAttachVolume") == []


def test_a_volume_of_a_lost_node_without_the_taint_is_complained_of() -> None:
    world = _lost(Storage.RBD_BLOCK)
    pod = _launcher(world)["metadata"]["name"]
    world.api.client("system:admin").delete("pods", pod, "default", grace=0)
    world.run_for(60)
    assert len(_told(world, "FailedAttachVolume")) == 1


def test_a_node_that_is_back_under_the_taint_gets_nothing_before_it_is_taken_away() -> None:
    world = staged(Scene((LOST, "node-b"), (Vm("vm", node=LOST, pinned=True),)))
    world.hypervisor.power_cut(LOST)
    world.run_for(60)
    _taint(world)
    world.run_for(60)
    world.hypervisor.power_on(LOST)
    world.run_for(300)
    assert [taint["key"] for taint in world.store.get("nodes", LOST)["spec"]["taints"]] == [_TAINT["key"]]
    assert world.hypervisor.running(VM) == []
    world.api.client("system:admin").patch("nodes", LOST, {"spec": {"taints": None}})
    assert world.run(lambda: world.hypervisor.running(VM) == [LOST], 10)


def test_with_no_schedule_nobody_is_evicted_but_what_is_terminating_is_collected_all_the_same() -> None:
    world = _lost()
    _taint(world, _TAINT | {"effect": "NoSchedule"})
    world.run_for(60)
    assert "deletionTimestamp" not in _launcher(world)["metadata"]
    pod = _launcher(world)["metadata"]
    world.api.client("system:admin").delete("pods", pod["name"], pod["namespace"])
    world.run_for(21)
    names = [one["metadata"]["name"] for one in world.api.client("test").list("pods")]
    assert pod["name"] not in names
