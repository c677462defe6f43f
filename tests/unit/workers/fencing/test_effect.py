"""What a fence may do to whom, and why it is not asked for."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy, Proof
from reactor.model.fencing import Attempt
from reactor.model.node import NodeView
from tests.unit.workers.fencing.views import FILE, NOBODY, NODE, NOW, POLICY, seen
from workers.decide.decision import Decision, Judgement, Release
from workers.decide.observation import Observation
from workers.fencing.decide import next_move
from workers.fencing.decide.effect import Effect, VmEffect, ceph_at_risk, namespace_vetoes, never, refused, vm_effect
from workers.fencing.decide.view import AskProvider

_WEB = Effect(releases=("default/web",))
_WITH = replace(_WEB, bystanders=(("default/licence", "pinned-to-node"),))
_REFUSE = replace(POLICY, fence_bystanders="refuse")
_ASKED = replace(FILE, attempts=(Attempt("redfish", NOW - 10),))


@pytest.mark.parametrize(
    ("effect", "provider", "policy", "why"),
    [
        (_WEB, "redfish", POLICY, ""),
        (_WITH, "redfish", POLICY, ""),
        (Effect(), "redfish", POLICY, "no VM would be released by it."),
        (replace(_WEB, vetoes=("Held by ann.",)), "redfish", POLICY, "Held by ann."),
        (replace(_WEB, power="Ceph."), "redfish", POLICY, "Ceph."),
        (replace(_WEB, power="Ceph."), "remediation", POLICY, "Ceph."),
        (replace(_WEB, power="Ceph."), "network-fence", POLICY, ""),
        (
            _WITH,
            "redfish",
            _REFUSE,
            "VMDRIFT_FENCE_BYSTANDERS is refuse, and it would stop default/licence (pinned-to-node).",
        ),
        (
            replace(_WITH, releases=()),
            "redfish",
            POLICY,
            "no VM would be released by it; not moved: default/licence (pinned-to-node).",
        ),
    ],
)
def test_a_fence_is_asked_for_only_where_it_releases_a_vm_against_nobodys_word(
    effect: Effect, provider: str, policy: Policy, why: str
) -> None:
    assert refused(effect, provider, policy) == why


@pytest.mark.parametrize(
    ("fate", "stays"),
    [
        (VmEffect(Phase.RELEASED, "force-deleted", moves=True), False),
        (VmEffect(Phase.REFUSED, "policy-never"), True),
        (VmEffect(Phase.BLOCKED, "observe-only"), True),
        (VmEffect(Phase.WAITING, "unreachable-window"), True),
        (VmEffect(Phase.CANCELLED, "cancelled-by-hand"), True),
        (VmEffect(Phase.CANCELLED, "vm-stopped"), False),
        (VmEffect(Phase.CANCELLED, "not-on-node"), False),
        (VmEffect(Phase.STARTING, "waiting-for-running"), False),
        (VmEffect(Phase.WAITING, "unreachable-window", hit=False), False),
    ],
)
def test_who_would_be_stopped_and_stay_down_is_a_bystander(fate: VmEffect, *, stays: bool) -> None:
    assert fate.stays is stays


@pytest.mark.parametrize(("word", "count"), [("auto", 0), ("never", 1), ("observe", 1), ("Never!", 1)])
def test_a_namespaces_word_is_the_administrators(word: str, count: int) -> None:
    assert len(namespace_vetoes({"shop": {"vmdrift.io/policy": word}, "office": {}})) == count


@pytest.mark.parametrize(
    ("change", "policy", "part"),
    [
        ({}, POLICY, ""),
        ({}, replace(POLICY, mode="observe"), "policy is observe"),
        ({"policy": "auto"}, POLICY, ""),
        ({"policy": "never"}, POLICY, "on the node is never"),
        ({"labels": {"node-role.kubernetes.io/control-plane": ""}}, POLICY, "VMDRIFT_FENCE_CONTROL_PLANE"),
        ({"labels": {"node-role.kubernetes.io/master": "true"}}, POLICY, "VMDRIFT_FENCE_CONTROL_PLANE"),
        ({"labels": {"node-role.kubernetes.io/worker": ""}}, POLICY, ""),
        ({"labels": {"node-role.kubernetes.io/master": ""}}, replace(POLICY, fence_control_plane=True), ""),
    ],
)
def test_a_node_is_never_fenced_that(change: dict[str, Any], policy: Policy, part: str) -> None:
    why = never(replace(NODE, **change), policy)
    assert (part in why) if part else (why == "")


def _node(name: str, ready: str = "True") -> NodeView:
    return NodeView(name, f"uid-{name}", ready, 0.0)


@pytest.mark.parametrize(
    ("hosts", "down"),
    [
        ([], False),
        (["node-a"], False),
        (["node-a", "node-b"], False),
        (["node-c"], True),
        (["node-d"], True),
        (["deleted"], True),
    ],
)
def test_no_power_is_cut_while_another_host_of_ceph_is_not_ready(hosts: list[str], *, down: bool) -> None:
    nodes = [_node("node-a", "Unknown"), _node("node-b"), _node("node-c", "False"), _node("node-d", "Unknown")]
    assert bool(ceph_at_risk(hosts, nodes, "node-a")) is down


def test_whom_it_is_for_and_whom_it_stops_stand_in_the_file_before_anybody_is_asked() -> None:
    move = next_move(seen(effects={"redfish": _WITH}), FILE, POLICY, NOW)
    assert move.file
    assert (move.deed, move.file.releases, move.file.bystanders) == (
        AskProvider("redfish"),
        _WITH.releases,
        _WITH.bystanders,
    )
    assert move.file.summary == (
        "redfish is asked to fence it, for default/web. "
        "Stopped with it, and not moved: default/licence (pinned-to-node)."
    )


def test_who_would_release_nothing_is_passed_over_and_the_next_is_asked() -> None:
    view = seen(standings={"network-fence": NOBODY, "redfish": NOBODY}, effects={"network-fence": Effect()})
    assert next_move(view, FILE, POLICY, NOW).deed == AskProvider("redfish")
    both = replace(view, effects={"network-fence": Effect(), "redfish": replace(_WEB, vetoes=("Held by ann.",))})
    move = next_move(both, FILE, POLICY, NOW)
    assert move.file
    assert (move.deed, move.file.attempts, move.file.reason) == (None, (), "fence-waits")
    assert move.file.sentence == (
        "It is not fenced by network-fence: no VM would be released by it. It is not fenced by redfish: Held by ann."
    )


def test_one_that_was_asked_is_not_asked_again_against_what_was_said_since() -> None:
    move = next_move(seen(effects={"redfish": replace(_WEB, vetoes=("Held by ann.",))}), _ASKED, POLICY, NOW)
    assert move.file
    assert (move.deed, move.file.reason, move.file.attempts) == (None, "fence-waits", _ASKED.attempts)


def test_a_file_is_read_as_it_was_written() -> None:
    file = replace(FILE, releases=_WITH.releases, bystanders=_WITH.bystanders)
    assert type(file).of(file.as_text()) == file


@pytest.mark.parametrize(("proof", "moves"), [(Proof.FENCED, True), (Proof.SILENT, False), (Proof.NONE, False)])
def test_a_vm_that_is_released_without_the_proof_needs_no_fence(proof: Proof, *, moves: bool) -> None:
    release = Judgement("force-deleted", "Force deleting.", action=Release(()))
    found = vm_effect(Decision(release, (), None, proof=proof), Observation(None, None, None), ())
    assert (found.moves, found.stays) == (moves, False)
