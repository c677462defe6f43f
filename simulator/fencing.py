"""What fencing meets in a cluster: CSI-Addons' nodes with their storage clients, a medik8s template, Metal3's hosts."""

from collections.abc import Iterable, Mapping

from simulator.client import Client, Obj
from simulator.shapes import CEPH, RBD
from simulator.store.objects import rfc3339

CLASS, CLUSTER = "ceph-fencing", CEPH  # the NetworkFenceClass, and the clusterID that it names
TEMPLATE = "fence-agents-remediation.medik8s.io/v1alpha1/fenceagentsremediationtemplates/fencing/vm-drift"
SNR_TEMPLATE = "self-node-remediation.medik8s.io/v1alpha1/selfnoderemediationtemplates/fencing/vm-drift"
_KINDS = {
    "fenceagentsremediationtemplates": "FenceAgentsRemediationTemplate",
    "selfnoderemediationtemplates": "SelfNodeRemediationTemplate",
}
_REMEDIATIONS: Mapping[str, Obj] = {
    "fenceagentsremediationtemplates": {
        "agent": "fence_ipmilan",
        "retrycount": 5,
        "remediationStrategy": "ResourceDeletion",
    },
    "selfnoderemediationtemplates": {"remediationStrategy": "Automatic"},
}
METAL3 = "metal3"  # the namespace of its BareMetalHosts
_HOME = "rook-ceph"  # the namespace of its CSIAddonsNodes


def add_storage_clients(
    client: Client, nodes: Iterable[str], driver: str = RBD, *, cluster: str = CLUSTER, name: str = CLASS
) -> dict[str, str]:
    """A NetworkFenceClass of this name and, of each node's driver, a CSIAddonsNode that says its client's address.

    A second class of a driver adds its clients to the driver's CSIAddonsNodes. Returns which CIDR is whose.
    """
    of_class = {"provisioner": driver, "parameters": {"clusterID": cluster}}
    client.create("networkfenceclasses", {"metadata": {"name": name}, "spec": of_class})
    addresses = {f"10.9.{number // 250}.{number % 250 + 1}/32": node for number, node in enumerate(nodes)}
    for cidr, node in addresses.items():
        list_addresses(client, node, [cidr], driver, name)
    return addresses


def list_addresses(client: Client, node: str, cidrs: Iterable[str], driver: str = RBD, name: str = CLASS) -> None:
    """A driver says from now on that these are the node's in one class, whether they are or not."""
    addon = _addon(client, node, driver)
    told: list[Obj] = addon.get("status", {}).get("networkFenceClientStatus") or []
    fresh = {"networkFenceClassName": name, "ClientDetails": [{"id": "client.1", "cidrs": list(cidrs)}]}
    kept = [one for one in told if one["networkFenceClassName"] != name]
    status = {"status": {"state": "Connected", "networkFenceClientStatus": [*kept, fresh]}}
    client.patch("csiaddonsnodes", addon["metadata"]["name"], status, _HOME, subresource="status")


def add_template(client: Client, path: str = TEMPLATE) -> None:
    """That of this path, GROUP/VERSION/PLURAL/NAMESPACE/NAME."""
    group, version, plural, namespace, name = path.split("/")
    template: Obj = {
        "apiVersion": f"{group}/{version}",
        "kind": _KINDS[plural],
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": _REMEDIATIONS[plural]}},
    }
    client.create(plural, template)


def succeeded(at: float) -> Obj:
    """A remediation's condition that says so, whoever writes it."""
    told = {"reason": "Told", "message": "", "lastTransitionTime": rfc3339(at)}
    return {"type": "Succeeded", "status": "True", **told}


def add_hosts(client: Client, nodes: Iterable[str], namespace: str = METAL3) -> dict[str, str]:
    """A BareMetalHost for each node, used by a Metal3Machine, and its name in the Node's providerID.

    Returns which host (by name) is which node's machine.
    """
    hosts = {f"host-{node}": node for node in nodes}
    for name, node in hosts.items():
        client.create("baremetalhosts", _host(name, namespace, f"machine-{node}"))
        status = {"operationalStatus": "OK", "poweredOn": True, "errorMessage": "", "errorCount": 0}
        status["provisioningFailCount"] = 0
        provisioned = {**status, "provisioning": {"state": "provisioned", "ID": f"ironic-{name}"}}
        client.patch("baremetalhosts", name, {"status": provisioned}, namespace, subresource="status")
        client.patch("nodes", node, {"spec": {"providerID": f"metal3://{namespace}/{name}/machine-{node}"}})
    return hosts


def _host(name: str, namespace: str, machine: str) -> Obj:
    consumer = {
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1",
        "kind": "Metal3Machine",
        "name": machine,
        "namespace": namespace,
    }
    return {
        "apiVersion": "metal3.io/v1alpha1",
        "kind": "BareMetalHost",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "online": True,
            "bootMACAddress": "00:5c:52:31:3a:9c",
            "bmc": {"address": f"redfish://{name}.example/redfish/v1/Systems/1", "credentialsName": f"{name}-bmc"},
            "consumerRef": consumer,
        },
    }


def _addon(client: Client, node: str, driver: str) -> Obj:
    """The CSIAddonsNode of a driver on a node, made if there is none; the first one there has the short name."""
    here = [one for one in client.list("csiaddonsnodes", _HOME) if one["spec"]["driver"]["nodeID"] == node]
    if known := next((one for one in here if one["spec"]["driver"]["name"] == driver), None):
        return known
    meta = {"name": f"csi-{node}-{driver}" if here else f"csi-{node}", "namespace": _HOME}
    told = {"name": driver, "nodeID": node, "endpoint": f"pod://{meta['name']}.{_HOME}:9070"}
    return client.create("csiaddonsnodes", {"metadata": meta, "spec": {"driver": told}})
