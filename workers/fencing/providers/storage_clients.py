"""Which addresses a lost node's storage clients have, and of which storage: what may be blocked, and proves something.

What counts is a CSIAddonsNode in its driver's own namespace (anybody can make one in another), for a NetworkFenceClass
of that driver: a class has no namespace, so only who runs the storage makes one. A list that also names other hosts is
doubt, and in doubt nothing is blocked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.errors import FenceError, NotFound, NotServed
from reactor.model.fencing import Target
from reactor.model.objects import JsonObject, part, parts, text, words
from workers.observe.cache import listed

Pairs = tuple[tuple[str, str], ...]
Network = IPv4Network | IPv6Network
_NODES, _CLASSES = "csiaddonsnodes", "networkfenceclasses"
_CEPH = (".rbd.csi.ceph.com", ".cephfs.csi.ceph.com", ".nfs.csi.ceph.com")


@dataclass(frozen=True, slots=True)
class Client:
    """What is listed for one node in one class: the driver, its storage cluster ("": not known), and the addresses."""

    driver: str
    cluster: str
    hosts: frozenset[Network]


def home(driver: str, namespaces: Pairs) -> str:
    """The namespace in which a driver's CSIAddonsNodes are trusted; "" for none. Rook's drivers begin with it."""
    prefix = next((driver.removesuffix(end) for end in _CEPH if driver.endswith(end)), "")
    return dict(namespaces).get(driver, prefix)


def clients(cluster: Cluster, target: Target, namespaces: Pairs) -> Mapping[str, Client]:
    """By the class' name. Raises ClusterError, and FenceError where an address is not this node's alone.

    The nodeID of a CSIAddonsNode is what its driver calls the node: for Ceph, its name.
    """
    classes = {fence_class["metadata"]["name"]: part(fence_class, "spec") for fence_class in needed(cluster, _CLASSES)}
    by_class: dict[str, Client] = {}
    others: dict[Network, str] = {}
    for node, driver, name, cidr in _entries(needed(cluster, _NODES), classes, namespaces):
        if node == target.node.name:
            so_far = by_class.get(name, Client(driver, _cluster_id(classes[name]), frozenset()))
            by_class[name] = Client(driver, so_far.cluster, so_far.hosts | {_host(cidr, node)})
        elif network := network_of(cidr):
            others[network] = node
    for host in sorted((host for client in by_class.values() for host in client.hosts), key=str):
        _check_unshared(host, target.node.name, others)
    return by_class


def needed(cluster: Cluster, resource: str) -> list[JsonObject]:
    """A list of a kind of CSI-Addons'; FenceError where that is not installed."""
    try:
        return listed(cluster, resource)
    except (NotServed, NotFound) as error:
        raise FenceError(
            f"VMDRIFT_FENCING: network-fence needs CSI-Addons, which is not installed: {error}."
        ) from error


def _entries(
    nodes: list[JsonObject], classes: Mapping[str, Mapping[str, object]], namespaces: Pairs
) -> Iterator[tuple[str, str, str, str]]:
    """Node, driver, class and address, of what is trusted."""
    for addon in nodes:
        driver = part(addon, "spec", "driver")
        name, node = text(driver, "name"), text(driver, "nodeID") or "(of no name)"
        if not name or addon["metadata"].get("namespace") != home(name, namespaces):
            continue
        for client in parts(addon, "status", "networkFenceClientStatus"):
            of_class = text(client, "networkFenceClassName")
            if text(classes, of_class, "provisioner") != name:
                continue
            for detail in parts(client, "ClientDetails"):  # the only field there that begins with a capital letter
                yield from ((node, name, of_class, cidr) for cidr in words(detail, "cidrs"))


def _cluster_id(spec: Mapping[str, object]) -> str:
    return text(spec, "parameters", "clusterID")


def network_of(cidr: str) -> Network | None:
    """None where it is none."""
    try:
        return ip_network(cidr, strict=False)
    except ValueError:
        return None


def _host(cidr: str, node: str) -> Network:
    network = network_of(cidr)
    if network is None or network.num_addresses != 1:
        raise FenceError(
            f"A CSIAddonsNode of node {node} lists {cidr[:60]!r}, which is not one host: nothing is blocked."
        )
    return network


def _check_unshared(host: Network, node: str, others: Mapping[Network, str]) -> None:
    """Behind NAT several nodes have one address: to block it would hit all of them, and it need not be this one's."""
    shared = next((name for other, name in others.items() if other.version == host.version and _in(host, other)), "")
    if shared:
        raise FenceError(f"Address {host} of node {node} is listed for node {shared}, too (NAT?): nothing is blocked.")


def _in(host: Network, other: Network) -> bool:
    return host.network_address in other
