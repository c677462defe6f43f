"""What admission adds to a pod that is created: the node selector of its namespace, as OpenShift does. Pure.

Source: openshift/kubernetes `openshift-kube-apiserver/admission/scheduler/nodeenv/admission.go`. A namespace without
the annotation adds nothing, so a cluster that is no OpenShift needs no setting.
"""

from simulator.client import Obj
from simulator.store import errors
from simulator.store.resources import Resource

_SELECTOR = "openshift.io/node-selector"  # a namespace's annotation


def admitted(kind: Resource, pod: Obj, namespace: Obj) -> Obj:
    """The pod with the selector of its namespace; ApiError 403 where its own contradicts it."""
    told = namespace["metadata"].get("annotations", {}).get(_SELECTOR, "")
    wanted = dict(_pair(part) for part in told.split(",") if part.strip())
    spec = pod.get("spec") or {}
    own = spec.get("nodeSelector") or {}
    if any(own.get(key, value) != value for key, value in wanted.items()):
        meta = pod["metadata"]
        message = "pod node label selector conflicts with its project node label selector"
        raise errors.denied(kind, meta.get("name") or meta.get("generateName", ""), message)
    return {**pod, "spec": {**spec, "nodeSelector": {**wanted, **own}}} if wanted else pod


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key.strip(), value.strip()
