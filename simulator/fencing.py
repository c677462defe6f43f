"""What fencing meets in a cluster: CSI-Addons' nodes with their storage clients, and a medik8s template."""

from collections.abc import Iterable

from simulator.client import Client, Obj
from simulator.shapes import RBD

CLASS, CLUSTER = "ceph-fencing", "rook-ceph"  # the NetworkFenceClass, and the clusterID that it names
TEMPLATE = "fence-agents-remediation.medik8s.io/v1alpha1/fenceagentsremediationtemplates/fencing/vm-drift"


def add_storage_clients(client: Client, nodes: Iterable[str], driver: str = RBD) -> dict[str, str]:
    """A NetworkFenceClass of Rook's storage cluster, and a CSIAddonsNode for each node; which CIDR is whose."""
    of_class = {"provisioner": driver, "parameters": {"clusterID": CLUSTER}}
    client.create("networkfenceclasses", {"metadata": {"name": CLASS}, "spec": of_class})
    addresses = {f"10.9.{number // 250}.{number % 250 + 1}/32": node for number, node in enumerate(nodes)}
    for cidr, node in addresses.items():
        client.create(
            "csiaddonsnodes", {"metadata": {"name": f"csi-{node}", "namespace": "rook-ceph"}, **_spec(node, driver)}
        )
        told: Obj = {"networkFenceClassName": CLASS, "clientDetails": [{"id": "client.1", "cidrs": [cidr]}]}
        status = {"status": {"state": "Connected", "networkFenceClientStatus": [told]}}
        client.patch("csiaddonsnodes", f"csi-{node}", status, "rook-ceph", subresource="status")
    return addresses


def add_template(client: Client) -> None:
    """That of `TEMPLATE`."""
    _, version, _, namespace, name = TEMPLATE.split("/")
    inner = {"agent": "fence_ipmilan", "retrycount": 5, "remediationStrategy": "ResourceDeletion"}
    template: Obj = {
        "apiVersion": f"{TEMPLATE.partition('/')[0]}/{version}",
        "kind": "FenceAgentsRemediationTemplate",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": inner}},
    }
    client.create("fenceagentsremediationtemplates", template)


def _spec(node: str, driver: str) -> Obj:
    return {"spec": {"driver": {"name": driver, "nodeID": node, "endpoint": f"pod://csi-{node}.rook-ceph:9070"}}}
