"""The recorded losses, rehearsed from what was there before: `python -m tests.scenarios.rehearsed_traces` shows it.

In the recordings launchers were deleted by hand, at another time than vm-drift would. So what is compared is whether a
VM ran again, and how long after the deletion of its launcher.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from reactor.model.drift import Policy
from reactor.model.times import parse_time
from rehearsal.loaded import loaded
from rehearsal.outage import played
from simulator.actors.attach_detach import attachment_name
from simulator.client import Obj
from simulator.shapes import RBD
from tests.scenarios.replay import Trace

_PROOF = Policy(fencing=("redfish",))
_NAMES = {
    "vm": "virtualmachines",
    "vmi": "virtualmachineinstances",
    "pv": "persistentvolumes",
    "pvc": "persistentvolumeclaims",
}


@dataclass(frozen=True)
class RecordedLoss:
    """`other`: VMs whose way was another one in the recording than vm-drift takes, and how."""

    folder: str
    lost: str
    policy: Policy
    other: Mapping[str, str]


@dataclass(frozen=True)
class Compared:
    """Seconds from a launcher's deletion until its VM ran, as recorded and as rehearsed; None: it did not run."""

    folder: str
    vm: str
    recorded: float | None
    rehearsed: float | None

    @property
    def error(self) -> float:
        """Seconds; 0 where neither ran."""
        return abs((self.recorded or 0.0) - (self.rehearsed or 0.0))

    @property
    def is_wrong(self) -> bool:
        """One ran and the other did not."""
        return (self.recorded is None) != (self.rehearsed is None)


_BY_TAINT = "detached by the out-of-service taint, which vm-drift does not set where vm-man may not move"
LOSSES = (
    RecordedLoss("default-windows", "node-a", Policy(), {}),
    RecordedLoss("delete-volumeattachment", "node-d", Policy(), {"vm-rbd": "its VolumeAttachment was deleted by hand"}),
    RecordedLoss("early-release", "node-a", _PROOF, {}),
    RecordedLoss("out-of-service-noschedule", "node-a", _PROOF, {"vm-rbd": _BY_TAINT, "vm-rbdfs": _BY_TAINT}),
    RecordedLoss(
        "out-of-service-taint",
        "node-e",
        _PROOF,
        {"vm-rbd": _BY_TAINT, "vm-rbdfs": _BY_TAINT, "vm-man": "somebody started it again when the node was back"},
    ),
)


def compared(loss: RecordedLoss) -> Iterator[Compared]:
    """Each VM that was on the lost node."""
    trace = Trace.load(loss.folder, loss.lost)
    recorded = _recorded(trace)
    objects = {_NAMES.get(kind, kind): of_kind for kind, of_kind in trace.before.items()}
    if "persistentvolumes" not in objects:
        _add_volumes(objects)
    for one in played(loaded(objects, _last_word(objects["nodes"])), [loss.lost], loss.policy):
        if one.vm.name not in loss.other:
            yield Compared(loss.folder, one.vm.name, recorded.get(one.vm.name), one.after_release)


def _recorded(trace: Trace) -> dict[str, float]:
    """Of those that ran elsewhere afterwards."""
    gone = {launcher["metadata"]["labels"]["vm.kubevirt.io/name"]: at for at, launcher in trace.forced()}
    ran: dict[str, float] = {}
    for at, kind, _, obj in trace.changes:
        name, status = obj["metadata"]["name"], obj.get("status") or {}
        if kind == "vmi" and status.get("phase") == "Running" and status.get("nodeName") != trace.lost and name in gone:
            ran.setdefault(name, at - gone[name])
    return ran


def _add_volumes(objects: dict[str, list[Obj]]) -> None:
    """Two recordings have none. A VolumeAttachment's name is made of its volume's handle."""
    objects["persistentvolumes"] = [_volume(claim) for claim in objects["persistentvolumeclaims"]]
    volumes = {volume["metadata"]["name"]: volume for volume in objects["persistentvolumes"]}
    for attachment in objects["volumeattachments"]:
        volume = volumes[attachment["spec"]["source"]["persistentVolumeName"]]
        attachment["metadata"]["name"] = attachment_name(volume, attachment["spec"]["nodeName"])


def _volume(claim: Obj) -> Obj:
    meta, spec = claim["metadata"], claim["spec"]
    bound = {name: meta[name] for name in ("namespace", "name", "uid")}
    csi = {"driver": RBD, "volumeHandle": spec["volumeName"]}
    modes = {name: spec[name] for name in ("accessModes", "volumeMode") if name in spec}
    return {
        "kind": "PersistentVolume",
        "metadata": {"name": spec["volumeName"], "uid": f"pv-{meta['uid']}"},
        "spec": {"claimRef": bound, "csi": csi, **modes},
        "status": {"phase": "Bound"},
    }


def _last_word(nodes: Sequence[Obj]) -> float:
    conditions = [condition for node in nodes for condition in node["status"]["conditions"]]
    return max(
        parse_time(condition["lastHeartbeatTime"]) for condition in conditions if "lastHeartbeatTime" in condition
    )


def main() -> None:
    """The table in docs/rehearsal.md."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(f"{'loss':<28} {'VM':<10} {'recorded':>10} {'rehearsed':>10} {'error':>8}")  # noqa: T201 - it is a command
    for one in (one for loss in LOSSES for one in compared(loss)):
        recorded, rehearsed = (
            "stays" if after is None else f"{after:.1f} s" for after in (one.recorded, one.rehearsed)
        )
        error = "WRONG" if one.is_wrong else f"{one.error:.1f} s"
        print(f"{one.folder:<28} {one.vm:<10} {recorded:>10} {rehearsed:>10} {error:>8}")  # noqa: T201


if __name__ == "__main__":
    main()
