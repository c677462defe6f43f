"""virt-controller's part for VirtualMachineInstanceReplicaSets: a VM instance that ended is replaced by another name.

Source: KubeVirt `pkg/virt-controller/watch/replicaset/replicaset.go`.
"""

from simulator.actors import objects
from simulator.actors.vmi import FOREGROUND, phase_of
from simulator.client import Client, Informer, Obj

SETS, _VMIS = "virtualmachineinstancereplicasets", "virtualmachineinstances"
_COMPONENT = "virtualmachinereplicaset-controller"


class ReplicaSets:
    """A part of virt-controller, which polls `vmis` for it."""

    def __init__(self, client: Client, vmis: Informer) -> None:
        self._client, self._vmis, self._sets = client, vmis, client.informer(SETS)

    def step(self, now: float) -> None:
        """Bring every set in line with its VM instances."""
        self._sets.poll()
        for _, found in sorted(self._sets.objects.items()):
            self._sync(found, now)

    def _sync(self, found: Obj, now: float) -> None:
        uid = found["metadata"]["uid"]
        mine = [
            vmi for _, vmi in sorted(self._vmis.objects.items()) if _owner(vmi) == uid and not objects.deleting(vmi)
        ]
        active = [vmi for vmi in mine if phase_of(vmi) not in objects.FINISHED]
        for vmi in mine:
            if vmi not in active:
                meta = vmi["metadata"]
                self._client.delete(_VMIS, meta["name"], meta["namespace"], uid=meta["uid"])
                self._tell(found, "SuccessfulDelete", f"Deleted finished virtual machine: {meta['uid']}", now)
        for _ in range(found["spec"].get("replicas", 1) - len(active)):
            name = self._client.create(_VMIS, _instance(found))["metadata"]["name"]
            self._tell(found, "SuccessfulCreate", f"Started the virtual machine by creating {name}", now)
        ready = sum(objects.condition(vmi, "Ready").get("status") == "True" for vmi in active)
        self._post(found, {"replicas": len(active), "readyReplicas": ready})

    def _post(self, found: Obj, counted: Obj) -> None:
        meta, old = found["metadata"], found.get("status", {})
        labels = found["spec"]["selector"].get("matchLabels") or {}
        status = counted | {"labelSelector": ",".join(f"{name}={value}" for name, value in sorted(labels.items()))}
        if any(old.get(name) != value for name, value in status.items()):
            self._client.patch(SETS, meta["name"], {"status": status}, meta["namespace"], subresource="status")

    def _tell(self, about: Obj, reason: str, message: str, now: float) -> None:
        self._client.create("events", objects.event(about, (reason, message), _COMPONENT, now))


def _owner(vmi: Obj) -> str:
    owners = vmi["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), "")


def _instance(found: Obj) -> Obj:
    """Another VM instance of a set: its name begins with the set's, with five letters at once behind it."""
    meta, template = found["metadata"], found["spec"]["template"]
    return {
        "metadata": {
            "generateName": meta["name"],
            "namespace": meta["namespace"],
            "labels": dict(template.get("metadata", {}).get("labels") or {}),
            "finalizers": [FOREGROUND],
            "ownerReferences": [objects.owner_reference(found)],
        },
        "spec": template["spec"],
    }
