"""When is the VM where it should be, and when has it failed to get there? On recorded objects."""

from dataclasses import replace
from typing import Any

import pytest

from reactor.model.drift import Phase, Policy, Record
from reactor.model.identity import INSTANCE, Drift, VmRef
from tests.unit.workers.decide.recorded import POWER_CUT, RELEASED, RUNNING, node, outage, record, seen, vm_of, vmi_of
from workers.decide import decide
from workers.decide.decision import Judgement
from workers.decide.ending import ending, late
from workers.decide.observation import Observation, Volume

_RUNNING = seen("vm-rbd", RUNNING)
_NOW, _FREE_AT = POWER_CUT + RUNNING, POWER_CUT + 900.0


def _told(observation: Observation, **changes: Any) -> Judgement:
    return ending(observation, record("vm-rbd", **changes), observation.vmi)


def _ending(observation: Observation) -> str:
    return _told(observation).reason


def _pod(**change: Any) -> Observation:
    return replace(_RUNNING, launchers=(replace(_RUNNING.launchers[0], **change),))


def _vmi(**change: Any) -> Observation:
    return replace(_RUNNING, vmi=replace(vmi_of(_RUNNING), **change))


def test_without_a_new_instance_the_replacement_is_awaited() -> None:
    assert ending(_RUNNING, record("vm-rbd"), None).reason == "waiting-for-replacement"


@pytest.mark.parametrize(("later", "waits"), [(60.0, True), (-60.0, False)], ids=["still", "over"])
def test_kubevirt_backs_off_after_failed_starts_and_until_when_is_told(later: float, waits: bool) -> None:
    vm = replace(vm_of(_RUNNING), retry_at=_FREE_AT + later)
    told = ending(replace(_RUNNING, vm=vm, date=_FREE_AT), record("vm-rbd"), None).sentence
    assert ("not before" in told) is waits


def test_a_new_instance_without_a_launcher_or_with_one_that_has_no_node_is_on_its_way() -> None:
    assert _ending(replace(_RUNNING, launchers=())) == "waiting-for-running"
    assert _ending(_pod(node="")) == "waiting-for-running"
    assert _ending(_pod(hotplug=True)) == "waiting-for-running"
    assert _ending(_pod(vmi_uid="another")) == "waiting-for-running"


def test_the_schedulers_own_words_are_told_for_the_recorded_pinned_vm() -> None:
    pinned = seen("vm-pin", RELEASED)
    told = ending(pinned, record("vm-pin"), pinned.vmi)
    assert told.reason == "unschedulable"
    assert "0/8 nodes are available" in told.sentence


def test_what_a_container_waits_for_is_told() -> None:
    waiting = replace(
        _pod(pending="ImagePullBackOff: no such image"), vmi=replace(vmi_of(_RUNNING), phase="Scheduling")
    )
    assert _told(waiting) == Judgement(
        "waiting-for-running", "The new VM instance is Scheduling on node-b (ImagePullBackOff: no such image)."
    )


def test_every_volume_must_be_attached_where_the_vm_is() -> None:
    (found,) = _RUNNING.volumes
    assert found.attached is not None
    assert _ending(replace(_RUNNING, volumes=(replace(found, attached=None),))) == "waiting-for-volume"
    pending = replace(found, attached=replace(found.attached, attached=False))
    assert _ending(replace(_RUNNING, volumes=(pending,))) == "waiting-for-volume"


def test_a_volume_that_is_never_attached_is_not_waited_for() -> None:
    (found,) = _RUNNING.volumes
    free = (replace(found, attached=None, attaches=False), Volume("cloud", "cloudInitNoCloud"))
    assert _ending(replace(_RUNNING, volumes=free)) == "running-elsewhere"


def test_the_recorded_vm_runs_without_its_hotplugged_disk_which_is_no_end() -> None:
    early, late_ = seen("vm-hp", RELEASED), seen("vm-hp", RUNNING)
    assert vmi_of(early).phase == "Running"
    told = ending(early, record("vm-hp"), early.vmi)
    assert told.reason == "waiting-for-volume"
    assert "run1-hp-disk" in told.sentence
    assert ending(late_, record("vm-hp"), late_.vmi).reason == "running-elsewhere"


def test_a_hotplugged_volume_that_is_not_a_claim_of_the_vm_is_waited_for_by_its_name() -> None:
    told = _told(_vmi(unplugged=("extra",)))
    assert told.reason == "waiting-for-volume"
    assert "hotplugged extra" in told.sentence


@pytest.mark.parametrize("phase", ["", "Pending", "Scheduling", "Scheduled", "Failed", "Succeeded", "WaitingForSync"])
def test_an_instance_that_is_not_running_yet_is_awaited(phase: str) -> None:
    assert _ending(_vmi(phase=phase)) == "waiting-for-running"


def test_an_instance_that_still_names_another_node_is_awaited() -> None:
    assert _ending(_vmi(node="node-a")) == "waiting-for-running"


@pytest.mark.parametrize("ready", ["False", "Unknown", ""])
def test_running_on_a_node_that_is_not_ready_is_no_end(ready: str) -> None:
    assert _ending(replace(_RUNNING, target=replace(node(name="node-b"), ready=ready))) == "waiting-for-running"
    assert _ending(replace(_RUNNING, target=None)) == "waiting-for-running"


def test_running_on_a_ready_node_with_every_volume_is_the_end() -> None:
    assert _told(_RUNNING) == Judgement("running-elsewhere", "It runs on node-b.")


def test_running_on_the_node_that_came_back_is_an_end_too() -> None:
    home = replace(_pod(node="node-a"), vmi=replace(vmi_of(_RUNNING), node="node-a"))
    assert _told(home) == Judgement("returned-node", "It runs on node-a, which is back.")


@pytest.mark.parametrize(
    ("conditions", "note"),
    [
        ({"Paused"}, "It is paused, as its VM asks to start."),
        ({"Paused", "no Ready"}, "It is paused, as its VM asks to start."),
        ({"no Ready"}, "It is not Ready: its guest does not answer yet."),
        ({"Ready"}, ""),
        (set(), ""),
    ],
)
def test_a_vm_that_is_paused_or_whose_guest_does_not_answer_has_arrived_and_that_is_told(
    conditions: set[str], note: str
) -> None:
    told = _told(_vmi(conditions=frozenset(conditions)))
    assert told == Judgement("running-elsewhere", f"It runs on node-b. {note}".strip())


def test_what_was_plugged_into_the_lost_instance_only_is_named_as_lost() -> None:
    told = _told(_RUNNING, hotplugs=("scratch", "extra"))
    assert told.reason == "running-elsewhere"
    assert "lost with it: scratch, extra." in told.sentence


def test_those_are_known_from_the_last_look_before_the_release_to_the_end() -> None:
    before = seen("vm-hp")
    kept = [volume for volume in vm_of(before).template["volumes"] if volume["name"] != "hp"]
    bare = replace(before, vm=replace(vm_of(before), template={**vm_of(before).template, "volumes": kept}))
    assert decide(bare, record("vm-hp"), Policy(), _NOW).hotplugs == ("hp",)
    assert decide(before, record("vm-hp"), Policy(), _NOW).hotplugs == ()
    after = seen("vm-hp", RUNNING)
    assert decide(after, record("vm-hp", released_at=_FREE_AT, hotplugs=("hp",)), Policy(), _NOW).hotplugs == ("hp",)


@pytest.mark.parametrize("odd", [{}, {"name": []}, {"name": None}, "hp"])
def test_a_volume_without_a_name_in_the_vm_is_no_volume_of_the_instance(odd: object) -> None:
    before = seen("vm-hp")
    volumes = [*vm_of(before).template["volumes"], odd]
    named = replace(before, vm=replace(vm_of(before), template={**vm_of(before).template, "volumes": volumes}))
    assert decide(named, record("vm-hp"), Policy(), _NOW).hotplugs == ()


_STARTING = Judgement("waiting-for-volume", "On node-b it waits for run1-rbd-disk to be attached.")
_WARNED = replace(
    _RUNNING, warnings=("FailedAttachVolume: Multi-Attach error", "Failed: rbd image x is still being used")
)


@pytest.mark.parametrize(
    ("after", "reason"), [(0.0, "waiting-for-volume"), (1799.9, "waiting-for-volume"), (1800.0, "start-deadline")]
)
def test_a_vm_that_still_does_not_run_at_its_deadline_has_failed(after: float, reason: str) -> None:
    judged = late(_STARTING, _RUNNING, _FREE_AT, Policy(), _FREE_AT + after)
    assert judged.reason == reason
    assert _STARTING.sentence in judged.sentence


@pytest.mark.parametrize("after", [0.0, 1800.0])
def test_what_kubernetes_says_is_told_before_and_after_the_deadline(after: float) -> None:
    judged = late(_STARTING, _WARNED, _FREE_AT, Policy(), _FREE_AT + after)
    assert judged.sentence.endswith(
        "Kubernetes says: FailedAttachVolume: Multi-Attach error; Failed: rbd image x is still being used"
    )


def test_what_the_sentence_says_already_is_not_told_twice() -> None:
    judged = late(
        Judgement("unschedulable", "The scheduler says: 0/3 nodes are available"),
        replace(_RUNNING, warnings=("FailedScheduling: 0/3 nodes are available", "Failed: an image")),
        _FREE_AT,
        Policy(),
        _FREE_AT,
    )
    assert judged.sentence == "The scheduler says: 0/3 nodes are available Kubernetes says: Failed: an image"


def test_the_deadline_is_the_installations() -> None:
    policy = Policy(start_deadline=60.0)
    assert late(_STARTING, _RUNNING, _FREE_AT, policy, _FREE_AT + 60.0).reason == "start-deadline"
    assert late(_STARTING, _RUNNING, _FREE_AT, policy, _FREE_AT + 59.9).reason == "waiting-for-volume"


def test_the_deadline_counts_from_when_nothing_held_the_vm_back_any_more() -> None:
    scheduling = _vmi(phase="Scheduling")
    released = record("vm-rbd", released_at=_FREE_AT - 5000.0)
    soon, end = POWER_CUT + 950.0, Policy().start_deadline
    for looker, now, reason in [
        (released, soon, "waiting-for-running"),
        (replace(released, detached_at=soon), soon + end - 1.0, "waiting-for-running"),
        (replace(released, detached_at=soon), soon + end, "start-deadline"),
    ]:
        decision = decide(scheduling, looker, Policy(), now)
        assert decision.judgement.reason == reason
        assert (decision.judgement.phase is Phase.FAILED) is (reason == "start-deadline")


def test_while_a_volume_is_held_no_deadline_runs() -> None:
    held = seen("vm-rbd", RELEASED)
    released = record("vm-rbd", released_at=_FREE_AT - 5000.0)
    assert decide(held, released, Policy(), _NOW + 86400.0).judgement.phase is Phase.DETACHING


def test_a_vm_that_runs_after_all_has_arrived_however_late() -> None:
    released = record("vm-rbd", released_at=_FREE_AT, detached_at=_FREE_AT)
    assert decide(_RUNNING, released, Policy(), _NOW + 86400.0).judgement.reason == "running-elsewhere"


def _of_a_set(owner: str = "web") -> Record:
    return record(drift=Drift(VmRef("run1", "web-x1", vm_of(_RUNNING).uid, INSTANCE, owner), outage()))


@pytest.mark.parametrize(
    ("replicas", "reason", "part"),
    [
        ((3, 3), "replicas-restored", "web has 3 ready replicas again"),
        ((3, 4), "replicas-restored", "web has 4 ready"),
        ((0, 0), "replicas-restored", "web has 0 ready"),
        ((3, 2), "waiting-for-replacement", "web has 2 of 3 ready"),
        ((1, 0), "waiting-for-replacement", "web has 0 of 1 ready"),
        (None, "waiting-for-replacement", "web has 0 of 1 ready"),
    ],
)
def test_an_instance_of_a_replica_set_has_been_replaced_when_the_set_is_whole_again(
    replicas: tuple[int, int] | None, reason: str, part: str
) -> None:
    gone = replace(_RUNNING, vm=replace(vm_of(_RUNNING), replicas=replicas), vmi=None)
    told = ending(gone, _of_a_set(), None)
    assert told.reason == reason
    assert part in told.sentence


def test_a_replica_set_that_stays_short_of_one_has_failed_at_the_deadline() -> None:
    short = replace(_RUNNING, vm=replace(vm_of(_RUNNING), replicas=(2, 1)), vmi=None, launchers=(), volumes=())
    released = replace(_of_a_set(), released_at=_FREE_AT, detached_at=_FREE_AT)
    assert decide(short, released, Policy(), _FREE_AT + 100.0).judgement.reason == "waiting-for-replacement"
    assert decide(short, released, Policy(), _FREE_AT + 1800.0).judgement.reason == "start-deadline"
