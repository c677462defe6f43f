"""A cluster that was read, loaded into the simulated one: its objects as they are, its nodes as machines that run them.

What was not read cannot be played: who loads it says what is lacking.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from reactor.model.lease import NODE_LEASES
from rehearsal.launchers import Launchers
from simulator import shapes
from simulator.actors import objects as objects_of
from simulator.actors.cast import any_phases, cast
from simulator.actors.virt_controller import VirtController
from simulator.actors.vmi import FOREGROUND
from simulator.client import ApiError, Client, Obj
from simulator.scene import adopt
from simulator.timing import Timing
from simulator.world import World

_SETTLES = 90.0  # seconds until every actor has looked once, and every kubelet and virt-handler has reported
# Of objects that are loaded: the simulated API server numbers its own versions.
_OWN = frozenset({"resourceVersion", "managedFields", "selfLink"})
_UIDS = 29_091  # the cluster that was read may be a simulated one, whose uids are not to be drawn again
_ATTACHER = "external-attacher/"
_OLD_FOREGROUND = "foregroundDeleteVirtualMachine"  # as KubeVirt called it before it had its group in front
_SOURCES = {"containerDisk": {"image": "not-read"}, "hostDisk": {"path": "/not-read/disk.img"}}
_WITH_VOLUMES = frozenset({"VirtualMachine", "VirtualMachineInstance", "VirtualMachineInstanceReplicaSet"})
_TIMES = {"lastProbeTime": None, "lastTransitionTime": None}
Objects = Mapping[str, Sequence[Mapping[str, Any]]]  # by plural resource name


def loaded(objects: Objects, at: float, seed: int = 0, timing: Timing | None = None) -> World:
    """A world at `at`, seconds since the epoch, in which these live, and all that makes them live acts.

    `seed` decides where in their periods its controllers are. Raises ApiError for objects that no API server has.
    """
    timing, world = timing or Timing(), World(_UIDS + seed, start=at)
    claims = {(_place(claim)): claim["metadata"].get("uid", "") for claim in objects.get("persistentvolumeclaims", ())}
    for resource, of_kind in objects.items():
        if resource in world.store.resources:
            for obj in filter(_is_played, of_kind):
                world.store.create(resource, _own(obj, claims))
    admin = world.api.client("system:admin")
    _completed(admin)
    adopt(admin, world.hypervisor)
    for node in admin.list("nodes"):
        if objects_of.condition(node, "Ready").get("status") == "Unknown":  # what it runs, if anything, nobody knows
            world.hypervisor.power_cut(node["metadata"]["name"])
    actors = cast(world.api.client, world.hypervisor, timing, any_phases(seed, timing), room=True)
    launchers = Launchers(world.store.objects("virtualmachineinstances"), world.store.objects("pods"))
    for virt_controller in (actor for actor in actors if isinstance(actor, VirtController)):
        virt_controller.finish = launchers.finished
    world.add(*actors)
    world.run_for(_SETTLES)
    return world


def _is_played(obj: Mapping[str, Any]) -> bool:
    """Leader election is the simulated controllers' own."""
    return obj.get("kind") != "Lease" or obj["metadata"].get("namespace") == NODE_LEASES


def _place(obj: Mapping[str, Any]) -> tuple[str, str]:
    return obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def _own(obj: Mapping[str, Any], claims: Mapping[tuple[str, str], str]) -> Obj:
    """As the simulated API server and controllers keep it. `claims`: the uid of each."""
    meta = {name: value for name, value in obj["metadata"].items() if name not in _OWN}
    status = dict(obj.get("status") or {})
    if obj.get("kind") == "VolumeAttachment":  # the finalizer is its driver's, whatever it is called there
        meta["finalizers"] = [*(f for f in meta.get("finalizers") or () if not f.startswith(_ATTACHER)), _attacher(obj)]
    if obj.get("kind") == "VirtualMachineInstance":  # virt-controller writes both times of each condition
        status["conditions"] = [_TIMES | condition for condition in status.get("conditions") or ()]
        names = {_OLD_FOREGROUND: FOREGROUND}
        meta["finalizers"] = [names.get(name, name) for name in meta.get("finalizers") or ()]
    own = {**obj, "metadata": meta, "status": status}
    if obj.get("kind") in _WITH_VOLUMES:
        own["spec"] = _played_spec(obj.get("spec") or {})
    if (ref := (obj.get("spec") or {}).get("claimRef")) and "uid" not in ref:  # what binds it; a dump need not hold it
        uid = claims.get((ref.get("namespace", ""), ref.get("name", "")), "")
        own["spec"] = {**obj["spec"], "claimRef": {**ref, "uid": uid}}
    return own


def _played_spec(spec: Obj) -> Obj:
    """Of some volumes a dump says only what kind they are; the simulated scheduler stands in for any other."""
    own = {name: value for name, value in spec.items() if name != "schedulerName"}
    if template := own.get("template"):
        own["template"] = {**template, "spec": _played_spec(template.get("spec") or {})}
    if own.get("volumes"):
        own["volumes"] = [_with_source(volume) for volume in own["volumes"]]
    return own


def _with_source(volume: Obj) -> Obj:
    return volume | {kind: lacking | (volume[kind] or {}) for kind, lacking in _SOURCES.items() if kind in volume}


def _attacher(obj: Mapping[str, Any]) -> str:
    return f"{_ATTACHER}{obj['spec']['attacher'].replace('.', '-')}"


def _completed(admin: Client) -> None:
    """With what every cluster has, and a dump need not hold."""
    for name in ("default", "kube-system", "kube-node-lease", "kubevirt", "vm-drift"):
        _unless_there(admin, "namespaces", shapes.namespace(name))
    for node in admin.list("nodes"):
        name = node["metadata"]["name"]
        _unless_there(admin, "leases", shapes.lease(name))
        _unless_there(admin, "csinodes", shapes.csi_node(name))


def _unless_there(admin: Client, resource: str, obj: Obj) -> None:
    try:
        admin.create(resource, obj)
    except ApiError as error:
        if error.code != 409:  # noqa: PLR2004 - AlreadyExists
            raise
