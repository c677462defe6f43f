"""Which BareMetalHost a Node runs on, and whether its operator can be asked to switch it off.

What names it is the Node's providerID: cluster-api-provider-metal3 writes `metal3://NAMESPACE/HOST/METAL3MACHINE`
(before: `metal3://UID`), OpenShift's `baremetalhost:///NAMESPACE/HOST/UID`. Kubernetes lets nobody change it, and no
tenant writes a Node; but a kubelet may name one when it registers. So it must be a host of the one namespace that is
trusted (anybody can make one in another), the host must be used by the machine that the providerID names, and no
second Node may name it: in doubt nothing is switched off.
"""

from collections.abc import Iterable
from typing import NamedTuple

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.errors import FenceError, NotFound, NotServed
from reactor.model.fencing import some
from reactor.model.names import is_name
from reactor.model.objects import JsonObject, part, text
from workers.observe.cache import listed

HOSTS = "baremetalhosts"
_METAL3, _OPENSHIFT = "metal3://", "baremetalhost:///"
_PAUSED, _DETACHED = "baremetalhost.metal3.io/paused", "baremetalhost.metal3.io/detached"
_IN_USE = frozenset({"provisioned", "externally provisioned"})


class HostId(NamedTuple):
    """What a providerID says; "" for what it does not. `machine`: the Metal3Machine that uses the host."""

    namespace: str = ""
    name: str = ""
    uid: str = ""
    machine: str = ""

    def names(self, host: JsonObject) -> bool:
        """Is it this host? One that is named in two ways must be it in both."""
        meta = host["metadata"]
        said = {"namespace": self.namespace, "name": self.name, "uid": self.uid}
        return any(said.values()) and all(value in {"", meta.get(field)} for field, value in said.items())


def host_id(provider_id: str) -> HostId:
    """All "" where it names no BareMetalHost."""
    for prefix in (_OPENSHIFT, _METAL3):
        if provider_id.startswith(prefix):
            return _host_id(prefix, provider_id.removeprefix(prefix).split("/"))
    return HostId()


def _host_id(prefix: str, words: list[str]) -> HostId:
    if not all(map(is_name, words)):
        return HostId()
    match words:
        case [namespace, name, uid] if prefix == _OPENSHIFT:
            return HostId(namespace, name, uid)
        case [namespace, name, machine]:
            return HostId(namespace, name, machine=machine)
        case [uid] if prefix == _METAL3:
            return HostId(uid=uid)
    return HostId()


def host_of(cluster: Cluster, node: JsonObject, trusted: str) -> JsonObject:
    """The BareMetalHost of this Node, in the namespace that is `trusted`. Raises ClusterError, FenceError."""
    name, wanted = node["metadata"]["name"], _wanted(node)
    if wanted == HostId():
        said = text(node, "spec", "providerID")[:100]
        raise FenceError(f"Node {name} names no BareMetalHost: its providerID is {said!r}.")
    if wanted.namespace not in {"", trusted}:
        raise FenceError(
            f"The BareMetalHost of node {name} is said to be in namespace {wanted.namespace}, and only "
            f"{trusted} is trusted (VMDRIFT_METAL3_NAMESPACE)."
        )
    hosts = [host for host in hosts_in(cluster, trusted, wanted.name) if wanted.names(host)]
    if not hosts:
        raise FenceError(
            f"In namespace {trusted} there is no BareMetalHost {wanted.name or wanted.uid} of node {name}. Hosts in "
            "another cluster than the node are not supported."
        )
    _check_used(hosts[0], wanted, name)
    return hosts[0]


def hosts_in(cluster: Cluster, namespace: str, name: str = "") -> list[JsonObject]:
    """All of them, or only the one of this name; FenceError where Metal3 is not installed."""
    try:
        return listed(cluster, HOSTS, namespace=namespace, fields=f"metadata.name={name}" if name else "")
    except (NotServed, NotFound) as error:
        sentence = "VMDRIFT_FENCING: metal3 needs BareMetalHosts in this cluster, which does not know that kind"
        raise FenceError(f"{sentence}: {error}.") from error


def check_unshared(host: JsonObject, node: str, nodes: Iterable[JsonObject]) -> None:
    """FenceError where another Node names the same host: which of them runs there is not known."""
    names = [other["metadata"]["name"] for other in nodes if _wanted(other).names(host)]
    if others := sorted({*names} - {node}):
        raise FenceError(f"{title(host)} of node {node} is also named by {some(others)}: nothing is asked of it.")


def obstacle(host: JsonObject) -> str:
    """Why what its operator says of it proves nothing, or it would not be switched off; "" if all is well."""
    annotations, status = part(host, "metadata", "annotations"), part(host, "status")
    error, state = text(status, "errorType"), text(status, "provisioning", "state")
    operational = text(status, "operationalStatus")
    trouble = f"{error} {text(status, 'errorMessage')[:200]}".strip()
    reasons = {
        "is being deleted": "deletionTimestamp" in host["metadata"],
        f"is paused ({_PAUSED}), so its operator leaves it alone": _PAUSED in annotations,
        f"is detached ({_DETACHED}), so its operator leaves it alone": _DETACHED in annotations,
        "is never switched off (spec.disablePowerOff)": bool(part(host, "spec").get("disablePowerOff")),
        f"is in error ({trouble or operational})": bool(error) or operational == "error",
        f"is {operational or '(nothing)'} by status.operationalStatus, and not OK": operational != "OK",
        f"is {state or '(nothing)'}, and neither provisioned nor externally provisioned": state not in _IN_USE,
    }
    return next((f"{title(host)} {reason}." for reason, holds in reasons.items() if holds), "")


def title(host: JsonObject) -> str:
    """For people."""
    return f"BareMetalHost {host['metadata']['namespace']}/{host['metadata']['name']}"


def _wanted(node: JsonObject) -> HostId:
    return host_id(text(node, "spec", "providerID"))


def _check_used(host: JsonObject, wanted: HostId, node: str) -> None:
    """A host that its machine gave back may be anybody's next."""
    user = text(host, "spec", "consumerRef", "name")
    if wanted.machine and user != wanted.machine:
        by = f"used by {user}" if user else "used by nobody"
        raise FenceError(f"{title(host)} is {by}, and node {node} says that it runs there as {wanted.machine}.")
