"""Live migrations of a virtual world, begun by hand."""

from simulator.vms import Vm
from simulator.world import World

_MIGRATIONS = "virtualmachineinstancemigrations"
_BEGINS_WITHIN = 60.0  # seconds


def migrate(world: World, vm: Vm) -> str:
    """Begin to migrate a running VM and live until it is in flight, which it stays; the target's node.

    Raises:
        RuntimeError: it does not get that far: the VM's disks are not shared, or there is no other node.
    """
    client, name = world.api.client("system:admin"), f"migration-{vm.name}"
    spec = {"vmiName": vm.name}
    client.create(_MIGRATIONS, {"metadata": {"name": name, "namespace": vm.namespace}, "spec": spec})
    if not world.run(lambda: phase(world, vm) == "Running", _BEGINS_WITHIN):
        raise RuntimeError(f"the migration of {vm.name} stays {phase(world, vm)}")
    instance = world.store.get("virtualmachineinstances", vm.name, vm.namespace)
    return str(instance["status"]["migrationState"]["targetNode"])


def phase(world: World, vm: Vm) -> str:
    """How far the VM's migration is; ApiError 404 when it is cleaned up, or there was none."""
    found = world.store.get(_MIGRATIONS, f"migration-{vm.name}", vm.namespace)
    return str(found.get("status", {}).get("phase", ""))
