"""The part of live migration that a lost node meets: waiting, in flight, failed with its VMI or its target, cleaned up.

Source: KubeVirt `pkg/virt-controller/watch/migration/migration.go`; recorded where a VM's node is lost. No migration
ever succeeds here: once in flight, it goes on for as long as both nodes live.
"""

from typing import Any

from simulator.actors import backend, objects
from simulator.actors.launcher import migration_target
from simulator.actors.vmi import phase_of
from simulator.client import Client, Obj
from simulator.store.objects import Key, key_of, rfc3339

_LOOK = 1.0  # seconds between two looks at a migration in flight: its target may be lost
_IN_FLIGHT = frozenset({"Scheduling", "Running"})
_MIGRATIONS, _VMIS = "virtualmachineinstancemigrations", "virtualmachineinstances"


class Migrations:
    """A part of virt-controller."""

    name = "migrations"
    watches = (_MIGRATIONS, _VMIS)

    def __init__(self, client: Client) -> None:
        self._client = client
        self._migrations, self._vmis = client.informer(_MIGRATIONS), client.informer(_VMIS)
        self._targets: dict[str, str] = {}  # migration uid -> VMI uid

    def step(self, now: float) -> float | None:
        """Bring every migration in line with its VMI and its target."""
        self._vmis.poll()
        for kind, migration in self._migrations.poll():
            if kind == "DELETED":
                self._targets.pop(migration["metadata"]["uid"], None)
        for key, migration in sorted(self._migrations.objects.items()):
            self._sync(key, migration, now)
        phases = {migration.get("status", {}).get("phase") for migration in self._migrations.objects.values()}
        return now + _LOOK if phases & _IN_FLIGHT else None

    def _sync(self, key: Key, migration: Obj, now: float) -> None:
        target = self._vmis.objects.get((key[0], migration["spec"]["vmiName"]))
        uid = self._targets.get(migration["metadata"]["uid"])
        phase = migration.get("status", {}).get("phase")
        if phase is None and target is not None:
            self._targets[migration["metadata"]["uid"]] = target["metadata"]["uid"]
            self._post(migration, "Pending")
        elif phase == "Failed" and (target is None or target["metadata"]["uid"] != uid):
            self._client.delete(_MIGRATIONS, key[1], key[0])
        elif phase in _IN_FLIGHT | {"Pending"} and (target is None or phase_of(target) in objects.FINISHED):
            self._fail(migration, "Migration failed vmi shutdown during migration.", now)
        elif phase == "Pending" and target is not None and _movable(target):
            self._client.create("pods", migration_target(target, migration, self._state_of(target)))
            self._post(migration, "Scheduling")
        elif phase in _IN_FLIGHT and target is not None:
            self._follow(migration, target, now)

    def _state_of(self, vmi: Obj) -> Obj | None:
        if not backend.needed(vmi):
            return None
        return backend.claim_for(vmi, self._client.list("persistentvolumeclaims", vmi["metadata"]["namespace"]))

    def _follow(self, migration: Obj, vmi: Obj, now: float) -> None:
        """A migration whose target pod is there, starting or well; lost with its node, the source's guest runs on."""
        labels = f"kubevirt.io/migrationJobUID={migration['metadata']['uid']}"
        pod = next(iter(self._client.list("pods", vmi["metadata"]["namespace"], labels)), None)
        well = pod is not None and objects.condition(pod, "Ready").get("status") == "True"
        running = migration["status"]["phase"] == "Running"
        if pod is None or pod["status"]["phase"] in objects.FINISHED or (running and not well):
            self._fail(migration, "Migration failed because target pod shutdown during migration", now)
            if running:
                self._tell_vmi(vmi, {"completed": True, "failed": True, "endTimestamp": rfc3339(now)})
        elif well and not running:
            begun = {"migrationUid": migration["metadata"]["uid"], "startTimestamp": rfc3339(now), "completed": False}
            nodes = {"sourceNode": vmi["status"]["nodeName"], "targetNode": pod["spec"]["nodeName"]}
            self._tell_vmi(vmi, begun | nodes | {"targetPod": pod["metadata"]["name"]}, pod)
            self._post(migration, "Running")

    def _tell_vmi(self, vmi: Obj, state: Obj, pod: Obj | None = None) -> None:
        active = {"activePods": {pod["metadata"]["uid"]: pod["spec"]["nodeName"]}} if pod else {}
        patch: dict[str, Any] = {"status": {"migrationState": state, **active}}
        self._client.patch(_VMIS, vmi["metadata"]["name"], patch, vmi["metadata"]["namespace"])

    def _fail(self, migration: Obj, message: str, now: float) -> None:
        self._post(migration, "Failed")
        what = "FailedMigration", message
        failed = objects.event(migration, what, "virtualmachine-controller", now, kind="Warning")
        self._client.create("events", failed)

    def _post(self, migration: Obj, phase: str) -> None:
        namespace, name = key_of(migration)
        self._client.patch(_MIGRATIONS, name, {"status": {"phase": phase}}, namespace, subresource="status")


def _movable(vmi: Obj) -> bool:
    """Whether a migration may begin: the guest is well and its disks can be opened on two nodes."""
    return all(objects.condition(vmi, kind).get("status") == "True" for kind in ("Ready", "LiveMigratable"))
