"""A node that still looks Ready, and whose Lease is silent: its providers are asked, and nothing is done to it."""

from typing import Any

import pytest

from reactor.model.drift import Ended, Outcome, Policy
from reactor.model.fencing import CONFIG_MAP, Fencing, Loss, fencing_entries
from reactor.model.node import OUT_OF_SERVICE, node_view
from rehearsal.twins.bmc import MachineBmcs
from simulator.audit import Request
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import FENCING
from tests.support.virtual import Play
from workers.fencing.providers.redfish import Redfish
from workers.fencing.run import run_fence

LOST = "node-a"
_SUSPECTED = 20.0  # seconds after the loss; the node is Unknown after about 45


class Suspicion:
    """One of `LOST`, from the moment at which it is made."""

    def __init__(self, **policy: Any) -> None:
        scene = Scene((LOST, "node-b", "node-c"), (Vm("vm", Storage.RBD_BLOCK, node=LOST),))
        self.play = Play.of(scene, Policy(**{"fencing": ("redfish",), "fenced_release": "taint", **policy}))
        hypervisor = self.play.world.hypervisor
        self.bmcs = MachineBmcs(hypervisor, {name: m.system_uuid for name, m in hypervisor.machines.items()})
        self.play.reactor.providers["redfish"] = Redfish(self.bmcs)
        self.written = list[Request]()
        self.play.world.api.faults.append(self._note)

    def begin(self) -> None:
        self.play.world.run_for(_SUSPECTED)
        outage = node_view(self.node).with_lease(self._renewed()).early_outage(self.play.world.now)
        assert outage
        self.outage = outage

    def ask(self) -> Outcome:
        return run_fence(self.outage, self.play.reactor.fencing)

    @property
    def file(self) -> Fencing:
        (file,) = self.files
        return file

    def proven(self) -> bool:
        return self.file.proof is not None

    @property
    def files(self) -> list[Fencing]:
        found = self.play.world.store.find("configmaps", CONFIG_MAP, "vm-drift")
        return list(fencing_entries(found).values())

    @property
    def ready(self) -> str:
        conditions = self.node["status"]["conditions"]
        return next(str(one["status"]) for one in conditions if one["type"] == "Ready")

    @property
    def node(self) -> Any:
        return self.play.world.store.get("nodes", LOST)

    def _renewed(self) -> str:
        return str(self.play.world.store.get("leases", LOST, "kube-node-lease")["spec"]["renewTime"])

    def _note(self, request: Request) -> None:
        if request.user == FENCING and request.verb not in {"get", "list"} and request.resource != "configmaps":
            self.written.append(request)


def test_what_a_bmc_reads_is_written_down_as_proof_before_kubernetes_notices_and_counts_once_it_does() -> None:
    seen = Suspicion()
    seen.play.world.hypervisor.power_cut(LOST)
    seen.begin()
    seen.ask()
    assert (seen.ready, seen.file.reason, seen.file.loss) == ("True", "fenced", Loss.OFF)
    assert seen.file.proof
    run_fence(seen.outage, seen.play.reactor.fencing)  # what looks after files now and then
    assert seen.file.proof
    assert (seen.written, seen.bmcs.orders) == ([], [])
    at = seen.play.world.now
    assert seen.play.until("vm", ("completed", "running-elsewhere"), limit=100)
    assert seen.bmcs.orders == []
    drift = seen.play.record("vm")
    assert drift.created_at - at > 10
    assert drift.released_at is not None
    assert drift.released_at - drift.created_at < 3
    seen.play.check()


@pytest.mark.parametrize("how", ["on", "dark"])
def test_without_proof_a_suspicion_does_nothing_however_often_it_asks(how: str) -> None:
    seen = Suspicion(fence_after=0.0)
    seen.play.world.hypervisor.stop_kubelet(LOST)
    if how == "dark":
        seen.bmcs.hanging.add(LOST)
    seen.begin()
    for _ in range(5):
        seen.ask()
        run_fence(seen.outage, seen.play.reactor.fencing)
        seen.play.world.run_for(2)
    assert (seen.ready, seen.file.reason, str(seen.file.loss)) == ("True", "awaiting-proof", how)
    assert (seen.written, seen.bmcs.orders, seen.play.records) == ([], [], [])


def test_a_node_that_renews_its_lease_leaves_nothing_of_the_suspicion() -> None:
    seen = Suspicion()
    seen.play.world.hypervisor.cut_network(LOST)
    seen.begin()
    seen.ask()
    assert len(seen.files) == 1
    seen.play.world.hypervisor.restore_network(LOST)
    seen.play.world.run_for(15)
    assert isinstance(seen.ask(), Ended)
    assert seen.files == []
    assert isinstance(seen.ask(), Ended)  # the silence that it was about is over: none begins
    assert seen.files == []


def test_a_bmc_that_lies_is_refuted_by_the_kubelet() -> None:
    seen = Suspicion()
    seen.play.world.hypervisor.cut_network(LOST)
    seen.bmcs.words[LOST] = "Off"
    seen.begin()
    seen.ask()
    assert seen.proven()
    seen.play.world.hypervisor.restore_network(LOST)
    seen.play.world.run_for(15)
    seen.ask()
    assert not seen.proven()
    assert [str(source) for source in seen.file.refuted] == ["redfish"]
    assert seen.file.closed
    assert OUT_OF_SERVICE not in str(seen.node["spec"])
    assert (seen.written, seen.bmcs.orders) == ([], [])


def test_where_nobody_may_prove_anything_no_file_is_opened() -> None:
    seen = Suspicion(fencing=())
    seen.play.world.hypervisor.power_cut(LOST)
    seen.begin()
    assert isinstance(seen.ask(), Ended)
    assert seen.files == []
