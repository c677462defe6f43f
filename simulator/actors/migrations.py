"""The little of live migration that a lost node meets: a migration object waits, fails with its VMI, and is cleaned up.

Source: recorded on KubeVirt's virt-controller. No migration ever succeeds here.
"""

from simulator.actors import objects
from simulator.actors.vmi import phase_of
from simulator.client import Client, Obj
from simulator.objects import Key, key_of

_MIGRATIONS, _VMIS = "virtualmachineinstancemigrations", "virtualmachineinstances"


class Migrations:
    """A part of virt-controller."""

    name = "migrations"
    watches = (_MIGRATIONS, _VMIS)

    def __init__(self, client: Client) -> None:
        self._client = client
        self._migrations, self._vmis = client.informer(_MIGRATIONS), client.informer(_VMIS)
        self._targets: dict[str, str] = {}  # migration uid -> VMI uid

    def step(self, now: float) -> None:
        """Bring every migration in line with its VMI."""
        self._vmis.poll()
        for kind, migration in self._migrations.poll():
            if kind == "DELETED":
                self._targets.pop(migration["metadata"]["uid"], None)
        for key, migration in sorted(self._migrations.objects.items()):
            self._sync(key, migration, now)

    def _sync(self, key: Key, migration: Obj, now: float) -> None:
        target = self._vmis.objects.get((key[0], migration["spec"]["vmiName"]))
        uid = self._targets.get(migration["metadata"]["uid"])
        phase = migration.get("status", {}).get("phase")
        if phase is None and target is not None:
            self._targets[migration["metadata"]["uid"]] = target["metadata"]["uid"]
            self._post(migration, "Pending")
        elif phase == "Pending" and (target is None or phase_of(target) in objects.FINISHED):
            self._post(migration, "Failed")
            what = "FailedMigration", "Migration failed vmi shutdown during migration."
            failed = objects.event(migration, what, "virtualmachine-controller", now, kind="Warning")
            self._client.create("events", failed)
        elif phase == "Failed" and (target is None or target["metadata"]["uid"] != uid):
            self._client.delete(_MIGRATIONS, key[1], key[0])

    def _post(self, migration: Obj, phase: str) -> None:
        namespace, name = key_of(migration)
        self._client.patch(_MIGRATIONS, name, {"status": {"phase": phase}}, namespace, subresource="status")
