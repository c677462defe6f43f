"""VolumeAttachments of a lost node -> PersistentVolumes -> claims -> the VMs whose launchers now need them elsewhere.

A VM that was released before the records were lost has no pod on the lost node any more. What this costs does not grow
with disks: one list of attachments, one of volumes, and one of launchers for each namespace of a claim in doubt.
"""

from collections.abc import Collection, Iterator
from itertools import groupby

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.names import is_name
from reactor.model.objects import JsonObject, text
from workers.observe.launchers import Launcher, launchers
from workers.observe.parse import claims_of

Claim = tuple[str, str]  # namespace, name


def holders(cluster: Cluster, node: str, explained: Collection[Claim]) -> Iterator[Launcher]:
    """Launchers that need what is attached to the node. `explained`: claims of launchers there. Raises ClusterError."""
    unexplained = sorted(_claims(cluster, _attached(cluster, node)) - set(explained))
    for namespace, group in groupby(unexplained, key=lambda claim: claim[0]):
        wanted = {name for _, name in group}
        for launcher, pod in launchers(cluster, namespace=namespace):
            if launcher.node != node and wanted & claims_of(pod):
                yield launcher


def claims(launcher: Launcher, pod: JsonObject) -> set[Claim]:
    """The claims that a launcher names."""
    return {(launcher.namespace, name) for name in claims_of(pod)}


def _attached(cluster: Cluster, node: str) -> set[str]:
    """The PersistentVolumes that are attached to the node."""
    pages = cluster.pages("volumeattachments")
    attached = (
        attachment for page in pages for attachment in page.items if text(attachment, "spec", "nodeName") == node
    )
    return {text(attachment, "spec", "source", "persistentVolumeName") for attachment in attached} - {""}


def _claims(cluster: Cluster, volumes: set[str]) -> set[Claim]:
    """The claims that they name, if any; pages are read until all are found."""
    by_volume: dict[str, Claim] = {}
    for page in cluster.pages("persistentvolumes") if volumes else ():
        matching = (pv for pv in page.items if pv["metadata"]["name"] in volumes)
        by_volume |= {pv["metadata"]["name"]: _claim(pv) for pv in matching}
        if len(by_volume) == len(volumes):
            break
    return {claim for claim in by_volume.values() if is_name(claim[0])}


def _claim(pv: JsonObject) -> Claim:
    return text(pv, "spec", "claimRef", "namespace"), text(pv, "spec", "claimRef", "name")
