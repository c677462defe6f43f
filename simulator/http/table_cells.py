"""The cells of kinds of Kubernetes' own, as its API server fills them (kubernetes `pkg/printers/internalversion`)."""

from collections.abc import Sequence
from math import inf
from typing import Any

from simulator.client import Obj

NONE = "<none>"
_ROLE = "node-role.kubernetes.io/"
_SHORT = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


# Up to so many seconds: in which unit, and with which second one while it is not 0 (apimachinery `pkg/util/duration`).
_UNITS: Sequence[tuple[float, tuple[int, str], tuple[int, str] | None]] = (
    (2 * _MINUTE, (1, "s"), None),
    (10 * _MINUTE, (_MINUTE, "m"), (1, "s")),
    (3 * _HOUR, (_MINUTE, "m"), None),
    (8 * _HOUR, (_HOUR, "h"), (_MINUTE, "m")),
    (2 * _DAY, (_HOUR, "h"), None),
    (8 * _DAY, (_DAY, "d"), (_HOUR, "h")),
    (2 * _YEAR, (_DAY, "d"), None),
    (8 * _YEAR, (_YEAR, "y"), (_DAY, "d")),
    (inf, (_YEAR, "y"), None),
)


def age(seconds: float) -> str:
    """As kubectl shows it: 90s, 5m10s, 3h, 2d4h."""
    whole = max(0, int(seconds))
    (size, letter), small = next((large, small) for limit, large, small in _UNITS if whole < limit)
    rest = whole % size // small[0] if small else 0
    return f"{whole // size}{letter}" + (f"{rest}{small[1]}" if small and rest else "")


def at(obj: Obj, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def node_row(node: Obj, old: Any) -> Sequence[Any]:
    """A node that is silent is NotReady here; only one without any Ready condition is Unknown."""
    labels = node["metadata"].get("labels") or {}
    info, addresses = at(node, "status.nodeInfo") or {}, at(node, "status.addresses") or ()
    roles = sorted(label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE))
    places = [
        next((one.get("address") for one in addresses if one.get("type") == type_), NONE)
        for type_ in ("InternalIP", "ExternalIP")
    ]
    software = [info.get(key) or "<unknown>" for key in ("osImage", "kernelVersion", "containerRuntimeVersion")]
    status, version = ",".join(_node_status(node)), info.get("kubeletVersion", "")
    return [node["metadata"]["name"], status, ",".join(roles) or NONE, old, version, *places, *software]


def _node_status(node: Obj) -> list[str]:
    ready = [one.get("status") for one in at(node, "status.conditions") or () if one.get("type") == "Ready"]
    words = ["Unknown"] if not ready else ["Ready" if ready[-1] == "True" else "NotReady"]
    return words + (["SchedulingDisabled"] if at(node, "spec.unschedulable") else [])


def pod_row(pod: Obj, old: Any) -> Sequence[Any]:
    """Ready are those containers that say so and run."""
    statuses = at(pod, "status.containerStatuses") or ()
    running = [one for one in statuses if one.get("ready") and "running" in (one.get("state") or {})]
    ready = f"{len(running)}/{len(at(pod, 'spec.containers') or ())}"
    restarts = str(sum(one.get("restartCount", 0) for one in statuses))
    gates = at(pod, "spec.readinessGates") or ()
    passed = {one["type"] for one in at(pod, "status.conditions") or () if one.get("status") == "True"}
    met = sum(gate.get("conditionType") in passed for gate in gates)
    wide = [at(pod, path) or NONE for path in ("status.podIP", "spec.nodeName", "status.nominatedNodeName")]
    shown_gates = f"{met}/{len(gates)}" if gates else NONE
    return [pod["metadata"]["name"], ready, _pod_status(pod, bool(running)), restarts, old, *wide, shown_gates]


def _pod_status(pod: Obj, running: bool) -> str:
    """The phase, or what the pod or its first unhappy container gives as the reason."""
    reason = str(at(pod, "status.reason") or at(pod, "status.phase") or "")
    if pod["metadata"].get("deletionTimestamp"):
        return "Unknown" if reason == "NodeLost" else "Terminating"
    for one in reversed(at(pod, "status.containerStatuses") or ()):
        state = one.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif ended is not None:
            signal = f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"
            reason = ended.get("reason") or signal
    return "Running" if reason == "Completed" and running else reason


def claim_row(claim: Obj, old: Any) -> Sequence[Any]:
    """Capacity and access modes are those of the volume, so an unbound claim has none."""
    spec, status = claim.get("spec") or {}, claim.get("status") or {}
    volume = spec.get("volumeName", "")
    modes = ",".join(_SHORT.get(mode, mode) for mode in status.get("accessModes") or ()) if volume else ""
    capacity = (status.get("capacity") or {}).get("storage", "") if volume else ""
    phase = "Terminating" if claim["metadata"].get("deletionTimestamp") else status.get("phase", "")
    class_, attributes = spec.get("storageClassName") or "", spec.get("volumeAttributesClassName") or "<unset>"
    mode = spec.get("volumeMode") or "<unset>"
    return [claim["metadata"]["name"], phase, volume, capacity, modes, class_, attributes, old, mode]
