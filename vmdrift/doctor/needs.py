"""Which verbs each role needs on which kinds: what k8s/base/rbac.yaml gives, held against it by a test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reactor.model.fencing import CONFIG_MAP as FENCING
from reactor.model.intervention import CONFIG_MAP
from reactor.settings import Settings

# KIND or KIND/NAME: verbs. The manifests are not in the package, hence this copy.
_NEEDS: Mapping[str, Mapping[str, str]] = {
    "watcher": {
        "namespaces/kube-system": "get",
        "nodes": "list watch",
    },
    "receiver": {
        f"configmaps/{CONFIG_MAP}": "get patch",
    },
    "intake": {
        f"configmaps/{FENCING}": "patch",
        "events": "create get patch",
        "leases": "get",
        "namespaces": "get",
        "nodes": "get",
        "persistentvolumes": "get",
        "pods": "list",
        "virtualmachineinstances": "get",
        "virtualmachines": "get",
        "volumeattachments": "list",
    },
    "drifts": {
        f"configmaps/{CONFIG_MAP}": "get",
        f"configmaps/{FENCING}": "get",
        "csidrivers": "get",
        "events": "list",
        "leases": "get list",
        "localvolumereplicas": "get",
        "localvolumes": "get",
        "namespaces": "get",
        "nodes": "get list",
        "persistentvolumeclaims": "get list",
        "persistentvolumes": "get",
        "pods": "get list delete",
        "storageclasses": "get",
        "virtualmachineinstancereplicasets": "get",
        "virtualmachineinstances": "get",
        "virtualmachines": "get",
        "volumeattachments": "get delete",
    },
    # What k8s/components/fencing gives, but for the kinds of medik8s, which a setting names.
    "fencing": {
        f"configmaps/{CONFIG_MAP}": "get",
        f"configmaps/{FENCING}": "get patch",
        "csiaddonsnodes": "list",
        "leases": "get list",
        "namespaces/kube-system": "get",
        "networkfences": "get list create patch delete",
        "nodes": "get list patch",
        "pods": "list",
        "volumeattachments": "list",
    },
}
ROLES = tuple(_NEEDS)
OPTIONAL = frozenset({"localvolumes", "localvolumereplicas"})  # HwameiStor's; not every cluster has it
OPTIONAL |= {"csiaddonsnodes", "networkfences"}  # CSI-Addons'


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a kind, or only on its object `name`."""

    verb: str
    resource: str
    name: str = ""


def used(settings: Settings) -> tuple[str, ...]:
    """The roles of this installation."""
    return tuple(role for role in ROLES if role != "fencing" or settings.fencing)


def needs(role: str) -> Iterator[Right]:
    """All that a role needs."""
    for place, verbs in _NEEDS[role].items():
        resource, _, name = place.partition("/")
        yield from (Right(verb, resource, name) for verb in verbs.split())


def rights(roles: Sequence[str]) -> dict[Right, tuple[str, ...]]:
    """What these roles need together, each with those that need it, by kind."""
    wanted = {right: () for role in roles for right in needs(role)}
    by_kind = sorted(wanted, key=lambda right: (right.resource, right.name))
    return {right: tuple(role for role in roles if right in set(needs(role))) for right in by_kind}
