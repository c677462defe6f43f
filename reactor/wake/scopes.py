"""What is watched of open outages, and how: with few streams, and metadata alone. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from reactor.adapters.kubernetes.cluster import Scope
from reactor.model.intervention import CONFIG_MAP

MANY = 20  # namespaces, from which on one stream for all of the cluster takes less than one for each
LAUNCHERS = "kubevirt.io=virt-launcher"
ATTACHMENTS, INTERVENTIONS = "volumeattachments", "configmaps"


@dataclass(frozen=True, slots=True)
class Watch:
    """One stream: which objects of a kind."""

    resource: str
    scope: Scope

    @property
    def covers(self) -> bool:
        """Does a drift stand still only if this stream says nothing? No drift reads attachments without a reason."""
        return self.resource != ATTACHMENTS


def watches(
    nodes: Collection[str], namespaces: Collection[str], interventions: str, *, detaching: bool
) -> frozenset[Watch]:
    """For drifts of VMs of these lost nodes, in these namespaces. `interventions`: the namespace of that ConfigMap.

    `detaching`: some drift waits for the end of an attachment.
    """
    found = [*map(_pods_on, nodes), *_of_vms(namespaces), Watch("namespaces", Scope(metadata=True))]
    found.append(Watch(INTERVENTIONS, Scope(interventions, fields=f"metadata.name={CONFIG_MAP}", metadata=True)))
    return frozenset(found + ([Watch(ATTACHMENTS, Scope(metadata=True))] if detaching else []))


def _pods_on(node: str) -> Watch:
    return Watch("pods", Scope(fields=f"spec.nodeName={node}", metadata=True))


def _of_vms(namespaces: Collection[str]) -> Iterator[Watch]:
    """VMs and instances have no label by which those concerned could be selected."""
    for namespace in namespaces if len(namespaces) < MANY else [""]:
        yield Watch("pods", Scope(namespace, labels=LAUNCHERS, metadata=True))
        yield Watch("virtualmachineinstances", Scope(namespace, metadata=True))
        yield Watch("virtualmachines", Scope(namespace, metadata=True))
