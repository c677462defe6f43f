"""The simulator lives a node's loss as a real control plane was recorded to, second by second.

Each replay starts at the last virt-handler heartbeat before the power cut, or just after. `Phases` are read from the
trace: real controllers look at their world periodically, and a recording begins anywhere in the period.
"""

import pytest

from simulator.actors.attach_detach import attachment_name
from simulator.actors.cast import Phases
from tests.scenarios.replay import Aspect, History, Trace, differences, since
from tests.scenarios.replayed import Replay, replayed

_TOLERANCE = 2.0  # seconds
_MONITOR_PERIOD = 5.0  # seconds
_BLAMED = "event Normal NodeUnresponsive"
_LOST = {"default-windows": "node-a", "delete-volumeattachment": "node-d", "out-of-service-taint": "node-e"}
_EARLY = ("early-release", "out-of-service-noschedule")


@pytest.fixture(scope="module")
def default_windows() -> Replay:
    """T=0 power cut; 490 a migration and a VMI's deletion; 544 launchers force-deleted; 1392 node back."""
    trace = Trace.load("default-windows", _LOST["default-windows"])
    replay = replayed(trace, 1795414378.12, 25.1, Phases(node_monitor=2.8, node_look=19.2))
    client = replay.admin
    replay.run_until(490.0)
    migration = {"metadata": {"name": "mig-rof", "namespace": "run1"}, "spec": {"vmiName": "vm-rof"}}
    client.create("virtualmachineinstancemigrations", migration)
    replay.run_until(490.1)
    client.delete("virtualmachineinstances", "vm-cd", "run1")
    replay.force_delete()
    replay.run_until(1392.0)
    replay.world.hypervisor.power_on("node-a")
    replay.run_until(1400.0)
    return replay


@pytest.fixture(scope="module")
def delete_volumeattachment() -> Replay:
    """T=0 power cut; 157 launchers force-deleted; 185.7 one VolumeAttachment deleted; 585 node back."""
    trace = Trace.load("delete-volumeattachment", _LOST["delete-volumeattachment"])
    phases = Phases(node_monitor=3.03, node_look=19.2, attach_sync=16.1)
    replay = replayed(trace, 1795414441.55, 28.5, phases)
    replay.force_delete()
    replay.run_until(185.7)
    attachments = replay.admin.list("volumeattachments")
    rbd = next(obj for obj in attachments if obj["spec"]["source"]["persistentVolumeName"] == "run2-rbd-disk")
    replay.admin.delete("volumeattachments", rbd["metadata"]["name"])
    replay.run_until(585.0)
    replay.world.hypervisor.power_on("node-d")
    replay.run_until(600.0)
    return replay


@pytest.fixture(scope="module")
def out_of_service() -> Replay:
    """T=0 power cut; 95.55 out-of-service taint; 267.45 node back; 541.9 the taint taken away.

    It starts 1.4 s after the last heartbeat, so that the last Lease falls where it was heard. The real virt-controller
    also looks at a node that changes, as this one did when its kubelet was back; here one of its looks falls there.
    """
    trace = Trace.load("out-of-service-taint", _LOST["out-of-service-taint"])
    replay = replayed(trace, 1795414453.9, 39.5, Phases(node_monitor=1.75, node_look=6.94, pod_gc=16.35))
    replay.run_until(95.55)
    replay.put_out_of_service()
    replay.run_until(267.45)
    replay.world.hypervisor.power_on(trace.lost)
    replay.run_until(541.9)
    replay.put_into_service()
    replay.run_until(545.0)
    return replay


@pytest.fixture(scope="module")
def early_release() -> Replay:
    """T=0 power cut; 21.85 out-of-service taint on a node that looks Ready, and then launchers force-deleted."""
    trace = Trace.load("early-release", "node-a")
    replay = replayed(trace, 1795877766.7, 8.0, Phases(node_monitor=1.2))
    replay.run_until(21.85)
    replay.put_out_of_service()
    replay.force_delete()
    replay.run_until(51.0)
    return replay


@pytest.fixture(scope="module")
def out_of_service_noschedule() -> Replay:
    """T=0 power cut; 21.86 the taint with NoSchedule, five launchers force-deleted; 60.14 the taint taken away."""
    trace = Trace.load("out-of-service-noschedule", "node-a")
    replay = replayed(trace, 1795880098.97, 5.2, Phases(node_monitor=4.8))
    replay.run_until(21.86)
    replay.put_out_of_service("NoSchedule")
    replay.run_until(22.64)
    replay.admin.delete("pods", "hp-volume-jkxkd", "nosched")
    replay.force_delete()
    replay.run_until(60.14)
    replay.put_into_service()
    replay.run_until(140.0)
    return replay


def _incomparable(recorded: History, simulated: History) -> frozenset[Aspect]:
    """What the traces cannot decide.

    Events of the namespace `kubevirt` were not recorded. KubeVirt's node controller races with its VMI controller for
    blaming the node: it won for half of the VMIs.
    """
    aspects = recorded.keys() | simulated.keys()
    blamed = {aspect for aspect in aspects if aspect[0].startswith("vmi ") and aspect[1] == _BLAMED}
    return frozenset(
        blamed | {aspect for aspect in aspects if aspect[0].startswith("pod on ") and "event" in aspect[1]}
    )


def _values(told: History, aspect: Aspect) -> list[str]:
    return [value for value, _ in told[aspect]]


def _report(lines: list[str]) -> str:
    return "\n".join(["the simulator lives it otherwise than recorded:", *lines])


def test_the_default_windows_are_lived_as_recorded_up_to_the_sixteenth_minute(default_windows: Replay) -> None:
    recorded, simulated = default_windows.histories(950)
    lines = differences(recorded, simulated, _TOLERANCE, ignore=_incomparable(recorded, simulated))
    assert not lines, _report(lines)


def test_the_lost_node_comes_back_as_recorded(default_windows: Replay) -> None:
    # From 950 to 1390 the trace tells of other nodes' losses and of a controller manager's restart.
    histories = default_windows.histories(1400)
    mine = {"node node-a #1", "launcher vm-pin #2", "vmi vm-pin #2", "vm vm-pin #1"}
    recorded, simulated = (
        {aspect: values for aspect, values in since(told, 1391).items() if aspect[0] in mine} for told in histories
    )
    assert recorded["vm vm-pin #1", "printableStatus"][-1][0] == "Running"
    lines = differences(recorded, simulated, _MONITOR_PERIOD)
    assert not lines, _report(lines)


def test_a_volume_attachment_deleted_by_hand_is_lived_as_recorded(delete_volumeattachment: Replay) -> None:
    recorded, simulated = delete_volumeattachment.histories(600)
    # The real monitor's period is counted from the end of each look, so its phase has drifted when the node comes back.
    taints = ("node node-d #1", "taints")
    ignored = _incomparable(recorded, simulated) | {taints}
    lines = differences(recorded, simulated, _TOLERANCE, ignore=ignored)
    lines += differences({taints: recorded[taints]}, {taints: simulated[taints]}, _MONITOR_PERIOD)
    assert not lines, _report(lines)


def test_the_out_of_service_taint_is_lived_as_recorded(out_of_service: Replay) -> None:
    recorded, simulated = out_of_service.histories(266)
    lines = differences(recorded, simulated, _TOLERANCE, ignore=_incomparable(recorded, simulated))
    assert not lines, _report(lines)


def test_a_node_that_is_back_under_the_taint_gets_nothing_as_recorded(out_of_service: Replay) -> None:
    # At 377 somebody started vm-man.
    recorded, simulated = (since(told, 267) for told in out_of_service.histories(376))
    taints = ("node node-e #1", "taints")
    lines = differences(recorded, simulated, _TOLERANCE, ignore=frozenset({taints}))
    # Which of the two `unreachable` taints went first hung on the monitor's phase, which had drifted.
    lines += differences({taints: recorded[taints][-1:]}, {taints: simulated[taints][-1:]}, _MONITOR_PERIOD)
    assert not lines, _report(lines)


def test_a_node_whose_taint_is_taken_away_gets_its_vm_as_recorded(out_of_service: Replay) -> None:
    # Besides, vm-man was started at 377 and virt-handler's DaemonSet makes a pod, which nobody does here.
    mine = {"node node-e #1", "launcher vm-pin #2", "vmi vm-pin #2", "vm vm-pin #1"}
    recorded, simulated = (
        {aspect: values for aspect, values in since(told, 541).items() if aspect[0] in mine}
        for told in out_of_service.histories(545)
    )
    assert recorded["vm vm-pin #1", "printableStatus"][-1][0] == "Running"
    lines = differences(recorded, simulated, _TOLERANCE)
    assert not lines, _report(lines)


def test_the_out_of_service_taint_brings_the_volume_back_in_the_seconds_that_were_recorded(
    out_of_service: Replay,
) -> None:
    took = []
    for told in out_of_service.histories(266):
        tainted = next(at for value, at in told["node node-e #1", "taints"] if "out-of-service" in value)
        running = next(at for value, at in told["vmi vm-rbd #2", "phase"] if value == "Running")
        took.append(running - tainted)
    assert took == [pytest.approx(5.4, abs=0.1), pytest.approx(5.4, abs=_TOLERANCE)]


@pytest.mark.parametrize("folder", _EARLY)
def test_a_release_before_kubernetes_notices_is_lived_as_recorded(folder: str, request: pytest.FixtureRequest) -> None:
    replay: Replay = request.getfixturevalue(folder.replace("-", "_"))
    recorded, simulated = replay.histories(140)
    # A first hotplug pod that a stand-in never made Ready, and a PodTerminating that lasted for a tenth of a second.
    first = {aspect for aspect in recorded if aspect[0] == "hotplug pod of vm-hp #1" or aspect[1] == "hotplug"}
    first |= {aspect for aspect in recorded if "False/PodTerminating" in _values(recorded, aspect)}
    lines = differences(recorded, simulated, _TOLERANCE, ignore=_incomparable(recorded, simulated) | first)
    assert not lines, _report(lines)


@pytest.mark.parametrize(("folder", "lost"), _LOST.items())
def test_attachments_are_named_as_recorded(folder: str, lost: str) -> None:
    before = Trace.load(folder, lost).before
    volumes = {volume["metadata"]["name"]: volume for volume in before["pv"]}
    for attachment in before["volumeattachments"]:
        volume = volumes[attachment["spec"]["source"]["persistentVolumeName"]]
        assert attachment["metadata"]["name"] == attachment_name(volume, lost)


def test_no_schedule_evicts_nobody_and_pod_gc_takes_nobody_once_the_taint_is_gone(
    out_of_service_noschedule: Replay,
) -> None:
    pods = out_of_service_noschedule.admin.list("pods", "nosched")
    kept = [pod["metadata"]["name"] for pod in pods if pod["spec"].get("nodeName") == "node-a"]
    assert sorted(kept) == ["virt-launcher-vm-man-fmslr", "virt-launcher-vm-pin-srl6c"]
    assert all("deletionTimestamp" in pod["metadata"] for pod in pods if pod["metadata"]["name"] in kept)


@pytest.mark.parametrize("folder", [*_LOST, *_EARLY])
def test_no_vm_of_the_traces_runs_twice(folder: str, request: pytest.FixtureRequest) -> None:
    replay: Replay = request.getfixturevalue(folder.replace("-", "_").removesuffix("_taint"))
    assert replay.world.hypervisor.double_runs == []


def _told(*values: tuple[str, float]) -> History:
    return {("node a", "Ready"): list(values)}


_RECORDED = _told(("True", 0.0), ("Unknown", 47.7))


@pytest.mark.parametrize(
    "simulated",
    [
        {},
        _told(("True", 0.0), ("Unknown", 44.9)),
        _told(("True", 0.0)),
        _told(("Unknown", 0.0), ("True", 47.7)),
        _RECORDED | {("node a", "taints"): [("none", 0.0)]},
    ],
    ids=["missing", "early", "not-reached", "other-order", "too-much"],
)
def test_a_history_that_differs_is_reported(simulated: History) -> None:
    assert differences(_RECORDED, _RECORDED, _TOLERANCE) == []
    assert differences(_RECORDED, simulated, _TOLERANCE)
