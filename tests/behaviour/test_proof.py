"""A proof covers exactly what it names: this boot, outage and storage; and who was wrong once is not believed again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reactor.adapters.rq import RUN_DRIFT
from reactor.model.drift import Policy
from reactor.model.event import NODE_FENCED, Event
from reactor.model.fence_drill import Drilled
from reactor.model.fencing import CONFIG_MAP, Fencing, ProviderStatus, State, Target, fencing_entries
from reactor.model.node import FENCING_ANNOTATION, OUT_OF_SERVICE
from rehearsal.twins.bmc import MachineBmcs
from simulator import shapes
from simulator.actors.network_fencer import NetworkFencer
from simulator.actors.remediator import Remediator
from simulator.audit import Request
from simulator.client import ApiError, Client, Obj
from simulator.fencing import add_storage_clients, add_template
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import FENCING
from tests.support.virtual import Play
from workers.fencing.providers.redfish import Redfish

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
SAME = "4c4c4544-0043-3510-8051-b7c04f4a3532"
_FAR = "fenceagentsremediations"


class Liar(Remediator):
    """A fence agent with the wrong outlet: it has succeeded, and the machine lives."""

    def _end(self, remediation: Obj, now: float) -> None:
        self._told(remediation, now, Processing="False", Succeeded="True")


def _played(*fencing: str, vm: Storage = Storage.RBD_SHARED, **policy: Any) -> tuple[Play, Client]:
    play = Play.of(Scene(NODES, (Vm("vm", vm, node=LOST),)), replace(Policy(fencing=fencing), **policy))
    admin = play.world.api.client("system:admin")
    add_template(admin)
    return play, admin


def _files(play: Play) -> dict[str, Fencing]:
    return fencing_entries(play.world.store.get("configmaps", CONFIG_MAP, "vm-drift"))


def _confirm(play: Play, *, person: bool = False) -> str:
    """As Play.confirm, with the answer."""
    node, now = play.world.store.get("nodes", LOST), play.world.now
    said = {"uid": node["metadata"]["uid"], "bootID": node["status"]["nodeInfo"]["bootID"], "how": "looked"}
    event = Event(NODE_FENCED, "/pdu", f"{now}", LOST, now, said)
    (accepted,) = play.reactor.inbox.accept([event], "ann" if person else "pdu", person=person)
    play.world.remove(play.reactor)  # so that it looks now
    play.world.add(play.reactor)
    play.world.run_for(3)
    receipt = play.reactor.inbox.receipt(accepted.receipt.id)
    return receipt.result.reason if receipt and receipt.result else ""


def _back_there(play: Play, admin: Client) -> None:
    """The VM is brought back to the node by a person."""
    for cordoned in (True, None):
        for name in NODES[1:]:
            admin.patch("nodes", name, {"spec": {"unschedulable": cordoned}})
        for pod in admin.list("pods", "default") if cordoned else ():
            admin.delete("pods", pod["metadata"]["name"], "default", grace=0)
        play.world.run_for(150)
    assert play.running("vm") == [LOST]


def _bmcs(play: Play, uuids: dict[str, str] | None = None) -> MachineBmcs:
    machines = play.world.hypervisor.machines
    bmcs = MachineBmcs(play.world.hypervisor, uuids or {name: m.system_uuid for name, m in machines.items()})
    play.reactor.providers["redfish"] = Redfish(bmcs)
    return bmcs


def _forgotten(play: Play) -> None:
    play.reactor.flush()
    play.restart(forgetful=True)


@pytest.mark.parametrize("between", [lambda _: None, _forgotten], ids=["the same process", "all memory lost"])
def test_a_remediation_that_was_refuted_proves_nothing_in_the_next_outage_of_that_boot(
    between: Callable[[Play], None],
) -> None:
    play, admin = _played("remediation")
    play.world.add(Liar(admin, play.world.hypervisor))
    play.world.hypervisor.cut_network(LOST)
    assert play.until("vm", ("completed", "running-elsewhere"), limit=400)
    before = len(play.world.hypervisor.double_writes)
    play.world.run_for(10)  # the taint has been taken back
    play.world.hypervisor.restore_network(LOST)
    play.world.run_for(60)
    _back_there(play, admin)
    between(play)
    play.world.hypervisor.cut_network(LOST)
    play.world.run_for(250)
    (file,) = _files(play).values()
    assert [str(one) for one in file.refuted] == ["remediation"]
    assert len(play.world.hypervisor.double_writes) == before
    assert play.record("vm").released_at is None


def test_of_a_boot_about_which_a_sender_was_wrong_only_a_person_is_believed() -> None:
    play, _ = _played("event", mode="observe")
    play.world.hypervisor.cut_network(LOST)
    play.world.run_for(60)
    assert _confirm(play) == "claimed"
    play.world.hypervisor.restore_network(LOST)
    play.world.run_for(60)
    assert [file.closed for file in _files(play).values()] == [True]
    play.world.hypervisor.cut_network(LOST)
    play.world.run_for(60)
    assert _confirm(play) == "refuted"
    assert [file.proof for file in _files(play).values()] == [None]
    assert _confirm(play, person=True) == "claimed"
    (file,) = _files(play).values()
    assert file.proof
    assert "An earlier confirmation of this boot was wrong (event, by pdu)." in file.sentence
    play.world.hypervisor.power_cut(LOST)
    play.world.hypervisor.restore_network(LOST)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(120)
    assert _files(play) == {}


def test_a_lease_that_the_next_boot_renews_before_it_reports_stops_everything_and_refutes_nobody() -> None:
    play, admin = _played("event", mode="observe")
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.confirm(LOST)
    play.world.run_for(3)
    admin.patch("leases", LOST, {"spec": {"renewTime": "2026-11-28T10:00:00.000000Z"}}, "kube-node-lease")
    play.world.run_for(40)
    (file,) = _files(play).values()
    assert (file.proof, file.refuted, play.record("vm").proof.value) == (None, (), "none")
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(60)
    assert _files(play) == {}


def test_a_node_that_was_installed_anew_is_proven_dead_whatever_is_left_of_its_former_self() -> None:
    vms = (Vm("vm", Storage.RBD_SHARED, node="node-b"), Vm("first", Storage.RBD_BLOCK, node=LOST))
    play = Play.of(Scene(NODES, vms), Policy(fencing=("event", "network-fence")))
    admin, hypervisor = play.world.api.client("system:admin"), play.world.hypervisor
    play.world.add(NetworkFencer(admin, hypervisor, add_storage_clients(admin, hypervisor.machines)))
    hypervisor.power_cut(LOST)
    assert play.until("first", ("completed", "running-elsewhere"), limit=500)
    old = admin.get("nodes", LOST)
    admin.delete("nodes", LOST)
    play.world.run_for(60)
    status = {name: old["status"][name] for name in ("addresses", "allocatable", "capacity")}
    node = {"metadata": {"name": LOST, "labels": old["metadata"]["labels"]}, "spec": {}, "status": status}
    admin.create("nodes", node)
    hypervisor.power_on(LOST)
    hypervisor.machines[LOST].storage = True
    play.world.run_for(100)
    _back_there(play, admin)
    hypervisor.power_cut(LOST)
    play.world.run_for(100)
    play.confirm(LOST)
    play.world.run_for(120)
    assert {file.reason for file in _files(play).values()} == {"half-fenced", "fenced"}
    assert play.running("vm") in (["node-b"], ["node-c"])


def test_a_confirmation_counts_while_something_of_the_last_boot_is_still_being_taken_back() -> None:
    play, admin = _played("event", "remediation")
    operator = Remediator(admin, play.world.hypervisor)
    play.world.add(operator)
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", ("completed", "running-elsewhere"), limit=900)
    for one in admin.list(_FAR):  # it never lets go
        kept = {"metadata": {"finalizers": ["medik8s.io/far"]}}
        admin.patch(_FAR, one["metadata"]["name"], kept, one["metadata"]["namespace"])
    play.world.remove(operator)
    play.world.hypervisor.power_on(LOST)
    play.world.run_for(60)
    _back_there(play, admin)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(100)
    play.confirm(LOST)
    play.world.run_for(120)
    assert {file.reason for file in _files(play).values()} == {"unfencing", "fenced"}
    assert play.running("vm") in (["node-b"], ["node-c"])


@pytest.mark.parametrize(("pinned", "orders"), [(False, []), (True, [LOST])], ids=["else nobody", "pinned"])
def test_a_uuid_that_two_nodes_bear_identifies_none_of_them_unless_its_file_says_so(
    *, pinned: bool, orders: list[str]
) -> None:
    play, admin = _played("redfish")
    bmcs = _bmcs(play, {LOST: SAME, "node-b": SAME})
    if pinned:
        bmcs.expected[LOST] = SAME
    else:
        bmcs.swapped[LOST] = "node-b"
    for name in (LOST, "node-b"):  # until the kubelet of node-b says something else, five minutes later
        info = admin.get("nodes", name)["status"]["nodeInfo"]
        admin.patch("nodes", name, {"status": {"nodeInfo": {**info, "systemUUID": SAME}}}, subresource="status")
    play.world.run_for(65)
    assert play.reactor.store.twins() == 2
    play.world.hypervisor.cut_network(LOST)
    play.world.run_for(660)
    assert bmcs.orders == orders
    assert play.world.hypervisor.double_writes == []


def _forbidden(play: Play) -> None:
    def sick(request: Request) -> ApiError | None:
        if request.user == FENCING and request.resource == _FAR:
            return ApiError(403, "Forbidden", f"cannot {request.verb} resource {_FAR}")
        return None

    play.world.api.faults.append(sick)


def _without_setting(play: Play) -> None:
    play.reactor.settings = replace(play.reactor.settings, remediation_template="")


class _Broken:
    """A Provider with a bug."""

    name = "remediation"

    def fence(self, target: Target) -> None:
        raise KeyError(target.boot)

    def status(self, target: Target) -> ProviderStatus:
        raise TypeError(target.boot)

    def release(self, target: Target) -> ProviderStatus:
        return ProviderStatus(State.ABSENT, f"Nothing of {target.boot}.")

    def drill(self, target: Target, *, failed_before: bool = False) -> Drilled | None:  # noqa: ARG002 - the same
        raise IndexError(target.boot)

    def credentials(self, target: Target) -> str:  # noqa: ARG002 - a Provider's
        return ""


def _with_bug(play: Play) -> None:
    play.reactor.providers["remediation"] = _Broken()


@pytest.mark.parametrize("trouble", [_forbidden, _without_setting, _with_bug])
def test_whatever_a_provider_raises_the_next_one_is_asked_and_it_is_said(trouble: Callable[[Play], None]) -> None:
    play, _ = _played("remediation", "redfish")
    bmcs = _bmcs(play)
    trouble(play)
    play.world.hypervisor.cut_network(LOST)
    assert play.until("vm", ("completed", "running-elsewhere"), limit=500)
    assert bmcs.orders == [LOST]
    (file,) = _files(play).values()
    assert "Failed: remediation: " in file.summary


@pytest.mark.parametrize("of_before", ["", "taint", "force-delete"])
def test_a_fence_of_some_storage_never_puts_the_whole_node_out_of_service(of_before: str) -> None:
    vms = (Vm("db", Storage.RBD_BLOCK, node=LOST), Vm("data", Storage.OTHER_CSI, node=LOST, run_strategy="Halted"))
    play = Play.of(Scene(NODES, vms), Policy(fencing=("network-fence",), fenced_release=of_before))
    admin, hypervisor = play.world.api.client("system:admin"), play.world.hypervisor
    play.world.add(NetworkFencer(admin, hypervisor, add_storage_clients(admin, hypervisor.machines)))
    admin.create("pods", shapes.plain_pod("default", "postgres-0", LOST, "data-disk"))
    play.world.run_for(60)
    hypervisor.cut_network(LOST)
    assert play.until("db", ("completed", "running-elsewhere"), limit=400)
    assert "postgres-0" in [pod["metadata"]["name"] for pod in admin.list("pods", "default")]
    node = play.world.store.get("nodes", LOST)
    assert OUT_OF_SERVICE not in [taint["key"] for taint in node["spec"].get("taints") or ()]


def test_a_provider_that_a_node_does_not_name_any_more_proves_nothing_from_then_on() -> None:
    play, admin = _played("redfish", "event", mode="observe")
    _bmcs(play)
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(65)
    assert play.record("vm").proof.value == "fenced"
    admin.patch("nodes", LOST, {"metadata": {"annotations": {FENCING_ANNOTATION: "event"}}})
    for entry in list(play.reactor.entries.values()):
        if entry.function == RUN_DRIFT:  # before the fencing role has looked
            play.reactor.handle(entry)
    assert play.record("vm").proof.value != "fenced"
    play.reactor.again()
    (file,) = _files(play).values()
    assert (file.proof, file.void) == (None, "redfish is not named for this node any more")


@pytest.mark.parametrize("word", ["none", "redfish", "event,../x"])
def test_a_node_takes_no_confirmation_away_by_its_annotation(word: str) -> None:
    play, admin = _played("event", mode="observe")
    play.world.hypervisor.power_cut(LOST)
    play.world.run_for(60)
    play.confirm(LOST)
    play.world.run_for(3)
    admin.patch("nodes", LOST, {"metadata": {"annotations": {FENCING_ANNOTATION: word}}})
    play.reactor.again()
    play.world.run_for(60)
    (file,) = _files(play).values()
    assert (file.proof is not None, play.record("vm").proof.value) == (True, "fenced")
