"""What can happen in a scenario: one word, then its arguments. `happen(stage, "power-cut node-a")`."""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus

import yaml

from reactor.adapters.rq import drift_entry, event_entry, fence_entry
from reactor.model.event import NODE_FENCED, Event, unreachable
from reactor.model.fencing import CONFIG_MAP as FENCING
from reactor.model.fencing import fencings
from reactor.model.intervention import CANCEL, CONFIG_MAP, HOLD, TAINT, UNFENCE, Intervention
from reactor.model.lease import NODE_LEASES
from reactor.model.node import OUT_OF_SERVICE, node_view
from rehearsal.twins.bmc import MachineBmcs
from rehearsal.twins.cluster import ApiCluster
from simulator.actors import objects
from simulator.actors.metal3_operator import Metal3Operator
from simulator.actors.network_fencer import NetworkFencer
from simulator.actors.remediator import Remediator
from simulator.api.client import StoreClient
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.fencing import add_hosts, add_storage_clients, add_template
from simulator.migrating import migrate
from simulator.scene import Vm, add_vm
from simulator.store.objects import rfc3339
from simulator.world import World
from tests.scenarios.stage import Stage
from tests.support.auditor import OURS, fail
from tests.support.undated import Undated
from workers.drift.run import retried
from workers.fencing.providers.redfish import Redfish
from workers.fencing.providers.remediation import NODE_NAME

_MACHINE = (
    *("power-cut", "power-on", "cut-network", "restore-network", "stop-kubelet", "start-kubelet"),
    *("stop-virt-handler", "start-virt-handler", "block-storage"),
)


def happen(stage: Stage, what: str) -> None:
    """Let it happen now. KeyError for a word that is not known."""
    word, _, rest = what.partition(" ")
    if word in _MACHINE:
        for node in rest.split():
            getattr(stage.world.hypervisor, word.replace("-", "_"))(node)
    else:
        _HAPPENINGS[word](stage, rest)


def _clock(stage: Stage, rest: str) -> None:
    """`clock node-a -3600`, `clock controller-manager 120`, `clock drifts-0 60`: seconds ahead of the API server's."""
    who, skew = rest.split()
    if who == "controller-manager":
        stage.manager.leader.skew = float(skew)
    elif process := stage.reactor.processes.get(who):
        process.clock.step(float(skew))
    else:
        stage.world.hypervisor.set_clock(who, float(skew))


def _undated(stage: Stage, rest: str) -> None:
    """`undated node-a`: the reactor reads no lastTransitionTime of its conditions; `undated node-a no`: it does."""
    node, _, no = rest.partition(" ")
    undated = stage.undated.setdefault(node, Undated(stage.world, node))
    undated.on = not no


def _kill(stage: Stage, who: str) -> None:
    """An actor of the control plane, or the whole controller manager, is gone until it is started."""
    if who == "controller-manager":
        stage.manager.stop()
    else:
        stage.world.remove(stage.actors[who])


def _start(stage: Stage, who: str) -> None:
    if who == "controller-manager":
        stage.manager.start("kube-controller-manager-1")
    else:
        stage.world.add(stage.actors[who])


def _reactor(stage: Stage, how: str) -> None:
    """`reactor restarted`, `reactor forgot` (nothing is left), `reactor again` (every job comes once more)."""
    if how == "again":
        stage.reactor.again()
    else:
        stage.restart(forgetful=how == "forgot")


def _admin(stage: Stage) -> StoreClient:
    return stage.world.api.client("system:admin")


def _named(rest: str) -> tuple[str, str, str, str]:
    """`kind [namespace/]name more...`; kinds in the default namespace need not say it."""
    kind, name, *more = rest.split(" ", 2)
    namespace, _, plain = name.rpartition("/")
    everywhere = {
        "nodes",
        "namespaces",
        "persistentvolumes",
        "volumeattachments",
        "localvolumes",
        "localvolumereplicas",
        "networkfenceclasses",
    }
    return kind, plain, namespace or ("" if kind in everywhere else "default"), "".join(more)


def _patch(stage: Stage, rest: str, subresource: str = "", user: str = "system:admin") -> None:
    """`patch nodes node-b {spec: {unschedulable: true}}`; the pod `launcher-of-vm` is the VM's on node-a."""
    kind, name, namespace, change = _named(rest)
    if name.startswith("launcher-of-"):
        name = _launcher(stage, name.removeprefix("launcher-of-"))["metadata"]["name"]
    stage.world.api.client(user).patch(kind, name, yaml.safe_load(change), namespace, subresource=subresource)


def _status(stage: Stage, rest: str) -> None:
    """As KubeVirt would write it; a VM instance's status has no door of its own."""
    subresource = "" if rest.startswith("virtualmachineinstances ") else "status"
    _patch(stage, rest, subresource, "system:kubevirt:test")


def _annotate(stage: Stage, rest: str) -> None:
    """`annotate namespaces default vmdrift.io/policy=never`."""
    target, _, pair = rest.rpartition(" ")
    key, _, value = pair.partition("=")
    _patch(stage, f"{target} {{metadata: {{annotations: {{{key}: {value or 'null'}}}}}}}")


def _delete(stage: Stage, rest: str) -> None:
    """`delete volumeattachments csi-of-vm` means those of the VM's volumes to a lost node.

    `delete persistentvolumeclaims state-of-vm` means the claim that keeps its state.
    """
    kind, name, namespace, _ = _named(rest)
    names = [name]
    if name.startswith("state-of-"):
        labels = f"persistent-state-for={name.removeprefix('state-of-')}"
        names = [claim["metadata"]["name"] for claim in _admin(stage).list(kind, namespace, labels)]
    if name.startswith("csi-of-"):
        volume = f"default-{name.removeprefix('csi-of-')}-"
        held = _admin(stage).list(kind)
        names = [a["metadata"]["name"] for a in held if a["spec"]["source"]["persistentVolumeName"].startswith(volume)]
    for one in names:
        _admin(stage).delete(kind, one, namespace)


def _force_delete(stage: Stage, rest: str) -> None:
    """`force-delete vm` means its launchers, anything else the pod of that name."""
    pods = _admin(stage).list("pods", "default")
    for pod in pods:
        if rest in {pod["metadata"]["name"], pod["metadata"].get("labels", {}).get("vm.kubevirt.io/name")}:
            _admin(stage).delete("pods", pod["metadata"]["name"], "default", grace=0)


def _finalizer(stage: Stage, rest: str) -> None:
    """`finalizer vm example.com/release`: somebody's, on the VM's launcher on node-a; without a name: taken away."""
    vm, _, name = rest.partition(" ")
    wanted = {"metadata": {"finalizers": [name] if name else None}}
    _admin(stage).patch("pods", _launcher(stage, vm)["metadata"]["name"], wanted, "default")


def _launcher(stage: Stage, vm: str) -> Obj:
    labels, fields = f"vm.kubevirt.io/name={vm}", "spec.nodeName=node-a"
    (pod,) = _admin(stage).list("pods", "default", labels, fields)
    return pod


def _add_taint(stage: Stage, rest: str) -> None:
    """`add-taint node-b example.com/busy=yes:NoExecute`: one more; `taint` is what a person asks vm-drift for."""
    node, taint = rest.split()
    pair, _, effect = taint.rpartition(":")
    key, _, value = pair.partition("=")
    known = objects.taints(_admin(stage).get("nodes", node))
    new: Obj = {"key": key, "effect": effect} | ({"value": value} if value else {})
    _admin(stage).patch("nodes", node, {"spec": {"taints": [*known, new]}})


def _untaint(stage: Stage, node: str) -> None:
    """`untaint node-a`: somebody removes the out-of-service taint, as medik8s' operators do, and nothing else."""
    kept = [taint for taint in objects.taints(_admin(stage).get("nodes", node)) if taint["key"] != OUT_OF_SERVICE]
    _admin(stage).patch("nodes", node, {"spec": {"taints": kept or None}})


class _Harvester:
    """Its node controller removes every out-of-service taint, whoever set it."""

    name, watches = "harvester", ("nodes",)

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def step(self, now: float) -> None:
        del now
        for node in _admin(self._stage).list("nodes"):
            if any(taint["key"] == OUT_OF_SERVICE for taint in objects.taints(node)):
                _untaint(self._stage, node["metadata"]["name"])


def _renew(stage: Stage, node: str) -> None:
    """`renew node-a`: its Lease changes once; whatever lives there is not known."""
    renewed = {"spec": {"renewTime": objects.micro_time(stage.world.now)}}
    _admin(stage).patch("leases", node, renewed, "kube-node-lease")


def _restart(stage: Stage, vm: str) -> None:
    """As `virtctl restart` does."""
    uid = _admin(stage).get("virtualmachineinstances", vm, "default")["metadata"]["uid"]
    requests = [{"action": "Stop", "uid": uid}, {"action": "Start"}]
    asked = {"status": {"stateChangeRequests": requests}}
    _admin(stage).patch("virtualmachines", vm, asked, "default", subresource="status")


def _replace(stage: Stage, node: str) -> None:
    """Another machine registers under the name of one that was deleted."""
    old = _admin(stage).get("nodes", node)
    _admin(stage).delete("nodes", node)
    status = {name: value for name, value in old["status"].items() if name in {"addresses", "allocatable", "capacity"}}
    new = {"metadata": {"name": node, "labels": old["metadata"]["labels"]}, "spec": {}, "status": status}
    _admin(stage).create("nodes", new)
    stage.world.hypervisor.power_on(node)


def _create(stage: Stage, name: str) -> None:
    """A VM without a disk of its own, that wishes for node-a."""
    add_vm(_admin(stage), Vm(name, node="node-a"))


def _migrate(stage: Stage, vm: str) -> None:
    """Live until the VM's migration is in flight, which it stays."""
    migrate(stage.world, next(one for one in stage.vms if one.name == vm))


def _api_fails(stage: Stage, rest: str) -> None:
    """`api-fails delete 503 3 [late]`: the workers' next three deletes; late: after they took effect."""
    verb, code, times, *late = rest.split()
    fail(stage.world.api, int(code), int(times), verb=verb, late=bool(late))


def _api_away(stage: Stage, seconds: str) -> None:
    """The API server answers the workers 503 for so many seconds."""
    stage.world.api.faults.append(partial(_away, stage.world, stage.world.now + float(seconds)))


def _away(world: World, end: float, request: Request) -> ApiError | None:
    if request.user not in OURS or world.now >= end:
        return None
    return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", "the API server is starting")


class _SickKubelet:
    """A kubelet that is heard again and says that its node is not Ready."""

    watches = ("nodes",)

    def __init__(self, stage: Stage, node: str) -> None:
        self.name, self._node, self._client = f"sick-kubelet-{node}", node, stage.world.api.client("system:nodes")

    def step(self, now: float) -> float:
        renewed = {"spec": {"renewTime": objects.micro_time(now)}}
        self._client.patch("leases", self._node, renewed, "kube-node-lease")
        node = self._client.get("nodes", self._node)
        ready: Obj = {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "PLEG is not healthy"}
        if objects.condition(node, "Ready").get("status") != "False":
            changed = objects.with_condition(objects.conditions(node), ready | {"lastTransitionTime": rfc3339(now)})
            self._client.patch("nodes", self._node, {"status": {"conditions": changed}}, subresource="status")
        return now + 10


def _sick(stage: Stage, node: str) -> None:
    stage.actors[node] = _SickKubelet(stage, node)
    stage.world.add(stage.actors[node])


def _hold(stage: Stage, rest: str) -> None:
    """`hold all`, `hold node/node-a`, `hold vm/default/vm 600`: for so many seconds."""
    target, *lasts = rest.split()
    until = stage.world.now + float(lasts[0]) if lasts else None
    _note(stage, Intervention(HOLD, target, "ann", "maintenance", stage.world.now, until))


def _resume(stage: Stage, target: str) -> None:
    _note(stage, Intervention(HOLD, target, "", "", 0.0), lifted=True)


def _cancel(stage: Stage, target: str) -> None:
    _note(stage, _cancelling(stage, target))


def _retry(stage: Stage, target: str) -> None:
    """As `vmdrift retry` does."""
    _note(stage, _cancelling(stage, target), lifted=True)
    store = stage.reactor.store
    (record,) = [
        record for record in store.records(store.outages()[0].outage.id) if target.endswith(f"/{record.drift.vm}")
    ]
    lock = store.acquire(record.drift.vm.uid, 10.0)
    assert lock
    store.save(retried(record, "ann", stage.reactor.redis()), lock, [])
    store.release(lock)
    stage.reactor.queue.wake(drift_entry(record.drift), stage.reactor.redis())


def _confirm(stage: Stage, rest: str) -> None:
    """`confirm node-a`: somebody entitled says that it is off; `confirm node-a another-boot`, of another boot of it."""
    name, *boot = rest.split()
    node = _admin(stage).get("nodes", name)
    now = stage.world.now
    told = {"uid": node["metadata"]["uid"], "bootID": boot[0] if boot else node["status"]["nodeInfo"]["bootID"]}
    event = Event(NODE_FENCED, "/pdu", f"{now}", name, now, {**told, "how": "its lamp is out"})
    stage.reactor.inbox.accept([event], "ann")
    stage.nudge()


def _suspect(stage: Stage, node: str) -> None:
    """`suspect node-a`: its silence is seen before Kubernetes notices; its providers are asked, and it is taken in."""
    lease = _admin(stage).get("leases", node, NODE_LEASES)["spec"]["renewTime"]
    outage = node_view(_admin(stage).get("nodes", node)).with_lease(lease).early_outage(stage.reactor.redis())
    assert outage
    for entry in (fence_entry(outage), event_entry(unreachable(outage, "/suspicion"))):
        stage.reactor.queue.wake(entry, stage.reactor.redis())
    stage.nudge()


def _csi_addons(stage: Stage, how: str) -> None:
    """`csi-addons works`: it knows every node's storage clients; or it `fails`, or `hangs`."""
    if "network-fencer" not in stage.actors:
        addresses = add_storage_clients(_admin(stage), stage.world.hypervisor.machines)
        fencer = NetworkFencer(_admin(stage), stage.world.hypervisor, addresses)
        stage.actors[fencer.name] = fencer
        stage.world.add(fencer)
    _behave(stage.actors["network-fencer"], how)


def _medik8s(stage: Stage, how: str) -> None:
    """`medik8s works`: there is a template and an operator that powers off; or it `fails`, `hangs`, or `reboots`."""
    if "remediator" not in stage.actors:
        add_template(_admin(stage))
        operator = Remediator(_admin(stage), stage.world.hypervisor)
        stage.actors[operator.name] = operator
        stage.world.add(operator)
    _behave(stage.actors["remediator"], how)


def _metal3(stage: Stage, how: str) -> None:
    """`metal3 works`: every node runs on a host of it; or its operator `fails`, or `hangs`."""
    if "metal3-operator" not in stage.actors:
        hosts = add_hosts(_admin(stage), stage.world.hypervisor.machines)
        operator = Metal3Operator(_admin(stage), stage.world.hypervisor, hosts)
        stage.actors[operator.name] = operator
        stage.world.add(operator)
    _behave(stage.actors["metal3-operator"], how)


def _behave(actor: object, how: str) -> None:
    vars(actor).update(hangs=how == "hangs", fails="refused" if how == "fails" else "", reboots=how == "reboots")


def _remediate(stage: Stage, node: str) -> None:
    """`remediate node-a`: a health check's remediation of it, named otherwise."""
    owner = {"apiVersion": "remediation.medik8s.io/v1alpha1", "kind": "NodeHealthCheck", "name": "nhc", "uid": "nhc"}
    meta: Obj = {"name": "by-nhc", "namespace": "fencing", "annotations": {NODE_NAME: node}}
    meta |= {"ownerReferences": [owner]}
    made = {"kind": "FenceAgentsRemediation", "metadata": meta, "spec": {"agent": "fence_ipmilan"}}
    _admin(stage).create("fenceagentsremediations", made)


def _bmc(stage: Stage, rest: str) -> None:
    """`bmc works`: every machine has one; or that of a node `hangs`, `refuses`, is `deaf`, or is `swapped`."""
    how, *nodes = rest.split()
    machines = stage.world.hypervisor.machines
    bmcs = MachineBmcs(stage.world.hypervisor, {name: machine.system_uuid for name, machine in machines.items()})
    kinds = {"hangs": bmcs.hanging, "refuses": bmcs.refusing, "deaf": bmcs.deaf}
    if how in kinds:
        kinds[how].update(nodes)
    if how == "swapped":
        bmcs.swapped.update({nodes[0]: nodes[1]})
    stage.reactor.providers["redfish"] = Redfish(bmcs)


def _osd(stage: Stage, rest: str) -> None:
    """`osd rook-ceph node-e`: Rook's pod of an OSD in that namespace, on that node."""
    namespace, node = rest.split()
    meta = {"name": f"rook-ceph-osd-{node}", "namespace": namespace, "labels": {"app": "rook-ceph-osd"}}
    _admin(stage).create("pods", {"metadata": meta, "spec": {"nodeName": node, "containers": []}})


def _wish(kind: str) -> Callable[[Stage, str], None]:
    """`taint node-a`, `unfence node-a`: a person wants it, for the outage that is known of it."""

    def do(stage: Stage, node: str) -> None:
        config_map = _admin(stage).get("configmaps", FENCING, "vm-drift")
        (file,) = [file for file in fencings(config_map).values() if file.node.name == node]
        _note(stage, Intervention(kind, f"node/{node}", "ann", "I looked", stage.world.now, outage=file.outage.id))
        stage.reactor.queue.wake(fence_entry(file.outage), stage.reactor.redis())
        stage.nudge()

    return do


def _cancelling(stage: Stage, target: str) -> Intervention:
    outage = stage.reactor.store.outages()[0].outage.id
    return Intervention(CANCEL, target, "ann", "it is to stay down", stage.world.now, outage=outage)


def _note(stage: Stage, one: Intervention, *, lifted: bool = False) -> None:
    people = ApiCluster(stage.world.api, "ann")
    people.note(CONFIG_MAP, "vm-drift", {one.key: None if lifted else one.as_text()})


_HAPPENINGS: Mapping[str, Callable[[Stage, str], None]] = {
    "hold": _hold,
    "resume": _resume,
    "cancel": _cancel,
    "confirm": _confirm,
    "suspect": _suspect,
    "csi-addons": _csi_addons,
    "medik8s": _medik8s,
    "metal3": _metal3,
    "remediate": _remediate,
    "bmc": _bmc,
    "osd": _osd,
    "taint": _wish(TAINT),
    "unfence": _wish(UNFENCE),
    "retry": _retry,
    "clock": _clock,
    "undated": _undated,
    "kill": _kill,
    "start": _start,
    "reactor": _reactor,
    "redis": lambda stage, _flushed: stage.reactor.flush(),
    "patch": _patch,
    "status": _status,
    "annotate": _annotate,
    "cordon": lambda stage, node: _patch(stage, f"nodes {node} {{spec: {{unschedulable: true}}}}"),
    "uncordon": lambda stage, node: _patch(stage, f"nodes {node} {{spec: {{unschedulable: null}}}}"),
    "delete": _delete,
    "force-delete": _force_delete,
    "finalizer": _finalizer,
    "add-taint": _add_taint,
    "untaint": _untaint,
    "harvester": lambda stage, _works: stage.world.add(_Harvester(stage)),
    "renew": _renew,
    "restart": _restart,
    "replace": _replace,
    "create": _create,
    "migrate": _migrate,
    "api-fails": _api_fails,
    "api-away": _api_away,
    "sick-kubelet": _sick,
}
