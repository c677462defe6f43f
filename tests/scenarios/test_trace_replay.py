"""The simulator lives a node's loss as a real control plane was recorded to, second by second.

Each replay starts at the last virt-handler heartbeat before the power cut. `Phases` are read from the trace: real
controllers look at their world periodically, and a recording begins anywhere in the period.
"""

from dataclasses import dataclass

import pytest

from simulator.actors.attach_detach import attachment_name
from simulator.actors.cast import Phases
from simulator.world import World
from tests.scenarios.replay import Aspect, History, Recorder, Trace, differences, history, since, stage

_TOLERANCE = 2.0  # seconds
_MONITOR_PERIOD = 5.0  # seconds
_BLAMED = "event Normal NodeUnresponsive"


@dataclass(frozen=True)
class Replay:
    """A trace and the world that lived it. `zero`: the power cut, seconds since the epoch."""

    trace: Trace
    world: World
    recorder: Recorder
    zero: float

    def run_until(self, second: float) -> None:
        self.world.run_until(self.zero + second)

    def force_delete(self) -> None:
        """Delete the launchers as and when they were in the trace."""
        for second, pod in self.trace.forced():
            self.run_until(second)
            meta = pod["metadata"]
            client = self.world.api.client("system:admin")
            client.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"], grace=0)

    def histories(self, until: float) -> tuple[History, History]:
        recorded = history(self.trace, self.trace.changes, until)
        return recorded, history(self.trace, self.recorder.changes, until)


def _replayed(trace: Trace, zero: float, lead: float, phases: Phases) -> Replay:
    world, recorder = stage(trace, zero, lead, phases)
    replay = Replay(trace, world, recorder, zero)
    replay.run_until(0)
    world.hypervisor.power_cut(trace.lost)
    return replay


@pytest.fixture(scope="module")
def default_windows() -> Replay:
    """T=0 power cut; 490 a migration and a VMI's deletion; 544 launchers force-deleted; 1392 node back."""
    trace = Trace.load("default-windows", "node-a")
    replay = _replayed(trace, 1795414378.12, 25.1, Phases(node_monitor=2.8, node_look=19.2))
    client = replay.world.api.client("system:admin")
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
    trace = Trace.load("delete-volumeattachment", "node-d")
    phases = Phases(node_monitor=3.03, node_look=19.2, attach_sync=16.1)
    replay = _replayed(trace, 1795414441.55, 28.5, phases)
    replay.force_delete()
    replay.run_until(185.7)
    attachments = replay.world.api.client("system:admin").list("volumeattachments")
    rbd = next(obj for obj in attachments if obj["spec"]["source"]["persistentVolumeName"] == "run2-rbd-disk")
    replay.world.api.client("system:admin").delete("volumeattachments", rbd["metadata"]["name"])
    replay.run_until(585.0)
    replay.world.hypervisor.power_on("node-d")
    replay.run_until(600.0)
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


@pytest.mark.parametrize(("folder", "lost"), [("default-windows", "node-a"), ("delete-volumeattachment", "node-d")])
def test_attachments_are_named_as_recorded(folder: str, lost: str) -> None:
    before = Trace.load(folder, lost).before
    volumes = {volume["metadata"]["name"]: volume for volume in before["pv"]}
    for attachment in before["volumeattachments"]:
        volume = volumes[attachment["spec"]["source"]["persistentVolumeName"]]
        assert attachment["metadata"]["name"] == attachment_name(volume, lost)


def test_no_vm_of_the_traces_runs_twice(default_windows: Replay, delete_volumeattachment: Replay) -> None:
    assert default_windows.world.hypervisor.double_runs == []
    assert delete_volumeattachment.world.hypervisor.double_runs == []


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
