"""virt-controller: VMs to VMIs to launcher pods, phases and finalizers, hotplug pods, unresponsive nodes.

Source: KubeVirt `pkg/virt-controller`. What is said of the objects is in `vm`, `vmi`, `hotplug` and `launcher`, pure;
here it is carried out. Its user must begin with `system:kubevirt`: nobody else may write a VMI's status.
"""

from collections import defaultdict
from collections.abc import Callable

from simulator.actors import backend, hotplug, objects, vm, vmi
from simulator.actors.launcher import attachment, hotplugged, launcher
from simulator.actors.needs import Needs
from simulator.actors.nodewatch import NodeWatch
from simulator.actors.replicasets import SETS, ReplicaSets
from simulator.actors.retry import REFUSED_FOR_NOW, WorkQueue
from simulator.actors.revisions import with_revisions
from simulator.api.instance_types import instance_spec
from simulator.api.patch import merge
from simulator.client import Client, Obj
from simulator.store.objects import Key, key_of
from simulator.timing import Timing

VMS, VMIS = "virtualmachines", "virtualmachineinstances"
_COMPONENT = "virtualmachine-controller"
_TEST_FAILED = 422  # of a JSON patch: somebody else was quicker
_DENIED = 403  # of a pod: admission has something against it
_NOT_PAUSED = {"reason": "NotPaused", "message": "the virtual machine is not paused"}


class VirtController:
    """The whole controller. Uses `timing.launch`, `node_look` and `node_unresponsive`.

    Args:
        client: the controller's access.
        timing: how long things take.
        phase: seconds after the first step at which nodes are first looked at.

    `finish` gets each launcher that is about to be made, and its instance: what another KubeVirt, or admission, makes
    of it.
    """

    name = "virt-controller"
    watches = (VMS, VMIS, SETS, "pods", "persistentvolumeclaims")

    def __init__(self, client: Client, timing: Timing, phase: float = 0.0) -> None:
        self._client, self._timing = client, timing
        self.finish: Callable[[Obj, Obj], Obj] = lambda pod, _: pod
        self._vms, self._vmis = client.informer(VMS), client.informer(VMIS)
        self._pods, self._needs = client.informer("pods"), Needs(client)
        self._nodes, self._sets = NodeWatch(client, timing, phase), ReplicaSets(client, self._vmis)
        self._by_vmi: dict[str, dict[Key, Obj]] = defaultdict(dict)  # VMI uid -> its launchers and attachment pods
        self._launching: dict[Key, float] = {}
        self._queue: WorkQueue[Key] = WorkQueue(REFUSED_FOR_NOW | {_TEST_FAILED, _DENIED})

    def step(self, now: float) -> float | None:
        """Bring in line whatever changed."""
        self._queue.add(self._changed() | {key for key, due in self._launching.items() if due <= now}, now)
        again = self._queue.work(lambda key: self._sync(key, now), now)
        look = self._nodes.step(now)
        self._sets.step(now)
        launches = (due for due in self._launching.values() if due > now)
        return min([look, *launches, *([] if again is None else [again])])

    def _sync(self, key: Key, now: float) -> None:
        machine, instance = self._vms.objects.get(key), self._vmis.objects.get(key)
        if instance is None:
            self._launching.pop(key, None)
        else:
            self._sync_instance(instance, now)
        if machine is not None:
            self._sync_machine(machine, instance, now)

    def _changed(self) -> set[Key]:
        keys = {key_of(obj) for informer in (self._vms, self._vmis) for _, obj in informer.poll()}
        keys |= self._needs.changed()
        for kind, pod in self._pods.poll():
            meta = pod["metadata"]
            labels, annotations = meta.get("labels", {}), meta.get("annotations", {})
            uid = labels.get("kubevirt.io/created-by") or annotations.get("kubevirt.io/owner-vmi-uid")
            if uid is None:
                continue
            self._by_vmi[uid][key_of(pod)] = pod
            if kind == "DELETED":
                del self._by_vmi[uid][key_of(pod)]
            name = labels.get("vm.kubevirt.io/name") or annotations.get("kubevirt.io/owner-vmi-name", "")
            keys.add((meta["namespace"], name))
        return keys

    def _sync_machine(self, machine: Obj, instance: Obj | None, now: float) -> None:
        starting, known = False, machine.get("status")
        machine = with_revisions(self._client, machine)
        if instance is None and vm.should_start(machine):
            self._client.create(VMIS, vm.new_vmi(machine, instance_spec(self._client.get, machine), now))
            created = "Started the virtual machine by creating the new virtual machine instance"
            self._tell(machine, "SuccessfulCreate", f"{created} {machine['metadata']['name']}", now)
            starting = True
        elif instance is None and objects.deleting(machine):
            self._let_go(VMS, machine)
            return
        elif instance is not None:
            self._end(machine, instance, now)
        status = vm.status(machine, instance, now, starting=starting)
        if status != known:
            self._client.update(VMS, {**machine, "status": status}, subresource="status")

    def _end(self, machine: Obj, instance: Obj, now: float) -> None:
        """Delete a VMI that is not wanted, and let go of one that has ended."""
        meta = instance["metadata"]
        if vm.should_stop(machine, instance) and not objects.deleting(instance):
            self._client.delete(VMIS, meta["name"], meta["namespace"], uid=meta["uid"])
            stopped = "Stopped the virtual machine by deleting the virtual machine instance"
            self._tell(machine, "SuccessfulDelete", f"{stopped} {meta['uid']}", now)
        # While it holds our finalizer it cannot be gone; the other one may have been removed in this very step.
        if vmi.phase_of(instance) in objects.FINISHED and vmi.FINALIZE in (meta.get("finalizers") or ()):
            self._let_go(VMIS, self._client.get(VMIS, meta["name"], meta["namespace"]))

    def _let_go(self, resource: str, obj: Obj) -> None:
        meta = obj["metadata"]
        left = [name for name in meta.get("finalizers") or () if name != vmi.FINALIZE]
        if left != (meta.get("finalizers") or []):
            self._client.patch(resource, meta["name"], {"metadata": {"finalizers": left or None}}, meta["namespace"])

    def _sync_instance(self, instance: Obj, now: float) -> None:
        pod, plugged = self._pods_of(instance)
        if objects.deleting(instance) and pod is not None and not objects.deleting(pod):
            self._delete_pod(instance, pod, now)
        patch = vmi.next_patch(instance, pod, now)
        if patch is not None:
            self._post(instance, self._blamed(instance, pod, self._with_volumes(instance, plugged, patch), now))
        elif pod is None and vmi.phase_of(instance) == "Pending" and not objects.deleting(instance):
            self._launch(instance, now)
        elif pod is not None and vmi.phase_of(instance) in ("Scheduled", "Running"):
            self._label(pod)
            self._plug(instance, pod, plugged, now)

    def _pods_of(self, instance: Obj) -> tuple[Obj | None, Obj | None]:
        """The launcher and the attachment pod, in its own namespace; a migration's target is neither."""
        meta = instance["metadata"]
        pods = [pod for key, pod in sorted(self._by_vmi[meta["uid"]].items()) if key[0] == meta["namespace"]]
        kinds = {"virt-launcher": [], "hotplug-disk": []}  # type: dict[str, list[Obj]]
        for pod in pods:
            labels = pod["metadata"]["labels"]
            if "kubevirt.io/migrationJobUID" not in labels:
                kinds[labels["kubevirt.io"]].append(pod)
        launchers, attachments = kinds.values()
        return next(iter(launchers), None), next((pod for pod in attachments if not objects.deleting(pod)), None)

    def _blamed(self, instance: Obj, pod: Obj | None, patch: Obj, now: float) -> Obj:
        """The patch, with the node blamed when a VMI fails because its launcher vanished from an unresponsive node.

        The real node controller races with the VMI controller for it: in the traces it is seen for half of the VMIs.
        """
        node = instance.get("status", {}).get("nodeName", "")
        if pod is not None or patch["status"].get("phase") != "Failed" or not self._nodes.unresponsive(node):
            return patch
        message = f"virt-handler on node {node} is not responsive, marking VMI as failed"
        happened = objects.event(instance, ("NodeUnresponsive", message), "node-controller", now)
        self._client.create("events", happened)
        return {**patch, "status": {**patch["status"], "reason": "NodeUnresponsive"}}

    def _launch(self, instance: Obj, now: float) -> None:
        key = key_of(instance)
        if self._launching.setdefault(key, now + self._timing.launch) > now:
            return
        del self._launching[key]
        if not self._needs.met(instance, self._post):
            return
        made = launcher(instance, self._needs.state_of(instance))
        pod = self._client.create("pods", self.finish(made, instance))
        gate = objects.pod_condition("kubevirt.io/virtual-machine-unpaused", "True", now, **_NOT_PAUSED)
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        conditions = {"status": {"conditions": objects.with_condition(objects.conditions(pod), gate)}}
        self._client.patch("pods", name, conditions, namespace, subresource="status")
        self._tell(instance, "SuccessfulCreate", f"Created virtual machine pod {name}", now)

    def _label(self, pod: Obj) -> None:
        meta, node = pod["metadata"], pod["spec"].get("nodeName")
        if node and meta["labels"].get("kubevirt.io/nodeName") != node:
            labels = {"metadata": {"labels": {"kubevirt.io/nodeName": node}}}
            self._client.patch("pods", meta["name"], labels, meta["namespace"])

    def _plug(self, instance: Obj, pod: Obj, plugged: Obj | None, now: float) -> None:
        if hotplug.needs_attachment(instance, pod, plugged):
            names = [volume["name"] for volume in hotplugged(instance)]
            created = self._client.create("pods", attachment(instance, pod, names))["metadata"]["name"]
            self._tell(instance, "SuccessfulCreate", f"Created attachment pod {created}", now)
            for name in names:
                message = f"Created hotplug attachment pod {created}, for volume {name}"
                self._tell(instance, "SuccessfulCreate", message, now)
        volumes = self._volume_status(instance, plugged)
        if volumes != (instance["status"].get("volumeStatus") or []):
            self._post(instance, {"status": {"volumeStatus": volumes}})

    def _with_volumes(self, instance: Obj, plugged: Obj | None, patch: Obj) -> Obj:
        """What brings it to Scheduled says in the same update which volumes it has (recorded)."""
        if patch["status"].get("phase") != "Scheduled":
            return patch
        return {**patch, "status": {**patch["status"], "volumeStatus": self._volume_status(instance, plugged)}}

    def _volume_status(self, instance: Obj, plugged: Obj | None) -> list[Obj]:
        volumes, state = hotplug.volume_status(instance, plugged, self._needs.claims), self._needs.state_of(instance)
        return [*volumes, backend.volume_status(state)] if state else volumes

    def _delete_pod(self, instance: Obj, pod: Obj, now: float) -> None:
        meta = pod["metadata"]
        self._client.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"])
        self._tell(instance, "SuccessfulDelete", f"Deleted virtual machine pod {meta['name']}", now)

    def _post(self, instance: Obj, patch: Obj) -> None:
        """As its own until virt-handler has the instance: then only what has changed, and only if it is as was read."""
        meta, new = instance["metadata"], merge(instance, patch)
        if vmi.phase_of(instance) in vmi.NEW:
            self._client.update(VMIS, new)
        else:
            self._client.patch(VMIS, meta["name"], vmi.json_patch(instance, new), meta["namespace"])

    def _tell(self, about: Obj, reason: str, message: str, now: float) -> None:
        self._client.create("events", objects.event(about, (reason, message), _COMPONENT, now))
