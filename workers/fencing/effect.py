"""What a fence would do: the VMs of the node as their drifts would judge them if it were proven dead.

The reader and the checks of a drift are used (`workers.observe`, `workers.decide`), so no rule is written twice.
It costs a few requests per VM, so it is done right before a provider is asked, and at no other time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reactor.adapters.kubernetes.cluster import PAGE, Cluster, Page
from reactor.model.drift import Phase, Policy, Record
from reactor.model.errors import ClusterError, ClusterUnreachable, FenceError, InvalidName, NotServed, Rejected
from reactor.model.fencing import CONFIG_MAP, ChosenRelease, Confirmation, Fencing, ReleaseWay, Target, fencings
from reactor.model.identity import Drift
from reactor.model.intervention import HOLD, vm_target
from reactor.model.objects import JsonObject, part, text
from workers.context import Tools
from workers.decide import decide
from workers.drift.run import first_record
from workers.fencing.decide.effect import Effect, VmEffect, ceph_at_risk, namespace_vetoes, vm_effect
from workers.fencing.providers.network_fence import reach
from workers.observe import observe
from workers.observe.all_nodes import with_unnoticed
from workers.observe.cache import Surroundings, listed
from workers.observe.launchers import on_node

_CEPH = "app in (rook-ceph-mon,rook-ceph-osd)"  # Rook's labels
_FINISHED = frozenset({"Succeeded", "Failed"})
_RELEASED = frozenset({Phase.RELEASED, Phase.DETACHING})  # a volume of it may still be held by the lost node


class IfFenced:
    """A Cluster in which the file says that its boot is proven dead; everything else is as it is, and stays so."""

    def __init__(self, cluster: Cluster, supposed: Fencing) -> None:
        self._cluster, self._supposed = cluster, supposed

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """As the Cluster's."""
        if (resource, name) == ("configmaps", CONFIG_MAP):
            return {"data": {self._supposed.key: self._supposed.as_text()}}
        return self._cluster.find(resource, name, namespace)

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Iterator[Page]:
        """As the Cluster's."""
        return self._cluster.pages(resource, namespace=namespace, labels=labels, fields=fields, limit=limit)

    def delete(self, resource: str, name: str, namespace: str = "", **more: object) -> None:  # noqa: ARG002
        """Nothing is changed."""
        raise Rejected("what is only supposed is never acted on")

    def time(self) -> float | None:
        """As the Cluster's."""
        return self._cluster.time()


@dataclass(frozen=True, slots=True)
class AssumedProven:
    """What is judged with: the file as it would be with the proof, and the rest as it is."""

    proven: Fencing
    cluster: Cluster
    policy: Policy
    now: float
    cache: Surroundings

    def vm_effect(self, record: Record) -> VmEffect:
        """Of one VM. One that cannot be read, or is of a kind that is not served, costs only itself: it stays."""
        if record.ended:
            return VmEffect(record.phase, record.reason)
        policy, proof = self.policy, self.proven.proof
        drivers = [driver for driver, _ in proof.storage] if proof else []
        try:
            fenced_cluster = IfFenced(self.cluster, self.proven)
            observation = observe(fenced_cluster, replace(record, tries=0), policy, self.now, self.cache)
            observation = replace(observation, date=self.cluster.time())
        except ClusterUnreachable:
            return VmEffect(Phase.BLOCKED, "api-unavailable")
        except (NotServed, Rejected, InvalidName):
            return VmEffect(Phase.BLOCKED, "api-refused")
        return vm_effect(decide(observation, record, policy, self.now), observation, drivers)


def effect(file: Fencing, provider: str, tools: Tools, cluster: Cluster, cache: Surroundings) -> Effect:
    """Of a fence by this provider. Raises ClusterError, StoreError: then it is not known, and no provider is asked."""
    now = tools.clock()
    proven = proving(file, provider, cluster, cache, now)
    supposed = AssumedProven(proven, cluster, tools.policy, now, cache)
    return effect_on(_records(file, tools, cluster), supposed)


def effect_on(records: Sequence[Record], supposed: AssumedProven) -> Effect:
    """On these VMs. Holds are read last: they may be asked for while all of this is looked at. Raises ClusterError."""
    effects = {str(record.drift.vm): supposed.vm_effect(record) for record in records}
    power = _power(supposed)
    return Effect(
        tuple(vm for vm, vm_effect in effects.items() if vm_effect.moves),
        tuple((vm, vm_effect.reason) for vm, vm_effect in effects.items() if vm_effect.stays),
        (*namespace_vetoes(_annotations(records, supposed)), *_holds(records, supposed)),
        power,
    )


def proving(file: Fencing, provider: str, cluster: Cluster, cache: Surroundings, now: float) -> Fencing:
    """The file as it would be with this provider's proof, and nothing to wait for any more."""
    storage = _storage(file, cluster, cache) if provider == "network-fence" else ()
    proof = Confirmation(provider, provider, "It is only supposed.", now, file.lease, file.heartbeat, storage)
    at_once = ChosenRelease(ReleaseWay.FORCE_DELETE, "It is only supposed.", now)
    return replace(file, confirmation=proof, void="", release=at_once)


def _storage(file: Fencing, cluster: Cluster, cache: Surroundings) -> tuple[tuple[str, str], ...]:
    """() where it is not known what would be blocked: then the provider itself reports that when it is asked."""
    try:
        return reach(cluster, Target(file.outage, file.boot), cache.csi_addons)
    except FenceError:
        return ()


def _records(file: Fencing, tools: Tools, cluster: Cluster) -> list[Record]:
    """The drifts of all VMs that have a launcher on the node, and of those whose volumes it may still hold."""
    by_vm = {record.drift.vm: record for record in tools.store.records(file.outage.id)}
    on_this_node = dict(on_node(cluster, file.node.name))
    records = [by_vm.get(vm) or first_record(Drift(vm, file.outage), tools, uid) for vm, uid in on_this_node.items()]
    elsewhere = (record for vm, record in by_vm.items() if vm not in on_this_node and not vm.is_instance)
    return records + [record for record in elsewhere if record.phase in _RELEASED]


def _annotations(records: Sequence[Record], supposed: AssumedProven) -> dict[str, Mapping[str, str]]:
    """Of the namespaces of the VMs."""
    names = sorted({record.drift.vm.namespace for record in records})
    namespaces = {name: supposed.cache.find(supposed.cluster, "namespaces", name) or {} for name in names}
    return {name: part(namespace, "metadata", "annotations") for name, namespace in namespaces.items()}


def _holds(records: Sequence[Record], supposed: AssumedProven) -> tuple[str, ...]:
    """People's holds on any VM of the node, as they are now."""
    targets = {vm_target(record.drift.vm) for record in records}
    holds = [
        hold for hold in supposed.cache.interventions(supposed.cluster) if hold.kind == HOLD and hold.target in targets
    ]
    return tuple(hold.sentence for hold in holds if not hold.is_over(supposed.cluster.time() or 0.0))


def _power(supposed: AssumedProven) -> str:
    """Why no power may be cut because of Ceph. What is not known is no permission."""
    lost = supposed.proven.node.name
    try:
        pods = listed(supposed.cluster, "pods", namespace=supposed.policy.ceph_namespace, labels=_CEPH)
    except ClusterError as error:
        return f"whether Ceph's hosts are up cannot be read: {error}"
    running = [pod for pod in pods if text(pod, "status", "phase") not in _FINISHED]
    hosts = {text(pod, "spec", "nodeName") or lost for pod in running}
    cluster, cache = supposed.cluster, supposed.cache
    files = fencings(cache.fencings(cluster))
    return ceph_at_risk(hosts, with_unnoticed(cache.nodes(cluster), cache.renewals(cluster), files, cache), lost)
