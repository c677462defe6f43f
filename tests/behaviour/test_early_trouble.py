"""What may happen at any moment of an early release: others take the taint away, the node lives, is back, or is new."""

from collections.abc import Callable
from functools import partial

import pytest

from reactor.model.fencing import CONFIG_MAP, Fencing, fencing_entries
from reactor.model.intervention import CONFIG_MAP as INTERVENTIONS
from reactor.model.intervention import HOLD, Intervention
from reactor.model.node import OUT_OF_SERVICE, NodeView, node_view
from rehearsal.twins.bmc import MachineBmcs
from rehearsal.twins.cluster import ApiCluster
from simulator.api.api import Fault
from simulator.audit import Request
from simulator.client import Client, Obj
from simulator.scene import Scene, Storage, Vm
from tests.behaviour.test_early_release import POLICY
from tests.behaviour.test_fenced_for_nothing import with_bmcs
from tests.support.auditor import FENCING, WORKERS
from tests.support.virtual import Play

LOST = "node-a"
NODES = (LOST, "node-b", "node-c", "node-d", "node-e")
VMS = (
    Vm("disk", Storage.RBD_BLOCK, node=LOST),
    Vm("plain", node=LOST),
    Vm("never", node=LOST, annotations={"vmdrift.io/policy": "never"}),
    *(Vm(f"on-{name}", node=name) for name in NODES[1:]),  # so the scheduler likes the dead node best
)
BEFORE = 7.75  # seconds after the power cut: a moment before the first deletion
COMPLETED = ("completed", "running-elsewhere")


def _play() -> tuple[Play, MachineBmcs]:
    play = Play.of(Scene(NODES, VMS), POLICY, watchers=2, waker=True, suspects=True)
    bmcs = with_bmcs(play)
    play.world.run_for(45)
    return play, bmcs


def _admin(play: Play) -> Client:
    return play.world.api.client("system:admin")


def _node(play: Play) -> NodeView:
    return node_view(play.world.store.get("nodes", LOST))


def _files(play: Play) -> list[Fencing]:
    return list(fencing_entries(play.world.store.find("configmaps", CONFIG_MAP, "vm-drift")).values())


def _untaint(play: Play) -> None:
    taints = _admin(play).get("nodes", LOST)["spec"].get("taints") or []
    others = [taint for taint in taints if taint["key"] != OUT_OF_SERVICE]
    if others != taints:
        _admin(play).patch("nodes", LOST, {"spec": {"taints": others or None}})


def _deleted(play: Play, vm: str = "") -> list[str]:
    return [name for name in play.auditor.deleted("pods") if vm in name]


def _nothing_is_left(play: Play) -> None:
    assert (play.outages(), _files(play), _node(play).tainted, _node(play).out_of_service) == ([], [], "", False)
    assert all(len(play.running(vm.name)) == 1 for vm in VMS)
    play.check()


@pytest.mark.parametrize("begin", [6, BEFORE, 8, 10, 40, 290])
@pytest.mark.parametrize("lasts", [1, 100, 600])
def test_whenever_others_take_the_taint_away_all_that_may_move_does_and_no_other(begin: float, lasts: int) -> None:
    play, _ = _play()
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(begin)
    for _ in range(2 * lasts):
        _untaint(play)
        play.world.run_for(0.5)
    play.world.run_for(400)
    assert (play.story("disk"), play.story("plain")) == (COMPLETED, COMPLETED)
    assert (_deleted(play, "never"), play.running("never"), _node(play).out_of_service) == ([], [], False)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(200)
    _nothing_is_left(play)


@pytest.mark.parametrize("after", [BEFORE, 8, 9, 12, 25, 60])
def test_one_that_is_rebooted_at_any_moment_keeps_no_taint(after: float) -> None:
    play, _ = _play()
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(after)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(400)
    _nothing_is_left(play)


@pytest.mark.parametrize("after", [BEFORE, 8, 9, 12, 60])
def test_one_that_registers_again_under_its_name_is_a_new_node_at_any_moment(after: float) -> None:
    play, _ = _play()
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(after)
    old: Obj = _admin(play).get("nodes", LOST)
    _admin(play).delete("nodes", LOST)
    play.world.run_for(1)
    status = {name: old["status"][name] for name in ("addresses", "allocatable", "capacity")}
    meta = {"name": LOST, "labels": old["metadata"]["labels"]}
    _admin(play).create("nodes", {"metadata": meta, "spec": {}, "status": status})
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(600)
    assert (play.outages(), _node(play).tainted, _node(play).out_of_service) == ([], "", False)
    assert [len(play.running(vm)) for vm in ("disk", "plain")] == [1, 1]
    play.check()


@pytest.mark.parametrize("after", [13, 17, 30, 45])
def test_after_a_lie_nothing_more_is_deleted_and_the_taint_stays_until_a_person_says_so(after: int) -> None:
    """The BMC says Off of a machine whose kubelet has only stopped: what was released runs twice, and no more."""
    play, bmcs = _play()
    bmcs.words[LOST] = "Off"
    play.world.hypervisor.stop_kubelet(LOST)
    play.world.run_for(after)
    play.world.hypervisor.start_kubelet(LOST)
    play.world.run_for(12)
    released = _deleted(play)
    assert released
    play.world.run_for(400)
    assert (_deleted(play), _node(play).ready, _node(play).out_of_service) == (released, "True", True)
    assert [file.reason for file in _files(play)] == ["half-fenced"]
    assert [str(source) for source in _files(play)[0].refuted] == ["redfish"]
    play.ask("unfence", LOST)
    play.world.run_for(30)
    assert not _node(play).out_of_service


def test_a_lease_that_is_renewed_while_the_first_pod_is_read_right_before_its_deletion_keeps_it() -> None:
    play, _ = _play()
    heard = list[Request]()

    def renew(request: Request) -> None:
        if not heard and (request.user, request.verb, request.resource) == (WORKERS, "get", "pods"):
            heard.append(request)
            when = {"spec": {"renewTime": "2026-12-24T00:00:00.000001Z"}}
            _admin(play).patch("leases", LOST, when, "kube-node-lease")

    play.world.api.faults.append(renew)
    play.world.hypervisor.power_cut(LOST)
    assert play.world.run(lambda: bool(heard), 30)
    play.world.run_for(10)
    assert (_node(play).ready, _deleted(play), _node(play).out_of_service) == ("True", [], False)
    play.world.run_for(700)
    assert (play.story("disk"), play.story("plain")) == (COMPLETED, COMPLETED)
    play.check()


def _hold(play: Play, *, begins: bool) -> None:
    hold = Intervention(HOLD, f"node/{LOST}", "ann", "not now", play.world.now, None)
    ApiCluster(play.world.api, "ann").note(INTERVENTIONS, "vm-drift", {hold.key: hold.as_text() if begins else None})


def _never(play: Play, *, begins: bool) -> None:
    annotations = {"vmdrift.io/policy": "never" if begins else None}
    _admin(play).patch("namespaces", "default", {"metadata": {"annotations": annotations}})


def _cordon(play: Play, *, begins: bool) -> None:
    for name in NODES[1:]:
        _admin(play).patch("nodes", name, {"spec": {"unschedulable": begins or None}})


def _once(faults: list[Fault], when: Callable[[Request], bool], do: Callable[[], object]) -> list[Request]:
    """As soon as such a request comes (or has taken effect, by the list of faults); it stands in the answer then."""
    seen = list[Request]()

    def look(request: Request) -> None:
        if not seen and when(request):
            seen.append(request)
            do()

    faults.append(look)
    return seen


def _taints(request: Request) -> bool:
    return (request.user, request.verb, request.resource) == (FENCING, "patch", "nodes")


def _deletes(request: Request) -> bool:
    return (request.user, request.verb, request.resource) == (WORKERS, "delete", "pods")


@pytest.mark.parametrize(
    ("says_no", "moment"),
    [
        (_hold, "suspected"),
        (_hold, "tainted"),
        (_hold, "first deleted"),
        (_never, "suspected"),
        (_never, "tainted"),
        (_cordon, "suspected"),  # other nodes are as they were within five seconds
    ],
)
def test_from_the_moment_on_at_which_a_person_says_no_nothing_is_deleted_until_it_is_lifted(
    says_no: Callable[..., None], moment: str
) -> None:
    play, _ = _play()
    api, said = play.world.api, partial(says_no, play, begins=True)
    if moment == "suspected":
        play.world.hypervisor.power_cut(LOST)
        play.world.run_for(BEFORE)
        said()
    else:
        when = _taints if moment == "tainted" else _deletes
        seen = _once(api.late_faults, when, said)
        play.world.hypervisor.power_cut(LOST)
        assert play.world.run(lambda: bool(seen), 30)
    deleted = _deleted(play)
    assert len(deleted) == (moment == "first deleted")
    play.world.run_for(200)
    assert _deleted(play) == deleted
    says_no(play, begins=False)
    play.world.run_for(700)
    assert (play.story("disk"), play.story("plain")) == (COMPLETED, COMPLETED)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(300)
    _nothing_is_left(play)
