"""VolumeAttachments of a lost node -> PersistentVolumes -> claims -> the VMs whose launchers now want them elsewhere.

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
    """Launchers that want what the node still holds. `explained`: claims of launchers there. Raises ClusterError."""
    held = sorted(_claims(cluster, _attached(cluster, node)) - set(explained))
    for namespace, claims in groupby(held, key=lambda claim: claim[0]):
        wanted = {name for _, name in claims}
        for one, pod in launchers(cluster, namespace=namespace):
            if one.node != node and wanted & claims_of(pod):
                yield one


def claims(one: Launcher, pod: JsonObject) -> set[Claim]:
    """The claims that a launcher names."""
    return {(one.namespace, name) for name in claims_of(pod)}


def _attached(cluster: Cluster, node: str) -> set[str]:
    """The PersistentVolumes that are attached to the node."""
    pages = cluster.pages("volumeattachments")
    here = (one for page in pages for one in page.items if text(one, "spec", "nodeName") == node)
    return {text(one, "spec", "source", "persistentVolumeName") for one in here} - {""}


def _claims(cluster: Cluster, volumes: set[str]) -> set[Claim]:
    """Whose they are, as far as they say; pages are read until all are found."""
    found: dict[str, Claim] = {}
    for page in cluster.pages("persistentvolumes") if volumes else ():
        mine = (pv for pv in page.items if pv["metadata"]["name"] in volumes)
        found |= {pv["metadata"]["name"]: _claim(pv) for pv in mine}
        if len(found) == len(volumes):
            break
    return {claim for claim in found.values() if is_name(claim[0])}


def _claim(pv: JsonObject) -> Claim:
    return text(pv, "spec", "claimRef", "namespace"), text(pv, "spec", "claimRef", "name")
