"""What a kubelet writes into a pod's status; shapes as recorded. Pure."""

import hashlib

from simulator.actors import objects
from simulator.client import Obj
from simulator.store.objects import rfc3339

_KUBELETS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


def started(pod: Obj, host: str, now: float) -> Obj:
    """The status of a pod whose containers have all started on the node with address `host`."""
    address = _address(pod)
    own = [objects.pod_condition(kind, "True", now) for kind in _KUBELETS]
    others = [entry for entry in objects.conditions(pod) if entry["type"] not in _KUBELETS]
    status = {
        "phase": "Running",
        "conditions": own + others,
        "hostIP": host,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": rfc3339(now),
        "containerStatuses": [_container(pod, entry, now) for entry in pod["spec"]["containers"]],
    }
    if initial := pod["spec"].get("initContainers"):
        status["initContainerStatuses"] = [_initial(entry, now) for entry in initial]
    return status


def ready_again(pod: Obj, now: float) -> Obj:
    """The status of a running pod that was marked not Ready while its node was not heard."""
    ready = objects.pod_condition("Ready", "True", now)
    return {"conditions": objects.with_condition(objects.conditions(pod), ready)}


def failed(pod: Obj, now: float) -> Obj:
    """The status of a pod that is not restarted and whose containers are gone, as after a reboot."""
    conditions = objects.conditions(pod)
    for kind in ("Ready", "ContainersReady"):
        conditions = objects.with_condition(conditions, objects.pod_condition(kind, "False", now, reason="PodFailed"))
    return {"phase": "Failed", "conditions": conditions}


def _container(pod: Obj, container: Obj, now: float) -> Obj:
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": container.get("image", ""),
        "containerID": f"containerd://{pod['metadata']['uid'].replace('-', '') * 2}",
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "started": True,
        "state": {"running": {"startedAt": rfc3339(now)}},
    }


def _initial(container: Obj, now: float) -> Obj:
    """A sidecar runs on, any other init container has completed."""
    at = rfc3339(now)
    sidecar = container.get("restartPolicy") == "Always"
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at}}
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": container.get("image", ""),
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "started": sidecar,
        "state": {"running": {"startedAt": at}} if sidecar else ended,
    }


def _address(pod: Obj) -> str:
    """A documentation address (RFC 5737) that depends on the pod only."""
    return f"198.51.100.{hashlib.sha256(pod['metadata']['uid'].encode()).digest()[0] % 254 + 1}"
