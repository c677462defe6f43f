"""A tenant who means harm, and may write what tenants may, in a namespace of their own, with any word in it."""

from simulator import shapes
from simulator.client import Obj
from simulator.fencing import succeeded
from simulator.scene import Vm, add_vm
from tests.properties.happen.begun import Begun
from tests.properties.vms import ELIGIBLE, NODES
from tests.support.hostile import names
from workers.fencing.providers.remediation import NODE_NAME

EVIL = "evil"  # the tenant's namespace, and the VM in it that really runs
HOSTILE = tuple(names(""))
VICTIMS = tuple(vm.name for vm in ELIGIBLE)
_REMEDIATIONS, _ADDONS = "fenceagentsremediations", "csiaddonsnodes"


class Hostile(Begun):
    """Nothing of anybody else's is deleted for it, nobody else's VM stays down, and no node is fenced otherwise."""

    def begin(self) -> None:
        super().begin()
        self._tenant = self.world.api.client("tenant")
        self._tenant.create("namespaces", shapes.namespace(EVIL))
        self.judge.edited[EVIL] = float("inf")  # it may move, or be refused for what it is made of

    def evil_pod(self, node: str, victim: str, how: str) -> None:
        """On this node, with the victim's labels and instance, as its launcher or as what plugs a disk in."""
        vmi = self.visible.get("virtualmachineinstances", victim, "default") or {"metadata": {"uid": "none"}}
        owner = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "uid": vmi["metadata"]["uid"]}
        labels = {"kubevirt.io/created-by": vmi["metadata"]["uid"], "vm.kubevirt.io/name": victim}
        for kind in ("virt-launcher", "hotplug-disk"):
            meta: Obj = {
                "generateName": f"{kind}-",
                "namespace": EVIL,
                "labels": labels | {"kubevirt.io": kind},
                "annotations": {"kubevirt.io/owner-vmi-name": names(victim)[how], "kubevirt.io/domain": victim},
                "ownerReferences": [{**owner, "name": names(victim, "virtualmachineinstances")[how]}],
            }
            self._tenant.create("pods", {"metadata": meta, "spec": self._claiming(victim, how) | {"nodeName": node}})
        self.struck["a hostile pod"] += 1

    def evil_vm(self, victim: str, how: str) -> None:
        """A VM that runs, and names in its template a claim of somebody else's, to be detached at once."""
        if not self.visible.get("virtualmachines", EVIL, EVIL):
            add_vm(self._tenant, Vm(EVIL, namespace=EVIL, node=NODES[0], annotations={"vmdrift.io/detach": "delete"}))
            return
        spec = {"volumes": self._claiming(victim, how)["volumes"]}
        self._tenant.patch("virtualmachines", EVIL, {"spec": {"template": {"spec": spec}}}, EVIL)
        self.struck["a hostile VM"] += 1

    def evil_claim(self, victim: str) -> None:
        """Called as the victim's, and says that the victim's volume is bound to it."""
        name = f"{victim}-disk"
        if self.visible.get("persistentvolumeclaims", name, EVIL):
            return
        spec = {"volumeName": f"default-{name}", "accessModes": ["ReadWriteOnce"], "storageClassName": shapes.RBD_CLASS}
        self._tenant.create("persistentvolumeclaims", {"metadata": {"name": name, "namespace": EVIL}, "spec": spec})
        self._pretend("persistentvolumeclaims", name, {"phase": "Bound"})  # which RBAC gives to no tenant
        self.struck["a hostile claim"] += 1

    def evil_records(self, node: str) -> None:
        """Of this node, as only storage and its operators write them: other addresses, and a fence that succeeded."""
        name = f"{node}-{self.struck['hostile records']}"
        meta: Obj = {"name": name, "namespace": EVIL, "annotations": {NODE_NAME: node}}
        driver = {"name": shapes.RBD, "nodeID": node, "endpoint": "pod://x"}
        self._tenant.create(_ADDONS, {"metadata": meta, "spec": {"driver": driver}})
        told = [{"networkFenceClassName": "ceph-fencing", "ClientDetails": [{"id": "x", "cidrs": ["192.0.2.1/32"]}]}]
        self._pretend(_ADDONS, name, {"state": "Connected", "networkFenceClientStatus": told})
        self._tenant.create(_REMEDIATIONS, {"metadata": meta, "spec": {"agent": "fence_ipmilan"}})
        self._pretend(_REMEDIATIONS, name, {"conditions": [succeeded(self.world.now)]})
        self.struck["hostile records"] += 1

    def _pretend(self, resource: str, name: str, status: Obj) -> None:
        self._tenant.patch(resource, name, {"status": status}, EVIL, subresource="status")

    def _claiming(self, victim: str, how: str) -> Obj:
        claim = {"claimName": names(f"{victim}-disk")[how]}
        return {"containers": [], "volumes": [{"name": "disk", "persistentVolumeClaim": claim}]}
