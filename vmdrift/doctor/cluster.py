"""Findings about the cluster and about our rights in it. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from reactor.model.machine_uuid import twins
from reactor.settings import Settings
from vmdrift.doctor.facts import ClusterFacts, KubeVirt, Skew, Unreadable
from vmdrift.doctor.finding import Finding, failed, listed, ok, sentence, unknown, unknown_or_forbidden, warning
from vmdrift.doctor.needs import OPTIONAL, Right, rights
from vmdrift.doctor.versions import version_findings
from workers.config_maps import creating
from workers.fencing.decide.allowed import unusable

_REACH = (
    "Set KUBECONFIG to a kubeconfig file, or run this in a pod that has a ServiceAccount; check that its API server "
    "can be reached from here and that its token is valid (kubectl get --raw /version)."
)
_INSTALL = "Install KubeVirt (https://kubevirt.io), or check that KUBECONFIG names the right cluster."
_RULES = "Grant the user who runs this the rights of k8s/base/rbac.yaml, for fencing also of k8s/components/fencing"
_INSTALL_KIND = "Install it, or remove the provider that needs it from VMDRIFT_FENCING (docs/fencing.md)."


def cluster_findings(facts: ClusterFacts | Unreadable, settings: Settings, roles: Sequence[str]) -> Iterator[Finding]:
    """The API server first, then what is in it, then verb by verb."""
    if isinstance(facts, Unreadable):
        yield failed("API server", sentence(facts.why), _REACH)
        for check in ("KubeVirt", "versions", "nodes", "access"):
            yield unknown(check, Unreadable("the API server gives no answer"), "Fix access to the API server first.")
        return
    yield ok("API server", f"{facts.host} answers.")
    yield _kubevirt(facts.kubevirt)
    yield from version_findings(facts)
    yield _nodes(facts, settings)
    yield _manager(facts.manager)
    yield from _config_maps(facts.notebooks, settings)
    yield from _machines(facts, settings)
    yield from _annotations(facts, settings)
    if isinstance(facts.allowed, Unreadable):
        yield unknown("access", facts.allowed, "Allow the user who runs this to ask (ClusterRole system:basic-user).")
    else:
        yield from _access(facts.allowed, rights(roles, settings))
        if optional := [kind for kind in facts.absent if kind in OPTIONAL]:
            yield ok("access", f"{listed(optional)}: not installed, so nothing is needed.", "optional kinds")
        for kind in (kind for kind in facts.absent if kind not in OPTIONAL):
            yield failed("fencing", f"{kind} is not installed, so its provider can prove nothing.", _INSTALL_KIND)


def _kubevirt(kubevirt: KubeVirt | Unreadable | None) -> Finding:
    if kubevirt is None:
        return failed("KubeVirt", "It is not installed: this API server does not serve VirtualMachines.", _INSTALL)
    if isinstance(kubevirt, Unreadable):
        why = "whoever runs this may not list kubevirts.kubevirt.io" if kubevirt.refused else kubevirt.why.rstrip(".")
        text = f"It is installed; its version is unknown: {why}."
        return warning("KubeVirt", text, "Only the version is missing; see kubectl get kubevirt -A.")
    if kubevirt.phase not in {"", "Deployed"}:
        text = f"{kubevirt.version or 'Its version is unknown'}; its operator reports {kubevirt.phase}."
        return warning("KubeVirt", text, "Check its operator: kubectl get kubevirt -A -o yaml.")
    if not kubevirt.version:
        return warning("KubeVirt", "It is installed; no KubeVirt object reports its version.", "Check its operator.")
    return ok("KubeVirt", f"{kubevirt.version} is deployed.")


def _nodes(facts: ClusterFacts, settings: Settings) -> Finding:
    if isinstance(facts.nodes, Unreadable):
        return unknown_or_forbidden("nodes", facts.nodes, "Run it as a user who may list nodes.")
    available, minimum = sum(node.available for node in facts.nodes), settings.min_available_nodes
    text = f"{available} of {len(facts.nodes)} are available (Ready and not cordoned)"
    if available < minimum:
        fix = "Bring nodes back, or uncordon them; no VM is moved until then."
        return failed("nodes", f"{text}; VMDRIFT_MIN_AVAILABLE_NODES is {minimum}.", fix)
    lost = [node.name for node in facts.nodes if node.lost]
    if lost:
        return warning("nodes", f"{text}; lost: {listed(lost)}.", "`vmdrift status` shows what is done about it.")
    return ok("nodes", f"{text}; at least {minimum} are needed.")


def _machines(facts: ClusterFacts, settings: Settings) -> Iterator[Finding]:
    """Where a provider identifies machines by their UUIDs."""
    if "redfish" not in settings.fencing or isinstance(facts.nodes, Unreadable):
        return
    if duplicated := twins({node.name: node.machine for node in facts.nodes}):
        text = f"{listed(sorted(duplicated))} have a system UUID that another node also has, so it identifies neither."
        fix = "Pin each machine's own UUID in its file in VMDRIFT_BMC_DIR (docs/fencing.md)."
        yield warning("machines", text, fix)
    else:
        yield ok("machines", "Every node's system UUID is unique.")


def _annotations(facts: ClusterFacts, settings: Settings) -> Iterator[Finding]:
    """Of nodes, about which providers may fence them."""
    for node in () if isinstance(facts.nodes, Unreadable) else facts.nodes:
        problem, fix = unusable(node, settings.to_policy())
        if problem:
            yield warning("fencing", problem, fix, node.name)


def _manager(skew: Skew | Unreadable | None) -> Finding:
    """The controller manager: its clock says since when a node is lost."""
    if isinstance(skew, Skew):
        return ok("controller manager", "Its Lease is renewed; windows are counted by its clock.")
    if skew is None:
        text = (
            "It has no Lease (kube-system/kube-controller-manager). Windows start later, when vm-drift first sees the "
            "outage."
        )
        return warning("controller manager", text, "Usual for a managed control plane; then there is nothing to fix.")
    return unknown_or_forbidden("controller manager", skew, _LEASE)


_LEASE = "Check kubectl -n kube-system get lease kube-controller-manager."


def _config_maps(config_maps: Mapping[str, Unreadable | None], settings: Settings) -> Iterator[Finding]:
    """What people and other systems report lasts only where it can be written."""
    for name, trouble in config_maps.items():
        if trouble is None:
            yield ok("ConfigMaps", "It can be written (checked by a dry run).", name)
        else:
            text = f"It cannot be written: {trouble.why.rstrip('.')}."
            yield failed("ConfigMaps", text, creating(name, settings.namespace), name)


def _access(allowed: Mapping[Right, bool], needed: Mapping[Right, Sequence[str]]) -> Iterator[Finding]:
    kinds = dict.fromkeys((right.resource, right.name) for right in allowed)
    for resource, name in kinds:
        of_kind = sorted((right for right in allowed if (right.resource, right.name) == (resource, name)), key=_by_verb)
        granted = [right.verb for right in of_kind if allowed[right]]
        refused = [right for right in of_kind if not allowed[right]]
        about = f"{resource}/{name}" if name else resource
        if not refused:
            yield ok("access", f"{listed(granted)}.", about)
            continue
        verbs = listed([right.verb for right in refused])
        who = listed(sorted({role for right in refused for role in needed[right]}))
        text = f"{verbs} not allowed, and needed by {who}{f'; {listed(granted)} allowed' if granted else ''}."
        yield failed("access", text, f"{_RULES} (ClusterRole {_cluster_roles(refused, needed)}).", about)


def _by_verb(right: Right) -> int:
    """In the order in which people name them."""
    return ("get", "list", "watch", "create", "patch", "delete").index(right.verb)


def _cluster_roles(refused: Sequence[Right], needed: Mapping[Right, Sequence[str]]) -> str:
    return listed(sorted({f"vm-drift-{role}" for right in refused for role in needed[right]}))
