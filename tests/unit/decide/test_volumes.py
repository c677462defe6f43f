"""After the release: what holds the volumes, and when is the VM where it should be? On recorded objects."""

from dataclasses import replace

import pytest

from reactor.model.drift import Policy
from tests.unit.decide.recorded import (
    POWER_CUT,
    READY,
    RELEASED,
    RUNNING,
    held,
    node,
    objects,
    seen,
    vmi_of,
    volume,
)
from workers.decide.decision import Detach, Held, Judgement
from workers.decide.ending import ending
from workers.decide.observation import Observation
from workers.decide.volumes import volumes

_GONE = POWER_CUT + 544.3  # when the launchers were force-deleted
_WAIT, _DELETE = Policy(), Policy(detach="delete")
_SEEN, _RUNNING = seen("vm-rbd", RELEASED), seen("vm-rbd", RUNNING)


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
    assert isinstance(volumes(seen("vm-cd", RELEASED), _WAIT, _GONE, _GONE), Held)


@pytest.mark.parametrize("after", [0.0, 100.0, 359.9])
def test_within_the_six_minutes_the_next_look_is_at_their_end(after: float) -> None:
    judged = _judged(_SEEN, _WAIT, _GONE + after)
    assert (judged.reason, judged.again_at, judged.action) == ("detach-window", _GONE + 360.0, None)
    assert "run1-rbd-disk" in judged.sentence


def test_the_forced_detach_may_take_a_moment() -> None:
    judged = _judged(_SEEN, _WAIT, _GONE + 360.0)
    assert (judged.reason, judged.again_at, judged.action) == ("detach-window", None, None)


def test_a_volume_that_is_still_held_long_after_is_named_with_the_exact_command() -> None:
    judged = _judged(_SEEN, _WAIT, _GONE + 400.0)
    assert (judged.reason, judged.again_at, judged.action) == ("still-attached", None, None)
    assert f"kubectl delete volumeattachment {held().name}" in judged.sentence


def test_delete_frees_the_volume_at_once_and_says_that_it_is_unfenced() -> None:
    judged = _judged(_SEEN, _DELETE, _GONE)
    assert judged.action == Detach((held(),))
    assert judged.reason == "volumeattachment-deleted"
    assert "unfenced" in judged.sentence


def test_an_attachment_that_is_being_deleted_already_is_not_deleted_again() -> None:
    going = replace(held(), deleting=True)
    other = replace(held(), name="csi-other", volume="other")
    both = tuple(replace(volume(), held=attachment) for attachment in (going, other))
    assert _judged(replace(_SEEN, volumes=both), _DELETE, _GONE).action == Detach((other,))
    waiting = _judged(replace(_SEEN, volumes=both[:1]), _DELETE, _GONE)
    assert (waiting.reason, waiting.action) == ("volumeattachment-deleted", None)


def _ending(observation: Observation) -> str:
    return ending(observation, observation.vmi).reason


def test_without_a_new_instance_the_replacement_is_awaited() -> None:
    assert ending(_RUNNING, None).reason == "waiting-for-replacement"


def test_a_new_instance_without_a_launcher_or_with_one_that_has_no_node_is_on_its_way() -> None:
    unplaced = replace(_RUNNING.launchers[0], node="")
    assert _ending(replace(_RUNNING, launchers=())) == "waiting-for-running"
    assert _ending(replace(_RUNNING, launchers=(unplaced,))) == "waiting-for-running"


def test_the_schedulers_own_words_are_told_for_the_recorded_pinned_vm() -> None:
    pinned = seen("vm-pin", RELEASED)
    told = ending(pinned, pinned.vmi)
    assert told.reason == "unschedulable"
    assert "0/8 nodes are available" in told.sentence


def test_every_volume_must_be_attached_where_the_vm_is() -> None:
    (found,) = _RUNNING.volumes
    assert found.attached is not None
    assert _ending(replace(_RUNNING, volumes=(replace(found, attached=None),))) == "waiting-for-volume"
    pending = replace(found, attached=replace(found.attached, attached=False))
    assert _ending(replace(_RUNNING, volumes=(pending,))) == "waiting-for-volume"


@pytest.mark.parametrize("phase", ["", "Pending", "Scheduling", "Scheduled", "Failed", "Succeeded", "WaitingForSync"])
def test_an_instance_that_is_not_running_yet_is_awaited(phase: str) -> None:
    assert _ending(replace(_RUNNING, vmi=replace(vmi_of(_RUNNING), phase=phase))) == "waiting-for-running"


def test_an_instance_that_still_names_another_node_is_awaited() -> None:
    assert _ending(replace(_RUNNING, vmi=replace(vmi_of(_RUNNING), node="node-a"))) == "waiting-for-running"


@pytest.mark.parametrize("ready", ["False", "Unknown", ""])
def test_running_on_a_node_that_is_not_ready_is_no_end(ready: str) -> None:
    assert _ending(replace(_RUNNING, target=replace(node(name="node-b"), ready=ready))) == "waiting-for-running"
    assert _ending(replace(_RUNNING, target=None)) == "waiting-for-running"


def test_running_on_a_ready_node_with_every_volume_is_the_end() -> None:
    told = ending(_RUNNING, _RUNNING.vmi)
    assert told == Judgement("running-elsewhere", "It runs on node-b.")
