"""Which verbs each role needs on which kinds: what the manifests give, held against them by a test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reactor.doors.cluster import EXPAND_SPEC
from reactor.model.fencing import CLAIMS
from reactor.model.fencing import CONFIG_MAP as FENCING
from reactor.model.intervention import CONFIG_MAP
from reactor.settings import Settings
from workers.fence.remediation import kinds

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
        f"configmaps/{CLAIMS}": "patch",
        f"configmaps/{FENCING}": "get",
        "events": "create get patch",
        "leases": "get",
        "namespaces": "get",
        "nodes": "get",
        "persistentvolumes": "list",
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
        EXPAND_SPEC: "get",
        "volumeattachments": "get delete",
    },
    "fencing": {
        f"configmaps/{CONFIG_MAP}": "get",
        f"configmaps/{CLAIMS}": "get patch",
        f"configmaps/{FENCING}": "get patch",
        "csidrivers": "get",
        "leases": "get list",
        "localvolumereplicas": "get",
        "localvolumes": "get",
        "namespaces": "get",
        "nodes": "get list patch",
        "persistentvolumeclaims": "get list",
        "persistentvolumes": "get",
        "pods": "get list",
        "storageclasses": "get",
        "virtualmachineinstances": "get",
        "virtualmachines": "get",
        EXPAND_SPEC: "get",
        "volumeattachments": "get list",
    },
}
_NETWORK_FENCE: Mapping[str, Mapping[str, str]] = {
    "fencing": {
        "csiaddonsnodes": "list",
        "networkfenceclasses": "list",
        "networkfences": "get list create patch delete",
    },
    "drifts": {"csiaddonsnodes": "list", "networkfenceclasses": "list", "networkfences": "list"},
}
ROLES = tuple(_NEEDS)
OPTIONAL = frozenset({"localvolumes", "localvolumereplicas"})  # HwameiStor's; not every cluster has it


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a kind, or only on its object `name`."""

    verb: str
    resource: str
    name: str = ""


def used(settings: Settings) -> tuple[str, ...]:
    """The roles of this installation."""
    return tuple(role for role in ROLES if role != "fencing" or settings.fencing)


def provided(role: str, settings: Settings) -> Mapping[str, str]:
    """What the providers of VMDRIFT_FENCING want this role to be allowed besides; of kinds that they stand on."""
    found = dict(_NETWORK_FENCE.get(role, {})) if "network-fence" in settings.fencing else {}
    if role == "fencing" and "remediation" in settings.fencing and settings.remediation_template:
        templates, remediations = kinds(settings.remediation_template)
        found |= {templates: "get", remediations: "list create delete"}
    return found


def needs(role: str, settings: Settings) -> Iterator[Right]:
    """All that a role needs."""
    for place, verbs in {**_NEEDS[role], **provided(role, settings)}.items():
        resource, name = _parted(place)
        yield from (Right(verb, resource, name) for verb in verbs.split())


def _parted(place: str) -> tuple[str, str]:
    """A kind that a setting names is "group/version/plural"; a subresource is no object."""
    resource, _, name = place.partition("/")
    return (place, "") if "/" in name or place == EXPAND_SPEC else (resource, name)


def rights(roles: Sequence[str], settings: Settings) -> dict[Right, tuple[str, ...]]:
    """What these roles need together, each with those that need it, by kind."""
    wanted = {right: () for role in roles for right in needs(role, settings)}
    by_kind = sorted(wanted, key=lambda right: (right.resource, right.name))
    return {right: tuple(role for role in roles if right in set(needs(role, settings))) for right in by_kind}
