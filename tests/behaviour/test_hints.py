"""What other systems tell is looked up, and answered with what was found; nobody can order anything."""

from collections.abc import Mapping

import pytest

from reactor.adapters.cloudevents import encode
from reactor.adapters.redis.inbox import Accepted
from reactor.model.deed import Deed
from reactor.model.drift import Policy
from reactor.model.event import DRIFT_REQUESTED, NODE_FENCED, NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.model.fencing import CLAIMS, claim_of
from reactor.model.receipt import Result
from reactor.settings import Settings
from simulator.audit import Request
from simulator.client import ApiError
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import INTAKE
from tests.support.virtual import Play
from workers.intake.events import look_after, take_post

LOST = "node-a"


class _Told:
    """A play whose events come from others; our own watcher is there all the same."""

    def __init__(self, *vms: Vm, policy: Policy | None = None) -> None:
        vms = vms or (Vm("web", node=LOST), Vm("wiki", node=LOST))
        self.play = Play.of(Scene((LOST, "node-b", "node-c"), vms), policy)
        self.inbox = self.play.reactor.inbox
        self._number = 0

    def tell(self, kind: str, subject: str, data: Mapping[str, str] | None = None) -> Result:
        self._number += 1
        event = Event(kind, "/monitoring", f"{self._number}", subject, self.play.world.now, data or {})
        (accepted,) = self.inbox.accept([event], "me")
        return self.taken(accepted, event)

    def taken(self, accepted: Accepted, event: Event) -> Result:
        receipt_id = accepted.receipt.id
        take_post({receipt_id: encode(event)}, self.inbox, self.play.reactor.intake)
        receipt = self.inbox.receipt(receipt_id)
        assert receipt is not None
        assert receipt.result is not None
        return receipt.result


@pytest.mark.parametrize(
    ("kind", "subject", "reason"),
    [
        (NODE_UNREACHABLE, LOST, "node-ready"),
        (NODE_UNREACHABLE, "node-z", "no-such-node"),
        (NODE_RECOVERED, LOST, "no-outage"),
        (NODE_FENCED, LOST, "proof-not-used"),
        (DRIFT_REQUESTED, "default/web", "node-ready"),
        (DRIFT_REQUESTED, "default/none", "no-such-vm"),
        (NODE_UNREACHABLE, "../pods/x", "no-such-node"),
        (NODE_FENCED, "Node A", "no-such-node"),
        (DRIFT_REQUESTED, "default/../x", "no-such-vm"),
        (DRIFT_REQUESTED, "web", "no-such-vm"),
    ],
)
def test_where_the_api_server_knows_better_it_is_told_and_nothing_is_done(kind: str, subject: str, reason: str) -> None:
    told = _Told()
    result = told.tell(kind, subject)
    assert (result.outcome, result.reason) == ("nothing", reason)
    assert result.sentence.endswith(".")
    assert told.play.records == []


def test_what_was_answered_stays_answered_when_its_job_comes_once_more() -> None:
    told = _Told()
    event = Event(NODE_UNREACHABLE, "/monitoring", "x", LOST, told.play.world.now)
    (accepted,) = told.inbox.accept([event], "me")
    assert told.taken(accepted, event).reason == "node-ready"
    _lost(told)
    assert told.taken(accepted, event).reason == "node-ready"


def test_a_node_that_says_itself_that_it_is_not_ready_is_alive() -> None:
    told = _Told()
    conditions = [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-24T03:00:00Z"}]
    told.play.world.api.client("system:node:node-a").patch(
        "nodes", LOST, {"status": {"conditions": conditions}}, subresource="status"
    )
    assert told.tell(NODE_UNREACHABLE, LOST).reason == "kubelet-reports-not-ready"


def _lost(told: _Told) -> None:
    told.play.world.hypervisor.power_cut(LOST)
    told.play.world.run_for(70)


def test_a_node_that_is_lost_is_told_with_its_outage_and_its_drifts() -> None:
    told = _Told()
    _lost(told)
    result = told.tell(NODE_UNREACHABLE, LOST)
    assert (result.outcome, result.reason) == ("taken", "outage")
    assert result.outage == told.play.outages()[0].id
    assert set(result.drifts) == {record.drift.id for record in told.play.records}
    assert len(result.drifts) == 2


def test_no_event_shortens_the_window_however_often_it_is_told() -> None:
    told = _Told()
    _lost(told)
    while told.play.world.now < told.play.outages()[0].since + 290:
        told.tell(NODE_UNREACHABLE, LOST)
        told.tell(NODE_FENCED, LOST)
        told.tell(DRIFT_REQUESTED, "default/web")
        told.play.world.run_for(20)
    assert told.play.auditor.deletions == []
    assert told.play.until_ended()
    assert len(told.play.auditor.deletions) == 2
    told.play.check()


def test_a_drift_that_is_requested_is_that_of_one_vm_only() -> None:
    told = _Told()
    told.play.world.remove(told.play.reactor)  # nobody watches
    told.play.world.hypervisor.power_cut(LOST)
    told.play.world.run_for(70)
    result = told.tell(DRIFT_REQUESTED, "default/web")
    assert (result.outcome, result.reason, len(result.drifts)) == ("taken", "drift", 1)
    assert [record.drift.vm.name for record in told.play.records] == ["web"]


def test_a_drift_that_is_requested_while_its_vm_is_on_its_way_is_told_as_it_stands() -> None:
    told = _Told(Vm("web", Storage.RBD_BLOCK, node=LOST))
    told.play.world.hypervisor.power_cut(LOST)
    assert told.play.until("web", ("detaching", "detach-window"))
    result = told.tell(DRIFT_REQUESTED, "default/web")
    assert (result.outcome, result.reason, result.drifts) == ("taken", "drift", (told.play.record("web").drift.id,))
    assert result.sentence.startswith("detaching: The lost node still holds")


def test_recovered_is_believed_only_where_the_api_server_says_so() -> None:
    told = _Told()
    _lost(told)
    assert told.tell(NODE_RECOVERED, LOST).reason == "still-unreachable"
    assert len(told.play.outages()) == 1


def test_an_event_whose_job_was_lost_is_looked_after_and_answered() -> None:
    told = _Told()
    tools = told.play.reactor.tools
    event = Event(NODE_UNREACHABLE, "/monitoring", "x", LOST, told.play.world.now)
    receipt = told.inbox.accept([event], "me")[0].receipt
    told.play.reactor.queue.clear()
    assert look_after(told.inbox, tools) == 0
    told.play.world.run_for(61 + Settings().resync)  # intake does it now and then
    settled = told.inbox.receipt(receipt.id)
    assert settled is not None
    assert settled.result is not None
    assert look_after(told.inbox, tools) == 0


def _proof(told: _Told, **changes: str) -> dict[str, str]:
    node = told.play.world.store.get("nodes", LOST)
    boot = node["status"]["nodeInfo"]["bootID"]
    return {"uid": node["metadata"]["uid"], "bootID": boot, "how": "its power was cut", **changes}


def _proving(*vms: Vm) -> _Told:
    return _Told(*(vms or (Vm("web", node=LOST),)), policy=Policy(fencing=("event",)))


def _log(told: _Told) -> list[Deed]:
    """Who did what about the outage."""
    return [deed for deeds in told.play.reactor.store.deeds.of([told.play.outages()[0].id]).values() for deed in deeds]


def test_a_proof_is_written_down_by_who_said_so_and_releases_the_vms_of_a_lost_node() -> None:
    told = _proving()
    _lost(told)
    result = told.tell(NODE_FENCED, LOST, _proof(told))
    assert (result.outcome, result.reason, result.outage) == ("taken", "claimed", told.play.outages()[0].id)
    claim = claim_of(told.play.world.store.find("configmaps", CLAIMS, "vm-drift"), LOST)
    assert claim is not None
    assert (claim.by, claim.how) == ("me", "its power was cut")
    (deed,) = _log(told)
    assert deed.sentence == "me (event) confirmed that node-a is off: its power was cut."
    assert told.play.until_ended(100)
    told.play.check()


def test_a_proof_may_come_before_its_outage_and_counts_if_the_node_gives_no_sign_of_life_after_it() -> None:
    told = _proving()
    recorded = told.tell(NODE_FENCED, LOST, _proof(told))
    assert recorded.sentence.startswith("Recorded. The Ready condition of node node-a is True:")
    told.play.world.run_for(100)  # it lives
    _lost(told)
    told.play.world.run_for(60)
    assert told.play.story("web") == ("waiting", "unreachable-window")


def test_a_proof_of_a_sender_who_is_not_entitled_any_more_is_no_proof() -> None:
    """Whoever can write to Redis as the receiver does can accept what he likes."""
    told = _proving()
    _lost(told)
    told.play.reactor.senders_are_entitled(yes=False)
    result = told.tell(NODE_FENCED, LOST, _proof(told))
    assert (result.outcome, result.reason) == ("nothing", "not-entitled")
    assert _log(told) == [], "what does not count is no deed"
    assert claim_of(told.play.world.store.find("configmaps", CLAIMS, "vm-drift"), LOST) is None


def test_a_proof_that_only_a_job_carries_is_no_proof() -> None:
    """More roles may queue jobs for intake than may accept events."""
    told = _proving()
    _lost(told)
    event = Event(NODE_FENCED, "/pdu", "1", LOST, told.play.world.now, _proof(told))
    (other,) = told.inbox.accept([Event(NODE_UNREACHABLE, "/pdu", "2", LOST, told.play.world.now)], "pdu")
    take_post({"unknown": encode(event), other.receipt.id: encode(event)}, told.inbox, told.play.reactor.intake)
    assert claim_of(told.play.world.store.find("configmaps", CLAIMS, "vm-drift"), LOST) is None


@pytest.mark.parametrize("change", [{"bootID": "another"}, {"uid": "another"}])
def test_a_proof_of_another_boot_or_incarnation_is_answered_with_what_the_node_is(change: dict[str, str]) -> None:
    told = _proving()
    _lost(told)
    result = told.tell(NODE_FENCED, LOST, _proof(told, **change))
    assert (result.outcome, result.reason) == ("nothing", "another-boot")
    assert told.play.world.store.get("nodes", LOST)["metadata"]["uid"] in result.sentence


def test_a_proof_whose_job_was_lost_is_looked_at_all_the_same() -> None:
    told = _proving()
    _lost(told)
    event = Event(NODE_FENCED, "/pdu", "1", LOST, told.play.world.now, _proof(told))
    told.inbox.accept([event], "pdu")
    told.play.reactor.queue.clear()
    assert told.play.until_ended(160)


@pytest.mark.parametrize("code", [403, 404, 422])
def test_a_proof_that_cannot_be_written_down_is_refused_aloud_and_says_what_to_create(code: int) -> None:
    told = _proving()
    _lost(told)

    def strike(request: Request) -> ApiError | None:
        """The namespace is missing, or the right."""
        writes = (request.user, request.resource) == (INTAKE, "configmaps") and request.verb in {"patch", "create"}
        return ApiError(code, "Refused", "no", {"name": "vm-drift", "kind": "namespaces"}) if writes else None

    told.play.world.api.faults.append(strike)
    result = told.tell(NODE_FENCED, LOST, _proof(told))
    assert (result.outcome, result.reason) == ("nothing", "not-written")
    assert "kubectl create namespace vm-drift; kubectl -n vm-drift create configmap vm-drift-claims" in result.sentence
