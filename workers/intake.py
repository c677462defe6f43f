"""An outage -> its VMs -> one drift each. The same code is the sweep: told again, it repairs whatever was lost.

Only the lost node's own pods are listed. An outage that is new to the records is also looked for in the
VolumeAttachments that still name its node: a VM that was released before the records were lost has no pod there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import structlog

from reactor.doors.cloudevents import encode
from reactor.doors.cluster import Cluster, Obj
from reactor.doors.queue import drift_entry, fence_entry
from reactor.model.drift import Ended, OutageRecord, Record, Signs
from reactor.model.errors import BadInput
from reactor.model.event import NODE_RECOVERED, NODE_UNREACHABLE, Event
from reactor.model.identity import INSTANCE, Drift, Outage, VmRef, take
from reactor.model.node import NodeView, goes_on, node_view
from workers.decide.fencing import providers
from workers.drift import decided, first_record
from workers.moment import timed
from workers.news import news
from workers.observe import lease
from workers.tools import Tools

log = structlog.get_logger()

_LAUNCHER = "kubevirt.io=virt-launcher"


@dataclass(frozen=True, slots=True)
class _Instance:
    """A VM instance that a lost node still has, or still holds volumes of. `uid` is "" where it is not known."""

    namespace: str
    name: str
    uid: str


def take_event(event: Event, tools: Tools) -> Ended:
    """Take in one CloudEvent; it is a hint, so what it says is looked up. Raises BadInput, ClusterError, StoreError."""
    if event.type not in {NODE_UNREACHABLE, NODE_RECOVERED}:
        raise BadInput(f"event.type: {event.type[:80]!r} is not taken in here")
    outage = Outage.of(take(event.data, "outage", dict, "event.data"), "event.data.outage")
    tools = timed(tools)
    found = tools.cluster.find("nodes", outage.node.name)
    node = node_view(found) if found else None
    return _sweep(outage, node, tools) if goes_on(node, outage) else _over(outage, node, tools)


def _sweep(outage: Outage, node: NodeView | None, tools: Tools) -> Ended:
    known = tools.store.outage(outage.id)
    records = tools.store.records(outage.id)
    pods = list(_launchers(tools.cluster, fields=f"spec.nodeName={outage.node.name}"))
    instances = {_instance(pod) for pod in pods}
    if known is None:
        instances |= set(_holders(tools.cluster, outage, pods))
    new = sorted(instances - _recorded(records), key=str)
    signs = _signs(node, outage, tools) if new and node else None
    for instance in new:
        record = _begin(instance, outage, signs, tools)
        records += [record] if record else []
    moved = _wake(records, tools)
    if node and providers(node, tools.policy):
        tools.queue.wake(fence_entry(outage), tools.clock())
    # A deleted node may never come back to end its outage.
    done = node is None and not pods and moved == 0
    if known is None or done:
        # Last, so that a crash before this line makes the next sweep look at the VolumeAttachments again.
        tools.store.save_outage(known or OutageRecord(outage, tools.clock()), done=done)
    return Ended("swept", "outage", f"{outage.node.name}: {len(records)} VMs, {moved} under way.")


def _over(outage: Outage, node: NodeView | None, tools: Tools) -> Ended:
    """The node is back or was replaced. What was released goes on to its end; the rest ends as cancelled."""
    known = tools.store.outage(outage.id)
    if known is None:
        return Ended("ignored", "unknown-outage", f"{outage.node.name} has no such outage any more.")
    records = tools.store.records(outage.id)
    now = tools.clock()
    moved = _wake([replace(record, again_at=now) for record in records if not record.ended], tools)
    over = replace(known, recovered_at=known.recovered_at or now)
    tools.store.save_outage(over, done=moved == 0)
    state = node.ready if node else "deleted"
    return Ended("recovered", "outage-over", f"{outage.node.name} is {state or 'new'}; {moved} drifts still under way.")


def _wake(records: Iterable[Record], tools: Tools) -> int:
    going, now = [record for record in records if not record.ended], tools.clock()
    tools.queue.wake_all([(drift_entry(record.drift), _due(record, now)) for record in going])
    return len(going)


def _due(record: Record, now: float) -> float:
    """As it asked; at once where the clock was set back since, so that it does not sleep until that is made up for."""
    return now if record.again_at is None or record.changed_at > now else record.again_at


def _recorded(records: Iterable[Record]) -> set[_Instance]:
    """What has a drift in this outage already, whatever instance of it was seen now.

    Whose VM was deleted may stand behind another VM by now, which was made under its name.
    """
    found: set[_Instance] = set()
    for record in records:
        if record.ended and record.reason == "vm-deleted":
            continue
        vm = record.drift.vm
        found |= {_Instance(vm.namespace, vm.name, record.vmi_uid), _Instance(vm.namespace, vm.name, "")}
    return found


def _signs(node: NodeView, outage: Outage, tools: Tools) -> Signs:
    """What the lost node said last. Read now, so that at the window's end it is known whether it changed."""
    return Signs(lease(tools.cluster, outage), node.heartbeat, tools.clock())


def _begin(instance: _Instance, outage: Outage, signs: Signs | None, tools: Tools) -> Record | None:
    vm = _who(instance, tools.cluster)
    if vm is None:
        log.info("its VM is gone: nobody would start it again", instance=f"{instance}")
        return None
    return _first(Drift(vm, outage), instance.uid, signs, tools)


def begin(vm: VmRef, vmi_uid: str, node: NodeView, outage: Outage, tools: Tools) -> Record:
    """The drift of one VM, as it stands or new, and of no other VM of its node. Raises ClusterError, StoreError."""
    drift = Drift(vm, outage)
    return tools.store.record(drift.id) or _first(drift, vmi_uid, _signs(node, outage, tools), tools)


def _first(drift: Drift, vmi_uid: str, signs: Signs | None, tools: Tools) -> Record:
    record = first_record(drift, tools, vmi_uid, signs)
    events = [encode(event) for event in news(None, record, tools.source, tools.clock())]
    if tools.store.create(record, events):
        log.info(record.sentence, **decided(record))
        return record
    return tools.store.record(drift.id) or record


def on_node(cluster: Cluster, node: str) -> Iterator[tuple[VmRef, str]]:
    """Each VM that has a launcher pod on the node, with the uid of that instance. Raises ClusterError."""
    instances = {_instance(pod) for pod in _launchers(cluster, fields=f"spec.nodeName={node}")}
    for instance in sorted(instances, key=str):
        if vm := _who(instance, cluster):
            yield vm, instance.uid


def _who(instance: _Instance, cluster: Cluster) -> VmRef | None:
    """The VM of an instance, or the instance itself where no VM stands behind it."""
    vm = cluster.find("virtualmachines", instance.name, instance.namespace)
    if vm:
        return VmRef(instance.namespace, instance.name, vm["metadata"]["uid"])
    vmi = cluster.find("virtualmachineinstances", instance.name, instance.namespace)
    if vmi is None or vmi["metadata"]["uid"] != instance.uid:
        return None
    owners = {owner["kind"]: owner["name"] for owner in vmi["metadata"].get("ownerReferences", [])}
    if "VirtualMachine" in owners:
        return None
    owner = owners.get("VirtualMachineInstanceReplicaSet", "")
    return VmRef(instance.namespace, instance.name, instance.uid, INSTANCE, owner)


def _launchers(cluster: Cluster, *, namespace: str = "", fields: str = "") -> Iterator[Obj]:
    for page in cluster.pages("pods", namespace=namespace, labels=_LAUNCHER, fields=fields):
        yield from page.items


def _instance(pod: Obj) -> _Instance:
    meta = pod["metadata"]
    owner: Obj = next((o for o in meta.get("ownerReferences", []) if o["kind"] == "VirtualMachineInstance"), {})
    labels = meta.get("labels", {})
    name = owner.get("name") or labels.get("vm.kubevirt.io/name", "")
    return _Instance(meta["namespace"], name, owner.get("uid") or labels.get("kubevirt.io/created-by", ""))


def _holders(cluster: Cluster, outage: Outage, pods: Iterable[Obj]) -> Iterator[_Instance]:
    """VolumeAttachments of the lost node -> PersistentVolume -> claim -> the VM whose launcher pod now wants it."""
    explained = {key for pod in pods for key in _claims(pod)}
    for namespace, claim in sorted(_held_claims(cluster, outage.node.name) - explained):
        for pod in _launchers(cluster, namespace=namespace):
            if (namespace, claim) in _claims(pod):
                yield replace(_instance(pod), uid="")


def _held_claims(cluster: Cluster, node: str) -> set[tuple[str, str]]:
    claims = set()
    for page in cluster.pages("volumeattachments"):
        for attachment in page.items:
            name = attachment["spec"].get("source", {}).get("persistentVolumeName")
            if attachment["spec"]["nodeName"] != node or not name:
                continue
            pv = cluster.find("persistentvolumes", name)
            ref = pv["spec"].get("claimRef", {}) if pv else {}
            claims.add((ref.get("namespace", ""), ref.get("name", "")))
    return claims


def _claims(pod: Obj) -> set[tuple[str, str]]:
    claims = (v.get("persistentVolumeClaim", {}).get("claimName") for v in pod["spec"].get("volumes", []))
    return {(pod["metadata"]["namespace"], claim) for claim in claims if claim}
