"""Replays a recorded trace in virtual time and lays what the simulator did beside what was recorded.

Both histories become the same thing: for each object and each of its aspects (phase, Ready, taints...) the sequence of
values with the second of each. Generated names are replaced by "launcher vm-cd #2": the second one of that VM. Nodes
other than the lost one are "another node".
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator import shapes
from simulator.actors.cast import Phases, cast
from simulator.client import Obj
from simulator.scene import adopt
from simulator.timing import Timing
from simulator.world import World
from tests.support.places import TRACES

# Virt-handlers were stand-ins when it was recorded, with exact beats.
_AS_RECORDED = replace(Timing(), heartbeat_longest=0.0)
RESOURCES = {
    "node": "nodes",
    "pod": "pods",
    "vmi": "virtualmachineinstances",
    "vm": "virtualmachines",
    "va": "volumeattachments",
    "vmim": "virtualmachineinstancemigrations",
    "event": "events",
}
_BEFORE = {"pvc": "persistentvolumeclaims", "pv": "persistentvolumes"} | {
    name: RESOURCES[name] for name in ("vm", "vmi")
}
Change = tuple[float, str, str, Obj]  # seconds since the power cut, kind, type, object
Aspect = tuple[str, str]  # object, aspect
History = dict[Aspect, list[tuple[str, float]]]  # values and when each began


@dataclass
class Trace:
    """A recorded trace: `before` by kind, `changes` in order, and the node that was lost."""

    before: dict[str, list[Obj]]
    changes: list[Change]
    lost: str

    @classmethod
    def load(cls, folder: str, lost: str) -> "Trace":
        before = json.loads(gzip.decompress((TRACES / folder / "before.json.gz").read_bytes()))
        lines = gzip.decompress((TRACES / folder / "objects.jsonl.gz").read_bytes()).splitlines()
        rows = [json.loads(line) for line in lines]
        return cls(before, [(row["t"], row["kind"], row["type"], row["object"]) for row in rows], lost)

    def forced(self) -> Iterator[tuple[float, Obj]]:
        """The launchers that were force-deleted, and when."""
        for time, kind, change, obj in self.changes:
            gone = (kind, change) == ("pod", "DELETED") and obj["spec"].get("nodeName") == self.lost
            if gone and obj["metadata"]["name"].startswith("virt-launcher"):
                yield time, obj


class Recorder:
    """An actor that writes down every change."""

    name = "recorder"
    watches = tuple(RESOURCES.values())

    def __init__(self, world: World, zero: float) -> None:
        client = world.api.client("system:recorder")
        self._informers = {kind: client.informer(resource) for kind, resource in RESOURCES.items()}
        for informer in self._informers.values():
            informer.poll()
        self._zero = zero
        self.changes: list[Change] = []

    def step(self, now: float) -> None:
        for kind, informer in self._informers.items():
            self.changes += [(now - self._zero, kind, change, obj) for change, obj in informer.poll()]


def stage(trace: Trace, zero: float, lead: float, phases: Phases) -> tuple[World, Recorder]:
    """The recorded cluster, `lead` seconds before the power cut at `zero` (seconds since the epoch)."""
    world = World(start=zero - lead)
    for kind, items in (_unrecorded(trace.before) | trace.before).items():
        for obj in items:
            world.store.create(_BEFORE.get(kind, kind), obj)
    adopt(world.api.client("system:admin"), world.hypervisor)
    recorder = Recorder(world, zero)
    world.add(*cast(world.api.client, world.hypervisor, _AS_RECORDED, phases), recorder)
    return world, recorder


def _unrecorded(before: Mapping[str, list[Obj]]) -> dict[str, list[Obj]]:
    """What the later recordings left out, as the earlier ones show it: volumes, Leases, CSINodes."""
    nodes = [node["metadata"]["name"] for node in before["nodes"]]
    volumes = [shapes.volume(claim, shapes.rbd_source(claim["spec"]["volumeName"])) for claim in before["pvc"]]
    return {"pv": volumes, "leases": list(map(shapes.lease, nodes)), "csinodes": list(map(shapes.csi_node, nodes))}


@dataclass
class Names:
    """Canonical names of objects with generated ones, by uid; numbered in the order in which they appear."""

    lost: str
    _known: dict[str, str] = field(default_factory=dict)
    _count: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def of(self, kind: str, obj: Obj) -> str:
        uid = obj["metadata"]["uid"]
        if uid not in self._known:
            base = self._base(kind, obj)
            self._count[base] += 1
            self._known[uid] = f"{base} #{self._count[base]}"
        return self._known[uid]

    def place(self, node: str | None) -> str:
        return "no node" if not node else node if node == self.lost else "another node"

    def _base(self, kind: str, obj: Obj) -> str:
        meta = obj["metadata"]
        labels = meta.get("labels", {})
        if kind == "va":
            source = obj["spec"]["source"]["persistentVolumeName"]
            return f"attachment of {source} to {self.place(obj['spec']['nodeName'])}"
        if kind == "pod" and "vm.kubevirt.io/name" in labels:
            return f"launcher {labels['vm.kubevirt.io/name']}"
        if kind == "pod" and labels.get("kubevirt.io") == "hotplug-disk":
            return f"hotplug pod of {meta['annotations']['kubevirt.io/owner-vmi-name']}"
        if kind == "pod" and obj["spec"].get("nodeName"):
            return f"pod on {obj['spec']['nodeName']}"
        return f"{kind} {meta['name']}"


def history(trace: Trace, changes: Iterable[Change], until: float) -> History:
    """What became of the trace's objects up to a second; starts with the state before the power cut."""
    names, result = Names(trace.lost), History()
    before = {"nodes": "node", "pods": "pod", "volumeattachments": "va", "vm": "vm", "vmi": "vmi"}
    first = ((0.0, before[k], "ADDED", obj) for k, items in trace.before.items() if k in before for obj in items)
    uids: dict[str, str] = {}
    for time, kind, change, obj in (*first, *changes):
        if time > until or kind not in RESOURCES or not _ours(trace, kind, obj):
            continue
        if kind == "event":
            if about := uids.get(obj["involvedObject"].get("uid", "") or obj["involvedObject"]["name"]):
                _note_event(result, about, obj, time, change)
            continue
        name = names.of(kind, obj)
        uids[obj["metadata"]["uid"]] = uids[obj["metadata"]["name"]] = name
        for aspect, value in _aspects(names, kind, obj, gone=change == "DELETED").items():
            values = result.setdefault((name, aspect), [])
            if not values or values[-1][0] != value:
                values.append((value, max(0.0, time)))
    return result


def _ours(trace: Trace, kind: str, obj: Obj) -> bool:
    if kind == "node":
        return bool(obj["metadata"]["name"] == trace.lost)
    if kind == "pod" and obj["metadata"]["namespace"] == "kubevirt":
        return bool(obj["spec"].get("nodeName") == trace.lost)
    return True


def _note_event(result: History, about: str, obj: Obj, time: float, change: str) -> None:
    """An Event's first sighting. A counted repetition of one from before the trace is seen as MODIFIED, as a first."""
    told = result.setdefault((about, f"event {obj['type']} {obj['reason']}"), [])
    if not told and change != "DELETED":
        told.append(("told", time))


def _condition(obj: Obj, kind: str) -> str:
    found: Mapping[str, Any] = next(
        (entry for entry in obj.get("status", {}).get("conditions") or () if entry["type"] == kind), {}
    )
    return f"{found['status']}/{found.get('reason', '')}" if found else ""


def _deletion(obj: Obj) -> str:
    grace = obj["metadata"].get("deletionGracePeriodSeconds")
    return "no" if "deletionTimestamp" not in obj["metadata"] else f"with grace {grace}"


def _aspects(names: Names, kind: str, obj: Obj, *, gone: bool) -> dict[str, str]:
    if gone:
        return {"exists": "no"}
    aspects = {"exists": "yes", "deletion": _deletion(obj)}
    return aspects | _READERS[kind](names, obj)


def _node(_: Names, obj: Obj) -> dict[str, str]:
    kinds = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
    taints = sorted(f"{t['key']}:{t['effect']}" for t in obj["spec"].get("taints") or ())
    return {kind: _condition(obj, kind) for kind in kinds} | {
        "taints": " ".join(taints),
        "schedulable": obj["metadata"]["labels"]["kubevirt.io/schedulable"],
        "volumesAttached": str(len(obj["status"].get("volumesAttached") or ())),
        "volumesInUse": str(len(obj["status"].get("volumesInUse") or ())),
    }


def _pod(names: Names, obj: Obj) -> dict[str, str]:
    kinds = ("Ready", "ContainersReady", "PodScheduled", "DisruptionTarget")
    where = {"node": names.place(obj["spec"].get("nodeName")), "phase": obj["status"]["phase"]}
    return where | {kind: _condition(obj, kind) for kind in kinds}


def _vmi(names: Names, obj: Obj) -> dict[str, str]:
    status = obj.get("status", {})
    volumes = status.get("volumeStatus") or ()
    return {
        "phase": status["phase"],
        "node": names.place(status.get("nodeName")),
        "Ready": _condition(obj, "Ready"),
        "PodScheduled": _condition(obj, "PodScheduled"),
        "hotplug": " ".join(
            f"{v['phase']} {'held' if 'attachPodUID' in v['hotplugVolume'] else 'not held'}"
            for v in volumes
            if "hotplugVolume" in v
        ),
    }


def _vm(_: Names, obj: Obj) -> dict[str, str]:
    return {"printableStatus": obj["status"]["printableStatus"], "ready": str(obj["status"].get("ready", False))}


def _attachment(_: Names, obj: Obj) -> dict[str, str]:
    return {"attached": str(obj.get("status", {}).get("attached", False))}


def _migration(_: Names, obj: Obj) -> dict[str, str]:
    return {"phase": obj.get("status", {}).get("phase", "")}


_READERS = {"node": _node, "pod": _pod, "vmi": _vmi, "vm": _vm, "va": _attachment, "vmim": _migration}


def since(told: History, begin: float) -> History:
    """Only what began at a second or later."""
    late = {aspect: [(value, time) for value, time in values if time >= begin] for aspect, values in told.items()}
    return {aspect: values for aspect, values in late.items() if values}


def differences(
    expected: History, actual: History, tolerance: float, *, ignore: frozenset[Aspect] = frozenset()
) -> list[str]:
    """A table, a line for each aspect that is not as recorded: other values, or one over `tolerance` seconds off."""
    rows = []
    for aspect in sorted((expected.keys() | actual.keys()) - ignore):
        was, is_ = expected.get(aspect, []), actual.get(aspect, [])
        same = [value for value, _ in was] == [value for value, _ in is_]
        near = same and all(abs(a[1] - b[1]) <= tolerance for a, b in zip(was, is_, strict=True))
        if not near:
            rows += [f"{aspect[0]:45} {aspect[1]}", f"    recorded  {_line(was)}", f"    simulated {_line(is_)}"]
    return rows


def _line(values: list[tuple[str, float]]) -> str:
    return " -> ".join(f"{value or '-'} @{time:.1f}" for value, time in values) or "nothing"
