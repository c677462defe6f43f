"""The part of Kubernetes' volume controller that a volume needs which was made by hand for one claim: both get Bound.

Source: kubernetes `pkg/controller/volume/persistentvolume/pv_controller.go`. Scenes make theirs bound, so it lives only
in a control plane without machines.
"""

from simulator.client import Client, Obj
from simulator.store.objects import key_of

_CLAIMS, _VOLUMES = "persistentvolumeclaims", "persistentvolumes"
_BOUND = {"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}}


class VolumeBinder:
    """Binds claims to the volumes that they name, and that name them."""

    name = "volume-binder"
    watches = (_CLAIMS, _VOLUMES)

    def __init__(self, client: Client) -> None:
        self._client = client
        self._claims, self._volumes = client.informer(_CLAIMS), client.informer(_VOLUMES)

    def step(self, _: float) -> float | None:
        """Bind what can be bound."""
        self._claims.poll()
        self._volumes.poll()
        for claim in self._claims.objects.values():
            volume = self._volumes.objects.get(("", claim["spec"].get("volumeName", "")))
            if volume and claim["status"]["phase"] == "Pending" and _meant_for(volume, claim):
                self._bind(claim, volume)
        return None

    def _bind(self, claim: Obj, volume: Obj) -> None:
        namespace, name = key_of(claim)
        self._client.patch(_VOLUMES, key_of(volume)[1], {"status": {"phase": "Bound"}}, subresource="status")
        self._client.patch(_CLAIMS, name, _BOUND, namespace)
        status = {"phase": "Bound", **{part: volume["spec"][part] for part in ("accessModes", "capacity")}}
        self._client.patch(_CLAIMS, name, {"status": status}, namespace, subresource="status")


def _meant_for(volume: Obj, claim: Obj) -> bool:
    reference = volume["spec"].get("claimRef") or {}
    return bool(reference.get("uid") == claim["metadata"]["uid"])
