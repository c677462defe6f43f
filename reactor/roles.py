"""The one table of roles: what each process of an installation is called, how it is started, and what it may do.

The manifests in k8s say the same (Deployments, ServiceAccounts, RBAC, users of Redis, NetworkPolicies); tests compare
them with this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reactor.model.fencing import CLAIMS
from reactor.model.fencing import CONFIG_MAP as PROOFS
from reactor.model.intervention import CONFIG_MAP as INTERVENTIONS


@dataclass(frozen=True, slots=True)
class Role:
    """`name`: of its Deployment, its ServiceAccount and its user in Redis, and in metrics and reports.

    `command`: what follows `vmdrift`; `alias`: an older name for its last word. `queue`: whose jobs it runs. `wants`:
    the setting without which it has nothing to do. `package`: where its process lives, unless its command says so.
    `rights`: verbs by KIND or KIND/NAME; without any: no cluster.
    """

    name: str
    command: str
    queue: str = ""
    alias: str = ""
    wants: str = ""
    package: str = ""
    rights: Mapping[str, str] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """Its name within its package."""
        return self.command.rpartition(" ")[2]

    @property
    def works(self) -> bool:
        """Is it one of those that `vmdrift work` starts?"""
        return self.command.startswith("work ")

    @property
    def module(self) -> str:
        """What follows `python -m`."""
        if self.package:
            return f"{self.package} {self.command}"
        return f"{'workers' if self.works else 'reactor'} {self.word}"


WATCHER = Role(
    "watcher",
    "watch",
    rights={
        f"configmaps/{INTERVENTIONS}": "get list watch",
        "leases": "get list watch",
        "namespaces": "list watch",
        "namespaces/kube-system": "get",
        "nodes": "list watch",
        "pods": "list watch",
        "virtualmachineinstances": "list watch",
        "virtualmachines": "list watch",
        "volumeattachments": "list watch",
    },
)
RECEIVER = Role("receiver", "serve", rights={f"configmaps/{INTERVENTIONS}": "get patch"})
INTAKE = Role(
    "intake",
    "work intake",
    queue="events",
    alias="events",
    rights={
        f"configmaps/{CLAIMS}": "patch",
        f"configmaps/{PROOFS}": "get",
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
)
# What is read to decide about a VM: in its drift, and before its node is fenced.
_READ_TO_DECIDE = {
    f"configmaps/{INTERVENTIONS}": "get",
    "csidrivers": "get",
    "leases": "get list",
    "localvolumereplicas": "get",
    "localvolumes": "get",
    "namespaces": "get",
    "persistentvolumeclaims": "get list",
    "persistentvolumes": "get",
    "storageclasses": "get",
    "virtualmachineinstances": "get",
    "virtualmachines": "get",
    "virtualmachines/expand-spec": "get",
}
DRIFTS = Role(
    "drifts",
    "work drifts",
    queue="drifts",
    rights={
        **_READ_TO_DECIDE,
        f"configmaps/{PROOFS}": "get",
        "events": "list",
        "nodes": "get list watch",
        "persistentvolumes": "get list",
        "pods": "get list delete",
        "virtualmachineinstancereplicasets": "get",
        "virtualmachineinstances": "get list",
        "virtualmachines": "get list",
        "volumeattachments": "get delete",
    },
)
OUTGOING = Role("outgoing", "work outgoing", queue="outgoing", wants="sink")
FENCING = Role(
    "fencing",
    "work fencing",
    queue="fencing",
    wants="fencing",
    rights={
        **_READ_TO_DECIDE,
        f"configmaps/{CLAIMS}": "get patch",
        f"configmaps/{PROOFS}": "get patch",
        "nodes": "get list watch patch",
        "pods": "get list",
        "volumeattachments": "get list",
    },
)
SCHEDULER = Role("scheduler", "work scheduler")
# Whatever `vmdrift audit` reads, and nothing but lists; its settings are the installation's without asking for them.
AUDIT = Role(
    "audit",
    "work audit",
    wants="audit_every",
    package="vmdrift",  # it judges with `vmdrift.plan`, which the workers do not see
    rights=dict.fromkeys(
        (
            "controllerrevisions",
            "csidrivers",
            "leases",
            "localvolumereplicas",
            "localvolumes",
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "storageclasses",
            "virtualmachineinstancereplicasets",
            "virtualmachineinstances",
            "virtualmachines",
            "volumeattachments",
        ),
        "list",
    ),
)

ROLES = (WATCHER, RECEIVER, INTAKE, DRIFTS, OUTGOING, FENCING, SCHEDULER, AUDIT)
ON_CLUSTER = tuple(role for role in ROLES if role.rights)
BY_QUEUE = {role.queue: role for role in ROLES if role.queue}
ALIASES = {role.alias: role.word for role in ROLES if role.alias}


def used(settings: object) -> tuple[Role, ...]:
    """Those that have something to do under these Settings."""
    return tuple(role for role in ROLES if not role.wants or getattr(settings, role.wants))
