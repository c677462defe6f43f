"""Which verbs each role needs on which kinds: the table's, and those of the fencing providers that are used."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reactor import roles
from reactor.adapters.kubernetes.cluster import EXPAND_SPEC
from reactor.settings import Settings
from workers.fencing.providers.remediation import kinds

_NETWORK_FENCE: Mapping[str, Mapping[str, str]] = {
    "fencing": {
        "csiaddonsnodes": "list",
        "networkfenceclasses": "list",
        "networkfences": "get list create patch delete",
    },
    "drifts": {"csiaddonsnodes": "list", "networkfenceclasses": "list", "networkfences": "list"},
}
_RIGHTS = {role.name: role.rights for role in roles.ON_CLUSTER}
ROLES = tuple(_RIGHTS)
OPTIONAL = frozenset({"localvolumes", "localvolumereplicas"})  # HwameiStor's; not every cluster has it


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a kind, or only on its object `name`."""

    verb: str
    resource: str
    name: str = ""


def used(settings: Settings) -> tuple[str, ...]:
    """The roles of this installation."""
    return tuple(role.name for role in roles.used(settings) if role.rights)


def provided(role: str, settings: Settings) -> Mapping[str, str]:
    """What the providers of VMDRIFT_FENCING need this role to be allowed besides: verbs, by the kind that they use."""
    verbs_by_kind = dict(_NETWORK_FENCE.get(role, {})) if "network-fence" in settings.fencing else {}
    if role == "fencing" and "metal3" in settings.fencing:
        verbs_by_kind["baremetalhosts"] = "list patch"
    if role == "fencing" and "remediation" in settings.fencing and settings.remediation_template:
        templates, remediations = kinds(settings.remediation_template)
        verbs_by_kind |= {templates: "get", remediations: "list create delete"}
    return verbs_by_kind


def needs(role: str, settings: Settings) -> Iterator[Right]:
    """All that a role needs."""
    for place, verbs in {**_RIGHTS[role], **provided(role, settings)}.items():
        resource, name = _resource_and_name(place)
        yield from (Right(verb, resource, name) for verb in verbs.split())


def _resource_and_name(place: str) -> tuple[str, str]:
    """A kind that a setting names is "group/version/plural"; a subresource is no object."""
    resource, _, name = place.partition("/")
    return (place, "") if "/" in name or place == EXPAND_SPEC else (resource, name)


def rights(role_names: Sequence[str], settings: Settings) -> dict[Right, tuple[str, ...]]:
    """What these roles need together, each with those that need it, by kind."""
    wanted = {right: () for role in role_names for right in needs(role, settings)}
    by_kind = sorted(wanted, key=lambda right: (right.resource, right.name))
    return {right: tuple(role for role in role_names if right in set(needs(role, settings))) for right in by_kind}
