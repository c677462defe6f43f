"""After the release: what holds the volumes on the lost node, and what frees them? On recorded objects."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy
from reactor.model.fencing import Confirmation, Fencing
from tests.unit.workers.decide.recorded import (
    POWER_CUT,
    READY,
    RELEASED,
    RUNNING,
    held,
    launcher,
    node_of,
    objects,
    outage,
    record,
    seen,
    volume,
)
from workers.decide import decide
from workers.decide.decision import Detach, Judgement, Passed, Remove
from workers.decide.observation import Manager, Observation
from workers.decide.volumes import in_use, volumes

_GONE = POWER_CUT + 544.3  # when the launchers were force-deleted
_WAIT, _DELETE = Policy(), Policy(detach="delete")
_SEEN = seen("vm-rbd", RELEASED)


def _judged(observation: Observation, policy: Policy, now: float) -> Judgement:
    verdict = volumes(observation, policy, _GONE, now)
    assert isinstance(verdict, Judgement)
    return verdict


@pytest.mark.parametrize("vm", ["vm-rbd", "vm-rbdfs", "vm-hp"])
def test_the_names_of_attachments_are_reckoned_as_kubernetes_reckons_them(vm: str) -> None:
    recorded = {name for _, name in objects(READY)["volumeattachments"]}
    moved = {name for _, name in objects(RUNNING)["volumeattachments"]}
    before, after = volume(vm, RELEASED).held, volume(vm, RUNNING).attached
    assert before is not None
    assert after is not None
    assert before.name in recorded
    assert before.node == "node-a"
    assert after.name in moved - recorded
    assert volume(vm, RUNNING).held is None


def test_a_vm_without_claims_is_held_by_nothing() -> None:
    assert isinstance(volumes(seen("vm-cd", RELEASED), _WAIT, _GONE, _GONE), Passed)


@pytest.mark.parametrize(("after", "again"), [(0.0, 60.0), (100.0, 160.0), (310.0, 362.0), (359.9, 362.0)])
def test_within_the_six_minutes_there_is_a_look_every_minute_and_one_at_their_end(after: float, again: float) -> None:
    judged = _judged(_SEEN, _WAIT, _GONE + after)
    assert (judged.reason, judged.again_at, judged.action) == ("detach-window", _GONE + again, None)
    assert "run1-rbd-disk" in judged.sentence


def test_the_forced_detach_may_take_a_moment() -> None:
    judged = _judged(_SEEN, _WAIT, _GONE + 360.0)
    assert (judged.reason, judged.again_at, judged.action) == ("detach-window", _GONE + 362.0, None)


def test_a_volume_that_is_still_held_long_after_is_named_and_so_is_its_attachment() -> None:
    judged = _judged(_SEEN, _WAIT, _GONE + 400.0)
    assert (judged.reason, judged.again_at, judged.action) == ("still-attached", None, None)
    assert f"VolumeAttachment {held().name} is not deleted" in judged.sentence


@pytest.mark.parametrize(
    ("named", "bound"), [(False, True), (True, False)], ids=["only a pod names it", "of another claim"]
)
@pytest.mark.parametrize("proven", [True, False])
def test_nothing_is_deleted_for_a_volume_that_is_not_known_to_be_the_vms(
    named: bool, bound: bool, proven: bool
) -> None:
    strange = replace(_SEEN, volumes=tuple(replace(one, named=named, bound=bound) for one in _SEEN.volumes))
    judged = volumes(strange, _DELETE, _GONE, _GONE, proven=proven)
    assert isinstance(judged, Judgement)
    assert (judged.reason, judged.action) == ("detach-window", None)


def test_what_is_the_vms_is_freed_at_once_beside_what_is_not() -> None:
    (mine,) = (one for one in _SEEN.volumes if one.held)
    both = replace(_SEEN, volumes=(replace(mine, named=False, held=replace(held(), name="strange")), mine))
    assert _judged(both, _DELETE, _GONE).action == Detach((held(),))


def test_delete_frees_the_volume_at_once_and_says_that_it_is_unfenced() -> None:
    judged = _judged(_SEEN, _DELETE, _GONE)
    assert judged.action == Detach((held(),))
    assert judged.reason == "volumeattachment-deleted"
    assert "unfenced" in judged.sentence


def test_an_attachment_that_is_being_deleted_already_is_not_deleted_again() -> None:
    going = replace(held(), deleted_at=_GONE - 1.0)
    other = replace(held(), name="csi-other", volume="other")
    both = tuple(replace(volume(), held=attachment) for attachment in (going, other))
    assert _judged(replace(_SEEN, volumes=both), _DELETE, _GONE).action == Detach((other,))
    waiting = _judged(replace(_SEEN, volumes=both[:1]), _DELETE, _GONE)
    assert (waiting.reason, waiting.action) == ("volumeattachment-deleted", None)


def _holding(**change: object) -> Observation:
    """What the lost node still holds, with changes of the volume."""
    return replace(_SEEN, volumes=(replace(volume("vm-rbd", RELEASED), **change),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"modes": ("ReadWriteMany",)},
        {"modes": ("ReadWriteOnce", "ReadOnlyMany")},
        {"modes": ("ReadOnlyMany",)},
        {"attaches": False},
        {"held": None},
    ],
)
@pytest.mark.parametrize("policy", [_WAIT, _DELETE])
def test_only_what_keeps_every_other_node_out_is_waited_for_or_deleted(
    change: dict[str, object], policy: Policy
) -> None:
    assert isinstance(volumes(_holding(**change), policy, _GONE, _GONE), Passed)


def test_a_volume_for_one_pod_only_is_waited_for_too() -> None:
    assert _judged(_holding(modes=("ReadWriteOncePod",)), _WAIT, _GONE).reason == "detach-window"


@pytest.mark.parametrize("policy", [_WAIT, _DELETE])
@pytest.mark.parametrize("now", [_GONE, _GONE + 400.0])
def test_a_claim_that_another_pod_on_the_lost_node_uses_is_not_freed_but_told(policy: Policy, now: float) -> None:
    judged = _judged(_holding(users=("exporter", "backup")), policy, now)
    assert (judged.reason, judged.action) == ("claim-used-by-pod", None)
    assert "Pod exporter, backup" in judged.sentence
    assert "rbd-disk" in judged.sentence


_NEW_LEADER = Manager(_GONE + 120.0, acquired=_GONE + 100.0, ahead=0.0)


@pytest.mark.parametrize(
    ("manager", "due"),
    [
        (None, _GONE + 360.0),
        (replace(_NEW_LEADER, acquired=_GONE - 5000.0), _GONE + 360.0),
        (_NEW_LEADER, _GONE + 460.0),
        (replace(_NEW_LEADER, ahead=7.0), _GONE + 453.0),
        (replace(_NEW_LEADER, ahead=-7.0), _GONE + 467.0),
        (replace(_NEW_LEADER, acquired=_GONE + 86400.0, ahead=None), _GONE + 360.0),
    ],
    ids=["unknown", "the same leader", "a new leader", "ahead", "behind", "not believed"],
)
def test_a_new_leader_of_the_controller_managers_counts_its_six_minutes_anew(
    manager: Manager | None, due: float
) -> None:
    led = replace(_SEEN, manager=manager)
    early = _judged(led, _WAIT, due - 0.1)
    assert (early.reason, early.again_at) == ("detach-window", due + 2.0)
    assert _judged(led, _WAIT, due).again_at == due + 2.0
    assert _judged(led, _WAIT, due + 29.9).reason == "detach-window"
    assert _judged(led, _WAIT, due + 30.0).reason == "still-attached"


@pytest.mark.parametrize(("hotplugged", "told"), [(True, "06:28:02Z at the latest."), (False, "06:28:02Z.")])
def test_a_hotplugged_volume_may_be_free_earlier_since_its_six_minutes_began_earlier(
    hotplugged: bool, told: str
) -> None:
    assert _judged(_holding(hotplugged=hotplugged), _WAIT, _GONE).sentence.endswith(told)


def test_a_pod_that_used_the_claim_is_what_the_six_minutes_are_counted_from() -> None:
    used = _holding(users=("exporter",))
    assert in_use(used)
    assert not in_use(_SEEN)
    assert not in_use(_holding(users=("exporter",), held=None))
    looker = record("vm-rbd", phase=Phase.RELEASED, reason="force-deleted", released_at=_GONE)
    told = decide(used, looker, _WAIT, _GONE + 500.0)
    assert (told.judgement.reason, told.in_use) == ("claim-used-by-pod", True)
    freed = decide(_SEEN, replace(looker, in_use_at=_GONE + 500.0), _WAIT, _GONE + 530.0)
    assert (freed.judgement.reason, freed.in_use) == ("detach-window", False)
    assert "06:36:22Z" in freed.judgement.sentence


def _kept(deleted_at: float, *finalizers: str) -> Observation:
    return _holding(held=replace(held(), deleted_at=deleted_at, finalizers=finalizers))


@pytest.mark.parametrize(
    ("finalizers", "told"),
    [(("external-attacher/a-driver",), "kept by external-attacher/a-driver"), ((), "kept by nobody knows what")],
)
def test_a_deleted_attachment_that_is_kept_is_told_with_what_keeps_it_and_never_forced(
    finalizers: tuple[str, ...], told: str
) -> None:
    going = _judged(_kept(_GONE, *finalizers), _DELETE, _GONE + 29.9)
    assert (going.reason, going.action) == ("volumeattachment-deleted", None)
    stuck = _judged(_kept(_GONE, *finalizers), _DELETE, _GONE + 30.0)
    assert (stuck.reason, stuck.action) == ("still-attached", None)
    assert told in stuck.sentence


def test_one_that_somebody_else_deleted_is_told_as_kept_once_the_six_minutes_are_over() -> None:
    kept = _kept(_GONE, "external-attacher/a-driver")
    assert _judged(kept, _WAIT, _GONE + 100.0).reason == "detach-window"
    judged = _judged(kept, _WAIT, _GONE + 390.0)
    assert (judged.reason, judged.action) == ("still-attached", None)
    assert "kubectl delete" not in judged.sentence


def test_the_window_is_as_long_as_the_installation_says() -> None:
    assert _judged(_SEEN, Policy(detach_window=20.0), _GONE).again_at == _GONE + 22.0


_FENCED = Fencing(outage(), "boot-1", 1.0, confirmation=Confirmation("redfish", "bmc", "Off.", 1.0, "", ""))
_HELPER = replace(launcher("vm-rbd"), name="backup")


def _dead(*, storage: bool = False, **changes: Any) -> Observation:
    """A volume that a pod uses, on a node that is proven dead; `storage`: only that is blocked."""
    found = _holding(**{"users": ("backup",), "helpers": (_HELPER,), **changes})
    proof = Confirmation("network-fence", "csi", "Blocked.", 1.0, "", "", (("rbd", "ceph"),) if storage else ())
    return replace(found, node=replace(node_of(found), boot="boot-1"), fencing=replace(_FENCED, confirmation=proof))


@pytest.mark.parametrize(
    ("seen_now", "policy", "reason"),
    [
        (_dead(), _WAIT, "dead-pod-deleted"),
        (_dead(), Policy(dead_pods="keep"), "claim-used-by-pod"),
        (_dead(storage=True), _WAIT, "claim-used-by-pod"),
        (_dead(helpers=()), _WAIT, "claim-used-by-pod"),
        (
            _dead(helpers=(replace(_HELPER, terminating=True, forced=True, finalizers=("a",)),)),
            _WAIT,
            "claim-used-by-pod",
        ),
    ],
    ids=["dead", "kept by the setting", "only storage is blocked", "another VM's launcher", "kept by a finalizer"],
)
def test_a_pod_that_is_dead_with_its_node_is_removed(seen_now: Observation, policy: Policy, reason: str) -> None:
    verdict = volumes(seen_now, policy, _GONE, _GONE + 1.0, proven=True)
    assert isinstance(verdict, Judgement)
    assert (verdict.reason, verdict.action) == (reason, Remove((_HELPER,)) if reason == "dead-pod-deleted" else None)


def test_without_proof_it_is_not_and_with_proof_the_taint_is_offered() -> None:
    waits = volumes(_dead(), _WAIT, _GONE, _GONE + 1.0)
    kept = volumes(_dead(), Policy(dead_pods="keep"), _GONE, _GONE + 1.0, proven=True)
    assert isinstance(waits, Judgement)
    assert isinstance(kept, Judgement)
    assert (waits.reason, waits.action) == ("claim-used-by-pod", None)
    assert ("vmdrift taint" in waits.sentence, "`vmdrift taint node-a`" in kept.sentence) == (False, True)
