"""Stories in which one check alone stands between the reactor and a mistake.

Each is told twice: as the product is, when the judge has nothing to say; and with that check always holding, when he
has. A mutant replaces a name of `workers.decide`, wherever the workers use it, for one test. A check that has a second
guard behind it (`act` looks at the node once more) has a story in which the guard is of no help.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from reactor.doors.cluster import Cluster
from reactor.model.drift import Phase, Policy, Record, Signs
from simulator.audit import Request
from simulator.scene import Vm
from tests.auditor import OURS
from tests.properties.fate import Blow
from tests.properties.life import Life
from tests.properties.vms import ELIGIBLE, UNTOUCHABLE
from workers.decide.decision import Held, Judgement, Verdict
from workers.decide.life import signs
from workers.decide.observation import Observation, PodView
from workers.decide.volumes import volumes

_VMS: Mapping[str, Vm] = {vm.name: vm for vm in (*ELIGIBLE, *UNTOUCHABLE)}
LOST = "node-a"
_IN = ("", ".ending", ".node", ".proof", ".quorum", ".storage", ".volumes")
_USERS: tuple[ModuleType, ...] = (
    *(import_module(f"workers.decide{name}") for name in _IN),
    import_module("workers.observe"),
    import_module("workers.act"),
)


@dataclass(frozen=True)
class Mutant:
    """`name` in `workers.decide` becomes `instead`; `story` is what shows it, with these VMs."""

    name: str
    vms: tuple[str, ...]
    story: Callable[[Life], None]
    instead: Any = lambda *_, **__: Held("A mutant's.")

    def remove(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the check away."""
        for module in _USERS:
            if hasattr(module, self.name):
                monkeypatch.setattr(module, self.name, self.instead)

    def lived(self) -> Life:
        """The story from its beginning to its end; AssertionError where something is wrong with it."""
        life = Life(_VMS[name] for name in self.vms)
        self.story(life)
        life.rest()
        return life


def _power_cut(life: Life) -> None:
    """A node is lost and stays so."""
    life.hypervisor.power_cut(LOST)
    life.live(900)


def _at(node: str, life: Life) -> None:
    """As `_power_cut`, of another node."""
    life.hypervisor.power_cut(node)
    life.live(900)


def _network_back(life: Life) -> None:
    """It is back in the moment before the window ends; its kubelet has yet to end what Kubernetes gave up."""
    life.hypervisor.cut_network(LOST)
    life.live(200)
    life.back(LOST)
    life.live(900)


def _kubelet_dead(life: Life) -> None:
    """The kubelet is dead, its virt-handler tells that it is alive."""
    life.hypervisor.stop_kubelet(LOST)
    life.live(900)


def _three_lost(life: Life) -> None:
    """Three of five nodes, one after another so that Kubernetes evicts from the first."""
    life.hypervisor.power_cut(LOST)
    life.live(100)
    life.hypervisor.power_cut("node-c")
    life.hypervisor.power_cut("node-d")
    life.live(900)


def _target_lost(life: Life) -> None:
    """A VM migrates, and the node to which it migrates is lost."""
    (vm,) = life.vms.values()
    life.migrate(vm.name)
    migration = life.judge.visible.get("virtualmachineinstances", vm.name, vm.namespace) or {}
    life.hypervisor.power_cut(migration["status"]["migrationState"]["targetNode"])
    life.live(900)


def _early(life: Life) -> None:
    """Every job runs again and again, long before its time."""
    life.hypervisor.power_cut(LOST)
    for _ in range(20):
        life.live(20)
        life.again()
    life.live(600)


def _sign_after_release(life: Life) -> None:
    """The API server refuses three times to detach; meanwhile the node gives a sign of life."""
    life.hypervisor.cut_network(LOST)
    life.fate.blows.append(Blow("error", "delete", skip=1, times=3, size=500))
    assert life.world.run(lambda: bool(life.judge.released), 600)
    life.beat(LOST)
    life.live(900)


def _three_lost_two_back(life: Life) -> None:
    """Too many nodes are lost; then only one is, and it has to stay so for 90 seconds."""
    _three_lost(life)
    life.back("node-c")
    life.back("node-d")
    life.live(85)
    assert not life.judge.released
    life.live(600)


def _control_plane_asleep(life: Life) -> None:
    """Most nodes are not heard of, and the controller manager that should have marked them is dead."""
    life.live(200)  # so that nobody came back a moment ago
    life.hypervisor.power_cut(LOST)
    life.live(35)
    for node in ("node-c", "node-d", "node-e"):
        life.hypervisor.power_cut(node)
    assert life.world.run(lambda: life.judge.visible.nodes[LOST].ready == "Unknown", 60)
    life.live(11)  # its taint manager evicts one that tolerates ten seconds
    life.manager_dies()
    life.live(900)


def _behind(life: Life) -> None:
    """By the controller manager's clock the window is long over when it begins."""
    life.manager_leads(-600.0)
    life.live(60)
    _power_cut(life)


def _back_in_between(life: Life) -> None:
    """The node is back between a worker's last look at the cluster and its DELETE."""
    life.hypervisor.cut_network(LOST)
    came: list[Request] = []

    def come_back(request: Request) -> None:
        if request.user in OURS and (request.verb, request.resource) == ("list", "leases") and not came:
            came.append(request)
            life.back(LOST)
            assert life.world.run(lambda: life.judge.visible.nodes[LOST].ready == "True", 10)

    life.world.api.faults.insert(0, come_back)
    life.live(900)
    assert came


def _no_place(life: Life) -> None:
    """After the release no node takes the VM, for longer than it may take to start."""
    _released(life)
    admin = life.world.api.client("system:admin")
    for node in ("node-b", "node-c", "node-d", "node-e"):
        admin.patch("nodes", node, {"spec": {"unschedulable": True}})
    for pod in admin.list("pods", fields="status.phase=Pending"):
        admin.delete("pods", pod["metadata"]["name"], pod["metadata"]["namespace"], grace=0)
    life.live(2000)
    assert [record.phase for record in life.reactor.store._records.values()] == [Phase.FAILED]
    for node in ("node-b", "node-c", "node-d", "node-e"):
        admin.patch("nodes", node, {"spec": {"unschedulable": None}})


def _another_manager(life: Life) -> None:
    """The six minutes began anew with another controller manager: nobody is told that they are over before they are."""
    _released(life)
    life.live(200)
    life.manager_leads(0.0)
    life.live(340)
    assert [record.reason for record in life.reactor.store._records.values()] == ["detach-window"]
    life.live(600)


def _released(life: Life) -> None:
    life.hypervisor.power_cut(LOST)
    assert life.world.run(lambda: bool(life.judge.released), 600)


def _without_uid(cluster: Cluster, _record: Record, pod: PodView) -> None:
    cluster.delete("pods", pod.name, pod.namespace, uid=None, grace=0)  # type: ignore[arg-type]


def _always_auto(_seen: Any, policy: Any) -> Any:
    return replace(policy, mode="auto")


def _always_complete(*_: Any) -> Judgement:
    return Judgement("running-elsewhere", "A mutant's.")


def _nothing(*_: Any) -> None:
    return None


def _unmoved(before: Signs | None, seen: Observation, now: float) -> Signs | None:
    """What was read last is remembered, but it does not matter that it is another value."""
    new = signs(before, seen, now)
    return replace(new, since=before.since, alive="") if new and before else new


def _careless(seen: Observation, _record: Record, policy: Policy, released_at: float, now: float) -> Verdict:
    """The attachments are deleted whatever is known of the node."""
    return volumes(seen, policy, released_at, now)


_HELD = (
    Mutant("still_lost", ("web",), _network_back),
    Mutant("window", ("quick",), _early),
    Mutant("silent", ("web",), _kubelet_dead),
    Mutant("quorum", ("web",), _three_lost),
    Mutant("placement", ("wiki", "licence"), lambda life: _at("node-b", life)),
    Mutant("storage", ("web", "foreign"), _power_cut),
    Mutant("comeback", ("web", "hand"), _power_cut),
    Mutant("permitted", ("web", "stay"), _power_cut),
    Mutant("terminating", ("web", "patient"), _power_cut),
    Mutant("volumes", ("db",), _power_cut),
    Mutant("proof", ("wiki", "sealed"), lambda life: _at("node-b", life)),
)
_OTHERS = (
    Mutant("signs", ("web",), _kubelet_dead, _unmoved),
    Mutant("wished", ("wiki", "watched"), lambda life: _at("node-b", life), _always_auto),
    Mutant("_elsewhere", ("web",), _target_lost, _nothing),
    Mutant("ending", ("db",), _power_cut, _always_complete),
    Mutant("_freed", ("queue",), _sign_after_release, _careless),
    Mutant("COOL_DOWN", ("web",), _three_lost_two_back, 0.0),
    Mutant("_asleep", ("quick",), _control_plane_asleep, _nothing),
    Mutant("_guard_objection", ("wiki", "shared"), lambda life: _at("node-b", life), _nothing),
    Mutant("began", ("quick",), _behind, lambda record, _: (record.drift.outage.since, "")),
    Mutant("late", ("web",), _no_place, lambda judgement, *_: judgement),
    Mutant("_forced_at", ("db",), _another_manager, lambda _, policy, free_at: free_at + policy.detach_window),
    Mutant("_still_lost", ("quick",), _back_in_between, _nothing),
    Mutant("_force_delete", ("web",), _power_cut, _without_uid),
)
MUTANTS = (*_HELD, *_OTHERS)
EVERY_DAY = ("window", "silent", "storage")
