"""What is to be said of the cluster and of our rights in it. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from reactor.model.machine_uuid import twins
from reactor.settings import Settings
from vmdrift.doctor.facts import ClusterFacts, KubeVirt, Skew, Unreadable
from vmdrift.doctor.finding import Finding, failed, listed, ok, overlooked, sentence, unknown, warning
from vmdrift.doctor.needs import OPTIONAL, Right, rights
from workers.config_maps import creating
from workers.fencing.decide.allowed import unusable

_REACH = (
    "Set KUBECONFIG to a kubeconfig file, or run this in a pod that has a ServiceAccount; see that its API server can "
    "be reached from here and that its token is good (kubectl get --raw /version)."
)
_INSTALL = "Install KubeVirt (https://kubevirt.io), or see that KUBECONFIG names the right cluster."
_RULES = "Bind whoever runs this to what k8s/base/rbac.yaml gives, for fencing k8s/components/fencing"
_NOBODY = "Install it, or take the provider that stands on it out of VMDRIFT_FENCING (docs/fencing.md)."


def cluster_findings(facts: ClusterFacts | Unreadable, settings: Settings, roles: Sequence[str]) -> Iterator[Finding]:
    """The API server first, then what is in it, then verb by verb."""
    if isinstance(facts, Unreadable):
        yield failed("API server", sentence(facts.why), _REACH)
        for check in ("KubeVirt", "nodes", "access"):
            yield unknown(check, Unreadable("the API server gives no answer"), "Mend the way to the API server first.")
        return
    yield ok("API server", f"{facts.host} answers.")
    yield _kubevirt(facts.kubevirt)
    yield _nodes(facts, settings)
    yield _manager(facts.manager)
    yield from _notebooks(facts.notebooks, settings)
    yield from _machines(facts, settings)
    yield from _annotations(facts, settings)
    if isinstance(facts.allowed, Unreadable):
        yield unknown("access", facts.allowed, "See that whoever runs this may ask (ClusterRole system:basic-user).")
    else:
        yield from _access(facts.allowed, rights(roles, settings))
        if spared := [kind for kind in facts.absent if kind in OPTIONAL]:
            yield ok("access", f"{listed(spared)}: not installed, so nothing is needed.", "optional kinds")
        for kind in (kind for kind in facts.absent if kind not in OPTIONAL):
            yield failed("fencing", f"{kind} is not installed, so its provider can prove nothing.", _NOBODY)


def _kubevirt(found: KubeVirt | Unreadable | None) -> Finding:
    if found is None:
        return failed("KubeVirt", "It is not installed: this API server knows no VirtualMachines.", _INSTALL)
    if isinstance(found, Unreadable):
        why = "whoever runs this may not list kubevirts.kubevirt.io" if found.refused else found.why.rstrip(".")
        told = f"It is installed; its version cannot be told: {why}."
        return warning("KubeVirt", told, "Only the version is missing: ask kubectl get kubevirt -A.")
    if found.phase not in {"", "Deployed"}:
        told = f"{found.version or 'Its version is not told'}; its operator says {found.phase}."
        return warning("KubeVirt", told, "Look at its operator: kubectl get kubevirt -A -o yaml.")
    if not found.version:
        return warning("KubeVirt", "It is installed; no KubeVirt object tells its version.", "Look at its operator.")
    return ok("KubeVirt", f"{found.version} is deployed.")


def _nodes(facts: ClusterFacts, settings: Settings) -> Finding:
    if isinstance(facts.nodes, Unreadable):
        return overlooked("nodes", facts.nodes, "Run it as somebody who may list nodes.")
    available, least = sum(node.available for node in facts.nodes), settings.min_available_nodes
    told = f"{available} of {len(facts.nodes)} are available (Ready and not cordoned)"
    if available < least:
        fix = "Bring nodes back, or uncordon them; nothing is moved before."
        return failed("nodes", f"{told}; VMDRIFT_MIN_AVAILABLE_NODES is {least}.", fix)
    lost = [node.name for node in facts.nodes if node.outage]
    if lost:
        return warning("nodes", f"{told}; lost: {listed(lost)}.", "`vmdrift status` shows what is done about it.")
    return ok("nodes", f"{told}; at least {least} are needed.")


def _machines(facts: ClusterFacts, settings: Settings) -> Iterator[Finding]:
    """Where a provider tells machines by their UUIDs."""
    if "redfish" not in settings.fencing or isinstance(facts.nodes, Unreadable):
        return
    if found := twins({node.name: node.machine for node in facts.nodes}):
        told = f"{listed(sorted(found))} bear a system UUID that another node bears, too: it identifies nobody."
        fix = "Pin each machine's own UUID in its file in VMDRIFT_BMC_DIR (docs/fencing.md)."
        yield warning("machines", told, fix)
    else:
        yield ok("machines", "Every node's system UUID is its own.")


def _annotations(facts: ClusterFacts, settings: Settings) -> Iterator[Finding]:
    """Of nodes, about who may fence them."""
    for node in () if isinstance(facts.nodes, Unreadable) else facts.nodes:
        odd, fix = unusable(node, settings.to_policy())
        if odd:
            yield warning("fencing", odd, fix, node.name)


def _manager(found: Skew | Unreadable | None) -> Finding:
    """Its clock says since when a node is lost."""
    if isinstance(found, Skew):
        return ok("controller manager", "Its Lease is renewed; windows are counted by its clock.")
    if found is None:
        told = (
            "It shows no Lease (kube-system/kube-controller-manager). Windows count from our own first sighting, later."
        )
        return warning(
            "controller manager", told, "Usual where the control plane is somebody else's; nothing to mend then."
        )
    return overlooked("controller manager", found, _LEASE)


_LEASE = "Ask kubectl -n kube-system get lease kube-controller-manager."


def _notebooks(found: Mapping[str, Unreadable | None], settings: Settings) -> Iterator[Finding]:
    """What people and others say lasts only where it can be written down."""
    for name, trouble in found.items():
        if trouble is None:
            yield ok("ConfigMaps", "It can be written (tried without changing anything).", name)
        else:
            told = f"It cannot be written: {trouble.why.rstrip('.')}."
            yield failed("ConfigMaps", told, creating(name, settings.namespace), name)


def _access(allowed: Mapping[Right, bool], needed: Mapping[Right, Sequence[str]]) -> Iterator[Finding]:
    kinds = dict.fromkeys((right.resource, right.name) for right in allowed)
    for resource, name in kinds:
        mine = sorted((one for one in allowed if (one.resource, one.name) == (resource, name)), key=_by_verb)
        granted = [right.verb for right in mine if allowed[right]]
        refused = [right for right in mine if not allowed[right]]
        about = f"{resource}/{name}" if name else resource
        if not refused:
            yield ok("access", f"{listed(granted)}.", about)
            continue
        verbs = listed([right.verb for right in refused])
        who = listed(sorted({role for right in refused for role in needed[right]}))
        told = f"{verbs} not allowed, and needed by {who}{f'; {listed(granted)} allowed' if granted else ''}."
        yield failed("access", told, f"{_RULES} (ClusterRole {_cluster_roles(refused, needed)}).", about)


def _by_verb(right: Right) -> int:
    """As people name them."""
    return ("get", "list", "watch", "create", "patch", "delete").index(right.verb)


def _cluster_roles(refused: Sequence[Right], needed: Mapping[Right, Sequence[str]]) -> str:
    return listed(sorted({f"vm-drift-{role}" for right in refused for role in needed[right]}))
