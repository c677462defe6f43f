"""What a proof of death is worth for one VM, and what it takes the place of. On recorded objects."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy, Proof, Record
from reactor.model.fencing import ChosenRelease, Confirmation, Fencing, ReleaseWay
from reactor.model.node import OUT_OF_SERVICE, Taint
from tests.unit.workers.decide.recorded import (
    POWER_CUT,
    RELEASED,
    SINCE,
    launcher,
    node_of,
    outage,
    record,
    seen,
    signs,
    vm_of,
)
from workers.decide import decide
from workers.decide.decision import Decision, Detach
from workers.decide.decision import Release as Force
from workers.decide.observation import Observation
from workers.decide.proof import confirmed, proven
from workers.decide.quick_look import undisturbed
from workers.decide.volumes import volumes

_NOW = SINCE + 10.0  # ten seconds of five minutes; nothing is Terminating yet
_STUCK = seen("vm-rbd")
_BOOT = "boot-of-node-a"
_SAID = Confirmation("redfish", "bmc-a", "It reads Off.", SINCE + 5.0, signs().lease, node_of(_STUCK).heartbeat)
_FILE = Fencing(outage(), _BOOT, float(SINCE), confirmation=_SAID)
_AT_ONCE = replace(_FILE, release=ChosenRelease(ReleaseWay.FORCE_DELETE, "At once.", float(SINCE)))
_RBD = "rook-ceph.rbd.csi.ceph.com"


def _lost(name: str = "vm-rbd", file: Fencing | None = _AT_ONCE, **more: Any) -> Observation:
    """The recorded VM on a node that is proven dead, with a launcher that nobody has asked to end."""
    before = seen(name)
    pods = tuple(replace(pod, terminating=False) for pod in before.launchers)
    node = replace(node_of(before), boot=_BOOT)
    lease = _SAID.lease
    return replace(before, **{"node": node, "lease": lease, "launchers": pods, "fencing": file, "renewals": {}, **more})


def _decide(view: Observation, policy: Policy | None = None, known: Record | None = None) -> Decision:
    return decide(view, known or record("vm-rbd", signs=signs(since=_NOW)), policy or Policy(), _NOW)


def _check(decision: Decision, name: str) -> tuple[bool, str]:
    return next((check.held, check.sentence) for check in decision.checks if check.name == name)


def test_with_proof_neither_window_nor_silence_nor_quorum_nor_eviction_is_waited_for() -> None:
    decision = _decide(_lost())
    assert isinstance(decision.judgement.action, Force)
    assert [pod.name for pod in decision.judgement.action.pods] == [launcher("vm-rbd").name]
    waived = [check.name for check in decision.checks if "Not waited for" in check.sentence]
    assert waived == ["window", "signs of life", "quorum", "launcher"]
    assert (decision.proof, decision.weighed) == (Proof.FENCED, _SAID.at)


def test_it_is_told_who_said_so_when_and_how_it_was_verified() -> None:
    assert _check(_decide(_lost()), "proof") == (True, "Fenced: redfish, by bmc-a at 06:13:50Z: It reads Off.")


@pytest.mark.parametrize(
    "file",
    [
        None,
        replace(_FILE, confirmation=None),
        replace(_FILE, void="It spoke."),
        replace(_FILE, boot="another"),
        replace(_FILE, outage=replace(outage(), node=replace(outage().node, uid="another"))),
        replace(_FILE, outage=replace(outage(), node=replace(outage().node, name="another"))),
    ],
    ids=["no file", "nothing confirmed", "void", "another boot", "another incarnation", "another node"],
)
def test_without_a_proof_of_this_very_boot_the_window_counts(file: Fencing | None) -> None:
    decision = _decide(_lost(file=file))
    assert (decision.judgement.reason, decision.judgement.action) == ("unreachable-window", None)
    assert decision.proof is Proof.NONE


def test_a_node_that_tells_no_boot_is_proven_by_nothing() -> None:
    view = _lost(file=replace(_FILE, boot=""))
    assert confirmed(view.fencing, replace(node_of(view), boot="")) is None


@pytest.mark.parametrize("change", ["lease", "heartbeat"])
def test_a_sign_of_life_after_it_puts_it_in_doubt(change: str) -> None:
    view = _lost()
    if change == "lease":
        view = replace(view, lease="just now")
    else:
        view = replace(view, node=replace(node_of(view), heartbeat="just now"))
    decision = _decide(view)
    assert decision.judgement.reason == "unreachable-window"
    assert _check(decision, "proof")[1].startswith("In doubt: ")


@pytest.mark.parametrize(
    ("vm", "storage", "policy", "proof"),
    [
        ("vm-rbd", ((_RBD, "rook-ceph"),), Policy(), Proof.FENCED),
        ("vm-rbd", (("another.csi", "rook-ceph"),), Policy(), Proof.NONE),
        ("vm-rbd", ((_RBD, "rook-edge"),), Policy(), Proof.NONE),
        ("vm-rbd", ((_RBD, ""),), Policy(), Proof.NONE),
        ("vm-rbd", ((_RBD, "rook-edge"),), Policy(same_storage=(("rook-edge", "rook-ceph"),)), Proof.FENCED),
        ("vm-rbd", ((_RBD, "rook-edge"),), Policy(same_storage=(("rook-edge", "another"),)), Proof.NONE),
        ("vm-cd", ((_RBD, "rook-ceph"),), Policy(), Proof.NONE),
        ("vm-cd", (), Policy(), Proof.FENCED),
    ],
)
def test_where_only_storage_is_blocked_it_proves_something_for_vms_on_that_storage(
    vm: str, storage: tuple[tuple[str, str], ...], policy: Policy, proof: Proof
) -> None:
    file = replace(_FILE, confirmation=replace(_SAID, storage=storage))
    assert decide(_lost(vm, file), record(vm), policy, _NOW).proof is proof


def test_what_a_fence_of_storage_says_nothing_of_is_named() -> None:
    file = replace(_FILE, confirmation=replace(_SAID, storage=((_RBD, "rook-edge"),)))
    known = decide(_lost(file=file), record("vm-rbd"), Policy(), _NOW)
    assert f"Only {_RBD} of rook-edge is fenced, and not claim " in _check(known, "proof")[1]
    assert f"({_RBD}, storage cluster rook-ceph)" in _check(known, "proof")[1]
    unknown = tuple(replace(volume, cluster="") for volume in _STUCK.volumes)
    known = decide(_lost(file=file, volumes=unknown), record("vm-rbd"), Policy(), _NOW)
    assert f"({_RBD}, of a storage cluster that is not known)" in _check(known, "proof")[1]


def test_it_lifts_what_nothing_else_guards() -> None:
    shared = tuple(replace(volume, modes=("ReadWriteMany",)) for volume in _STUCK.volumes)
    assert _decide(_lost(volumes=shared)).judgement.reason == "force-deleted"
    late = decide(_lost(file=None, volumes=shared, renewals=_STUCK.renewals), record("vm-rbd"), Policy(), SINCE + 900.0)
    assert late.judgement.reason == "shared-volume-not-fenced"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"vm": replace(vm_of(_STUCK), run_strategy="Manual")}, "run-strategy"),
        ({"vm": replace(vm_of(_STUCK), template={"nodeSelector": {"a": "b"}})}, "pinned-to-node"),
        (
            {"volumes": tuple(replace(volume, driver="disk.hwameistor.io") for volume in _STUCK.volumes)},
            "node-local-volume",
        ),
        ({"namespace": {"vmdrift.io/policy": "never"}}, "policy-never"),
        ({"holds": ("Held by ann.",)}, "held"),
        ({"node": replace(node_of(_STUCK), boot=_BOOT, ready="True")}, "returning"),
    ],
)
def test_whatever_does_not_hang_on_it_holds_all_the_same(change: dict[str, Any], reason: str) -> None:
    assert _decide(_lost(**change)).judgement.reason == reason


@pytest.mark.parametrize(
    ("policy", "change", "asking"),
    [
        (Policy(require_fence=True), {}, "VMDRIFT_REQUIRE_FENCE"),
        (Policy(), {"namespace": {"vmdrift.io/require-fence": "true"}}, "vmdrift.io/require-fence on its namespace"),
        (Policy(), {"namespace": {"vmdrift.io/require-fence": "perhaps"}}, "vmdrift.io/require-fence on its namespace"),
        (Policy(), {"volumes": tuple(replace(v, fence=True) for v in _STUCK.volumes)}, "StorageClass"),
    ],
)
def test_where_proof_is_asked_for_silence_is_not_enough(policy: Policy, change: dict[str, Any], asking: str) -> None:
    late, view = SINCE + 900.0, replace(_STUCK, **change)
    decision = decide(view, record("vm-rbd"), policy, late)
    assert (decision.judgement.reason, decision.judgement.action) == ("not-fenced", None)
    assert asking in decision.judgement.sentence
    assert "vmdrift confirm-off NODE" in decision.judgement.sentence
    assert _decide(_lost(**change), policy).judgement.reason == "force-deleted"


def test_a_vm_is_spared_with_leave_what_the_installation_asks_for_but_never_what_its_storage_does() -> None:
    waives = {"vmdrift.io/require-fence": "false"}
    policy, late = Policy(require_fence=True, tenants_may=("policy",)), SINCE + 900.0
    view = replace(_STUCK, namespace=waives)
    assert decide(view, record("vm-rbd"), policy, late).judgement.reason == "force-deleted"
    refused = decide(view, record("vm-rbd"), replace(policy, tenants_may=()), late).judgement
    assert refused.reason == "not-fenced"
    assert refused.sentence.startswith("Its namespace's annotation vmdrift.io/require-fence asks for false; ")
    guarded = replace(view, volumes=tuple(replace(volume, fence=True) for volume in view.volumes))
    assert decide(guarded, record("vm-rbd"), policy, late).judgement.reason == "not-fenced"


_OUT = ChosenRelease(ReleaseWay.NO_SCHEDULE, "Out.", _NOW)


def test_it_waits_for_its_node_to_be_put_out_of_service() -> None:
    first = _decide(_lost(file=_FILE))
    assert (first.judgement.reason, first.judgement.action) == ("taint-due", None)
    view = _lost(file=replace(_FILE, release=_OUT))
    assert _decide(view).judgement.reason == "taint-due"
    there = replace(node_of(view), taints=(Taint(OUT_OF_SERVICE, "nodeshutdown", "NoSchedule"),))
    assert _decide(replace(view, node=there)).judgement.reason == "force-deleted"


@pytest.mark.parametrize("chosen", [None, _OUT])
def test_it_does_not_wait_for_a_taint_that_does_not_come(chosen: ChosenRelease | None) -> None:
    waiting = record("vm-rbd", reason="taint-due", changed_at=_NOW - 30.0)
    assert _decide(_lost(file=replace(_FILE, release=chosen)), known=waiting).judgement.reason == "force-deleted"


def test_nor_for_one_that_was_given_up_nor_where_only_storage_is_blocked() -> None:
    given_up = replace(_FILE, release=replace(_OUT, way=ReleaseWay.FORCE_DELETE))
    assert _decide(_lost(file=given_up)).judgement.reason == "force-deleted"
    volumes_of = _lost().volumes
    storage = tuple((volume.driver, volume.cluster) for volume in volumes_of if volume.claim)
    partly = replace(_FILE, confirmation=replace(_SAID, storage=storage))
    assert _decide(_lost(file=partly)).judgement.reason == "force-deleted"


def test_who_only_observes_says_what_would_be_done_and_waits_for_no_taint() -> None:
    decision = _decide(_lost(), Policy(mode="observe"))
    assert decision.judgement.reason == "observe-only"


def test_the_attachments_of_a_dead_node_are_deleted_at_once() -> None:
    left = seen("vm-rbd", RELEASED)
    node = replace(node_of(left), boot=_BOOT)
    file = replace(_FILE, confirmation=replace(_SAID, heartbeat=node.heartbeat, lease=left.lease or ""))
    known = record("vm-rbd", phase=Phase.RELEASED, reason="force-deleted", released_at=POWER_CUT + 544.3)
    decision = decide(replace(left, node=node, fencing=file), known, Policy(), POWER_CUT + RELEASED)
    assert isinstance(decision.judgement.action, Detach)
    assert "the node is proven dead" in decision.judgement.sentence


def test_while_a_taint_works_kubernetes_detaches_and_after_it_we_do() -> None:
    left, now = seen("vm-rbd", RELEASED), POWER_CUT + RELEASED
    view = replace(left, fencing=replace(_FILE, release=replace(_OUT, at=now - 500.0)))
    early = volumes(view, Policy(), now, now + 29.0, proven=True)
    assert getattr(early, "reason", "") == "detached-by-taint"
    late = volumes(view, Policy(), now, now + 30.0, proven=True)
    assert getattr(late, "reason", "") == "volumeattachment-deleted"


def test_proof_ends_the_six_minutes() -> None:
    left = seen("vm-rbd", RELEASED)
    waiting = record("vm-rbd", phase=Phase.DETACHING, reason="detach-window", released_at=POWER_CUT + 544.3)
    view = Observation(replace(node_of(left), boot=_BOOT), left.vm, None, fencing=_FILE)
    assert undisturbed(view, waiting, Policy(), POWER_CUT + RELEASED) is None
    assert undisturbed(replace(view, fencing=None), waiting, Policy(), POWER_CUT + RELEASED)


def test_nodes_that_are_proven_dead_do_not_count_as_too_many() -> None:
    lost = tuple(replace(node, ready="Unknown") for node in _STUCK.nodes)
    late = SINCE + 900.0
    crowded = replace(_STUCK, nodes=lost)
    assert decide(crowded, record("vm-rbd"), Policy(), late).judgement.reason == "too-many-nodes-lost"
    known = frozenset(node.name for node in lost if node.name != "node-a")
    assert (
        decide(replace(crowded, proven=known), record("vm-rbd"), Policy(), late).judgement.reason
        != "too-many-nodes-lost"
    )


@pytest.mark.parametrize(
    ("beat", "boot", "counts"), [("as then", _BOOT, True), ("a newer one", _BOOT, False), ("as then", "boot-2", False)]
)
def test_a_node_that_was_heard_since_is_a_riddle_again(beat: str, boot: str, counts: bool) -> None:
    node = replace(node_of(_STUCK), boot=boot, heartbeat=beat)
    told = replace(_FILE, confirmation=replace(_SAID, heartbeat="as then"))
    assert proven({node.name: told}, [node]) == (frozenset({node.name}) if counts else frozenset())


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"ready_since": SINCE + 1000.0}, False),
        ({"ready": "False"}, False),
        ({"boot": "boot-2"}, False),
        ({"boot": ""}, False),
        ({"uid": "another"}, False),
    ],
    ids=["this", "another outage", "it reports itself", "another boot", "a boot that is not known", "another node"],
)
def test_a_proof_is_of_one_boot_in_one_outage(change: dict[str, Any], counts: bool) -> None:
    node = replace(node_of(_STUCK), boot=_BOOT)
    assert (confirmed(_FILE, replace(node, **change)) is not None) is counts
