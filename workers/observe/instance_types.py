"""What a VM's instance type and preference make of its template today: KubeVirt's answer, or that of a dump."""

from reactor.adapters.kubernetes.cluster import EXPAND_SPEC, Cluster
from reactor.model.errors import ClusterError, NotServed, Rejected
from reactor.model.objects import Obj, part, without_nulls
from workers.decide.observation import TYPES, VmView
from workers.decide.placement.instance_type import expanded


def expand(cluster: Cluster, name: str, namespace: str, vm: VmView) -> Obj | None:
    """The expanded spec of its template; None where it cannot be read, which is no failure. Raises nothing."""
    try:
        expanded_vm = cluster.find(EXPAND_SPEC, name, namespace)
    except (NotServed, Rejected):
        return _by_revisions(cluster, namespace, vm)
    except ClusterError:  # virt-api is another service than the API server, and may be away alone
        return None
    return without_nulls(part(expanded_vm, "spec", "template", "spec")) or None


def _by_revisions(cluster: Cluster, namespace: str, vm: VmView) -> Obj | None:
    specs = {kind: _spec(cluster, vm.revisions.get(kind, ""), namespace) for kind in vm.typed}
    kind, preference = (specs.get(field, {}) for field in TYPES)
    return None if kind is None or preference is None else expanded(vm.template, kind, preference)


def _spec(cluster: Cluster, name: str, namespace: str) -> Obj | None:
    """Of the object that a ControllerRevision holds. Of a cluster-wide one the VM's namespace holds a copy, too."""
    try:
        revision = cluster.find("controllerrevisions", name, namespace) if name else None
    except ClusterError:
        return None
    return without_nulls(part(revision, "data", "spec")) or None
