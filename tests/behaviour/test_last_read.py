"""The last read before a deletion is the node's, and what is deleted is still as it was read."""

from collections.abc import Callable

import pytest

from reactor.model.drift import Policy
from reactor.model.node import HEARTBEAT
from simulator.audit import Request
from simulator.client import Client
from simulator.scene import Scene, Storage, Vm
from tests.support.auditor import WORKERS
from tests.support.virtual import Play

LOST = "node-a"
NODES = (LOST, "node-b", "node-c")
DISK = Scene(NODES, (Vm("vm", Storage.RBD_BLOCK, node=LOST),))
DETACH = Policy(detach="delete")
Strike = Callable[[Play], None]


def _returns(play: Play) -> None:
    status = play.world.store.get("nodes", LOST)["status"]
    status = {**status, "conditions": [{**one, "status": "True"} for one in status["conditions"]]}
    _admin(play).patch("nodes", LOST, {"status": status}, subresource="status")


def _beats(play: Play) -> None:
    _admin(play).patch("nodes", LOST, {"metadata": {"annotations": {HEARTBEAT: "2026-11-18T12:00:00Z"}}})


def _renews(play: Play) -> None:
    _admin(play).patch("leases", LOST, {"spec": {"renewTime": "2026-11-18T12:00:00.000000Z"}}, "kube-node-lease")


def _admin(play: Play) -> Client:
    return play.world.api.client("system:admin")


def _struck(policy: Policy, read: str, nth: int, strike: Strike) -> tuple[Play, list[str]]:
    """While an object that is to be deleted is read for the nth time, this happens; what was read until then."""
    play, done = Play.of(DISK, policy), list[str]()

    def fault(request: Request) -> None:
        if request.user == WORKERS and (request.verb, request.resource) == ("get", read) and _near(play):
            done.append(request.name)
            if len(done) == nth:
                strike(play)

    play.world.api.faults.append(fault)
    play.world.hypervisor.cut_network(LOST)
    play.world.run(lambda: len(done) >= nth, 420)
    play.world.run_for(20)
    return play, done


def _near(play: Play) -> bool:
    """Attachments are looked at all the time; the one that matters is read when the pod is gone."""
    return play.world.now > 1_795_000_000.0 + 340


@pytest.mark.parametrize("strike", [_returns, _beats, _renews])
def test_a_node_that_is_heard_while_the_pod_is_read_keeps_it(strike: Strike) -> None:
    play, done = _struck(Policy(), "pods", 1, strike)
    assert done
    assert play.auditor.deletions == []
    assert play.auditor.wrong == []


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("strike", [_returns, _beats, _renews])
def test_and_while_the_attachment_is_read_that_stays(strike: Strike, nth: int) -> None:
    play, done = _struck(DETACH, "volumeattachments", nth, strike)
    assert len(done) >= nth
    assert play.auditor.deleted("volumeattachments") == []
    assert play.auditor.wrong == []


def test_a_pod_that_was_changed_after_its_last_read_is_looked_at_once_more() -> None:
    play, names = Play.of(DISK), list[str]()

    def fault(request: Request) -> None:
        if request.user != WORKERS or not _near(play):
            return
        if (request.verb, request.resource) == ("get", "pods"):
            names.append(request.name)
        elif len(names) == 1 and (request.verb, request.resource) == ("get", "nodes"):
            _admin(play).patch("pods", names[0], {"status": {"message": "seen"}}, "default", "status")
            names.append("touched")

    play.world.api.faults.append(fault)
    play.world.hypervisor.power_cut(LOST)
    play.until_ended(1000)
    assert "touched" in names
    refused = [entry for entry in play.world.api.audit if entry.verb == "delete" and entry.code == 409]
    assert [entry.resource for entry in refused] == ["pods"]
    play.check()
