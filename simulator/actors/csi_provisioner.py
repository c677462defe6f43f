"""The CSI provisioner: a volume for each claim that nobody made one for, on the drivers that can.

Source: kubernetes-csi/external-provisioner `pkg/controller/controller.go`, and the binding by kubernetes
`pkg/controller/volume/persistentvolume/pv_controller.go`. Volume binding mode Immediate.
"""

from simulator import shapes
from simulator.client import Client, Obj
from simulator.machines.drivers import RBD
from simulator.store.objects import key_of

_BOUND = {
    "annotations": {"pv.kubernetes.io/bind-completed": "yes"},
    "finalizers": ["kubernetes.io/pvc-protection"],
}
_CLAIMS, _VOLUMES = "persistentvolumeclaims", "persistentvolumes"


class CsiProvisioner:
    """The provisioner of the class that every scene has for RBD."""

    name = "csi-provisioner"
    watches = (_CLAIMS,)

    def __init__(self, client: Client) -> None:
        self._client, self._claims = client, client.informer(_CLAIMS)

    def step(self, _: float) -> float | None:
        """Provision what has no volume yet."""
        for kind, claim in self._claims.poll():
            spec = claim["spec"]
            if kind != "DELETED" and not spec.get("volumeName") and spec.get("storageClassName") == RBD.storage_class:
                self._provision(claim)
        return None

    def _provision(self, claim: Obj) -> None:
        (namespace, name), volume = key_of(claim), f"pvc-{claim['metadata']['uid']}"
        done = {"metadata": _BOUND, "spec": {"volumeName": volume}}
        claim = self._client.patch(_CLAIMS, name, done, namespace)
        self._client.create(_VOLUMES, shapes.volume(claim, RBD.source(volume, [])))
        self._client.patch(_VOLUMES, volume, {"status": {"phase": "Bound"}}, subresource="status")
        self._client.patch(_CLAIMS, name, shapes.bound(claim["spec"]["accessModes"]), namespace, subresource="status")
