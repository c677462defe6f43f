"""VMs that are made of an instance type and a preference, each its own."""

from simulator.client import Client, Obj
from simulator.vms import Vm

_SIZE = ("cpu", "memory")  # of a domain: an instance type gives both, and a VM that says them, too, is refused


def add(client: Client, vm: Vm) -> Obj:
    """Create what the VM names; the part of its spec that does so."""
    named: Obj = {}
    for part, kind in (("instancetype", "VirtualMachineInstancetype"), ("preference", "VirtualMachinePreference")):
        spec = getattr(vm, part)
        if spec is not None:
            name = f"{vm.name}-{part}"
            size = {"cpu": {"guest": 1}, "memory": {"guest": "256Mi"}} if part == "instancetype" else {}
            meta = {"name": name, "namespace": vm.namespace}
            client.create(f"{kind.lower()}s", {"metadata": meta, "spec": {**size, **spec}})
            named[part] = {"kind": kind, "name": name}
    return named


def without_size(instance: Obj) -> Obj:
    """The spec of an instance whose CPU and memory are its instance type's."""
    domain = {name: value for name, value in instance["domain"].items() if name not in _SIZE}
    return {**instance, "domain": domain}
