"""A trace beside the world that lived it: the power cut as recorded, then whatever people did to the real cluster."""

from dataclasses import dataclass

from simulator.actors.cast import Phases
from simulator.client import Client
from simulator.world import World
from tests.scenarios.replay import History, Recorder, Trace, history, stage

_OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown"}


@dataclass(frozen=True)
class Replay:
    """A trace and the world that lived it. `zero`: the power cut, seconds since the epoch."""

    trace: Trace
    world: World
    recorder: Recorder
    zero: float

    @property
    def admin(self) -> Client:
        return self.world.api.client("system:admin")

    def run_until(self, second: float) -> None:
        self.world.run_until(self.zero + second)

    def force_delete(self) -> None:
        """Delete the launchers as and when they were in the trace."""
        for second, pod in self.trace.forced():
            self.run_until(second)
            meta = pod["metadata"]
            self.admin.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"], grace=0)

    def put_out_of_service(self, effect: str = "NoExecute") -> None:
        """Taint the lost node as verified to be off."""
        taints = self.admin.get("nodes", self.trace.lost)["spec"].get("taints") or []
        taint = {**_OUT_OF_SERVICE, "effect": effect}
        self.admin.patch("nodes", self.trace.lost, {"spec": {"taints": [*taints, taint]}})

    def put_into_service(self) -> None:
        """Take that taint away."""
        taints = self.admin.get("nodes", self.trace.lost)["spec"]["taints"]
        kept = [taint for taint in taints if taint["key"] != _OUT_OF_SERVICE["key"]]
        self.admin.patch("nodes", self.trace.lost, {"spec": {"taints": kept or None}})

    def histories(self, until: float) -> tuple[History, History]:
        recorded = history(self.trace, self.trace.changes, until)
        return recorded, history(self.trace, self.recorder.changes, until)


def replayed(trace: Trace, zero: float, lead: float, phases: Phases) -> Replay:
    """Live the recorded cluster for `lead` seconds, and cut the power at `zero` (seconds since the epoch)."""
    world, recorder = stage(trace, zero, lead, phases)
    replay = Replay(trace, world, recorder, zero)
    replay.run_until(0)
    world.hypervisor.power_cut(trace.lost)
    return replay
