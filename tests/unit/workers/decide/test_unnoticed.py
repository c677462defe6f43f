"""The node is silent and looks Ready: only proof of the whole machine releases, and only where the VM stays away."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Policy, Record
from reactor.model.fencing import ChosenRelease, Confirmation, Fencing, ReleaseWay
from reactor.model.identity import Outage
from reactor.model.node import OUT_OF_SERVICE, NodeView, Taint
from tests.unit.workers.decide.recorded import DUE, SINCE, node_of, record, seen, signs, vm_of
from workers.decide import decide
from workers.decide.decision import Decision, Judgement, Passed, Release
from workers.decide.node import window, with_notice
from workers.decide.observation import Manager, Observation
from workers.observe.all_nodes import with_unnoticed
from workers.observe.cache import Surroundings

_RBD = "rook-ceph.rbd.csi.ceph.com"
_SUSPECTED, _NOW = SINCE - 25.0, SINCE - 20.0
_AWAY = Taint(OUT_OF_SERVICE, "nodeshutdown", "NoSchedule")
_STUCK = seen("vm-rbd")
_READY = replace(
    node_of(_STUCK).with_lease(signs().lease), ready="True", ready_since=SINCE - 9000.0, boot="boot-1", taints=(_AWAY,)
)
_UNKNOWN = replace(_READY, ready="Unknown", ready_since=float(SINCE))
_SAID = Confirmation("redfish", "bmc-a", "It reads Off.", _NOW, signs().lease, _READY.heartbeat)


def _outage() -> Outage:
    outage = _READY.early_outage(_SUSPECTED)
    assert outage
    return outage


_CHOSEN = ChosenRelease(ReleaseWay.FORCE_DELETE, "No taint of ours.", _NOW)
_FILE = Fencing(_outage(), "boot-1", _SUSPECTED, confirmation=_SAID, release=_CHOSEN)


def _record(**changes: Any) -> Record:
    first = record("vm-rbd", signs=signs(since=_NOW), created_at=_NOW, **changes)
    return replace(first, drift=replace(first.drift, outage=_outage()))


def _lost(node: NodeView = _READY, file: Fencing | None = _FILE, **more: Any) -> Observation:
    pods = tuple(replace(pod, terminating=False) for pod in _STUCK.launchers)
    there = {"node": node, "lease": _SAID.lease, "launchers": pods, "fencing": file, "renewals": {}, **more}
    return replace(_STUCK, **there)


def _decide(seen_now: Observation, policy: Policy | None = None) -> Decision:
    return decide(seen_now, _record(), policy or Policy(), _NOW)


def test_with_proof_of_the_whole_machine_the_vm_is_released() -> None:
    decision = _decide(_lost())
    assert isinstance(decision.judgement.action, Release)
    assert [check.held for check in decision.checks if check.name == "noticed"] == [True]


@pytest.mark.parametrize(
    "file",
    [
        None,
        replace(_FILE, confirmation=None),
        replace(_FILE, void="It spoke."),
        replace(_FILE, confirmation=replace(_SAID, storage=((_RBD, "rook-ceph"),))),
        replace(_FILE, confirmation=replace(_SAID, heartbeat="another")),
    ],
    ids=["no file", "nothing confirmed", "void", "only its storage", "heard since"],
)
@pytest.mark.parametrize("now", [_NOW, DUE + 9000.0])
def test_without_it_nothing_is_done_however_long_that_lasts(file: Fencing | None, now: float) -> None:
    decision = decide(_lost(file=file), _record(), Policy(same_storage=(("rook-ceph", "rook-ceph"),)), now)
    assert (decision.judgement.reason, decision.judgement.action) == ("not-noticed", None)
    assert "has been silent since 06:13:20Z; Kubernetes has not noticed yet" in decision.judgement.sentence


def test_proof_of_storage_says_why_it_is_not_enough_yet() -> None:
    decision = _decide(_lost(file=replace(_FILE, confirmation=replace(_SAID, storage=((_RBD, "rook-ceph"),)))))
    (sentence,) = [check.sentence for check in decision.checks if check.name == "proof"]
    assert "is fenced, which is not enough before Kubernetes notices" in sentence


@pytest.mark.parametrize(
    ("taints", "tolerations", "reason"),
    [
        ((_AWAY,), [], "force-deleted"),
        ((), [], "could-be-put-back"),
        ((Taint("example.com/slow", "", "PreferNoSchedule"),), [], "could-be-put-back"),
        ((_AWAY,), [{"operator": "Exists"}], "could-be-put-back"),
        ((_AWAY,), [{"key": OUT_OF_SERVICE, "operator": "Exists", "effect": "NoSchedule"}], "could-be-put-back"),
        ((_AWAY,), [{"key": OUT_OF_SERVICE, "operator": "Exists", "effect": "NoExecute"}], "force-deleted"),
        ((_AWAY, Taint("example.com/mine", "", "NoSchedule")), [{"key": OUT_OF_SERVICE, "operator": "Exists"}], ""),
    ],
)
def test_a_vm_that_the_scheduler_could_put_back_there_is_not_released_while_the_node_looks_ready(
    taints: tuple[Taint, ...], tolerations: list[dict[str, str]], reason: str
) -> None:
    template = {**vm_of(_STUCK).template, "tolerations": tolerations}
    vm = replace(vm_of(_STUCK), template=template)
    decision = _decide(_lost(replace(_READY, taints=taints), vm=vm))
    assert decision.judgement.reason == (reason or "force-deleted")
    noticed = _decide(_lost(replace(_UNKNOWN, taints=taints), vm=vm))
    assert noticed.judgement.reason == "force-deleted"


def test_a_node_that_is_heard_before_kubernetes_notices_is_back() -> None:
    decision = _decide(_lost(_READY.with_lease("2026-11-23T06:13:30.000001Z")))
    assert decision.judgement.action is None
    assert decision.judgement.reason in {"node-returned", "returning", "not-running-again"}


@pytest.mark.parametrize("ahead", [0.0, 7.0, -7.0, None])
def test_the_window_counts_from_the_notice_whatever_clock_wrote_it(ahead: float | None) -> None:
    seen_at = SINCE + 3.0
    noticed = with_notice(_record(), _UNKNOWN, seen_at)
    end = (seen_at if ahead is None else SINCE - ahead) + 300.0
    verdict = window(noticed, Manager(SINCE + 100.0, 0.0, ahead), Policy(), end - 0.1)
    assert isinstance(verdict, Judgement)
    assert verdict.again_at == end
    assert isinstance(window(noticed, Manager(SINCE + 100.0, 0.0, ahead), Policy(), end), Passed)


def test_the_notice_is_recorded_once() -> None:
    noticed = with_notice(_record(), _UNKNOWN, SINCE + 3.0)
    assert (noticed.drift.outage.noticed, noticed.noticed_at) == (SINCE, SINCE + 3.0)
    assert with_notice(noticed, _UNKNOWN, SINCE + 99.0) == noticed
    assert with_notice(record(), node_of(_STUCK), SINCE + 3.0) == record()


def test_among_all_nodes_one_that_kubernetes_has_not_noticed_is_lost() -> None:
    nodes = tuple(replace(_READY, renewed=0.0) if node.name == "node-a" else node for node in _STUCK.nodes)
    renewals, cache = {**_STUCK.renewals, "node-a": _READY.renewed}, Surroundings(lambda: 0.0)
    marked = with_unnoticed(nodes, renewals, {"node-a": _FILE}, cache)
    assert [node.name for node in marked if node.lost] == ["node-a"]
    assert with_unnoticed(nodes, renewals, {"node-a": _FILE}, cache) is marked
    assert with_unnoticed(nodes, {**renewals, "node-a": _READY.renewed + 10.0}, {"node-a": _FILE}, cache) is nodes
    assert with_unnoticed(nodes, renewals, {}, cache) is nodes
