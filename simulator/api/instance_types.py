"""Instance types and preferences: which ones a VM means, as kept in its ControllerRevisions, and the VM without them.

Source: KubeVirt `pkg/instancetype/find`, `pkg/instancetype/revision/store.go`, `pkg/instancetype/expand/expand.go`.
"""

from collections.abc import Callable, Mapping

from simulator.actors.objects import owner_reference
from simulator.api import preferences
from simulator.client import Obj

PARTS: Mapping[str, str] = {"instancetype": "instancetypeRef", "preference": "preferenceRef"}
REVISIONS = "controllerrevisions"
_KINDS = {
    "instancetype": ("virtualmachineinstancetypes", "virtualmachineclusterinstancetypes"),
    "preference": ("virtualmachinepreferences", "virtualmachineclusterpreferences"),
}
_LABEL = "instancetype.kubevirt.io/object-"

Get = Callable[[str, str, str], Obj]  # resource, name, namespace -> object; ApiError 404


def meant(get: Get, vm: Obj, part: str) -> Obj:
    """The instance type or preference that a VM names; ApiError 404 when it is gone."""
    matcher = vm["spec"][part]
    own, shared = _KINDS[part]
    if matcher.get("kind", "").lower() in (own, own.removesuffix("s")):
        return get(own, matcher["name"], vm["metadata"]["namespace"])
    return get(shared, matcher["name"], "")


def revision(vm: Obj, obj: Obj) -> Obj:
    """The copy of it that is kept for the VM: it may be changed or deleted afterwards."""
    meta, version = obj["metadata"], obj["apiVersion"].rpartition("/")[2]
    told = {"name": meta["name"], "uid": meta["uid"], "generation": str(meta.get("generation", 1))}
    told |= {"kind": obj["kind"], "version": version}
    name = f"{vm['metadata']['name']}-{meta['name']}-{version}-{meta['uid']}-{told['generation']}"
    left_out = {"labels", "annotations", "finalizers", "ownerReferences", "managedFields"}
    return {
        "metadata": {
            "name": name,
            "namespace": vm["metadata"]["namespace"],
            "labels": {f"{_LABEL}{key}": value for key, value in told.items()},
            "ownerReferences": [owner_reference(vm)],
        },
        "data": {**obj, "metadata": {key: value for key, value in meta.items() if key not in left_out}},
        "revision": 0,
    }


def kept(get: Get, vm: Obj, part: str) -> Obj | None:
    """The ControllerRevision that a VM names for it, None where there is none (yet), or one of another object."""
    matcher = vm["spec"][part]
    told = vm.get("status", {}).get(PARTS[part], {}).get("controllerRevisionRef", {}).get("name")
    if pinned := matcher.get("revisionName"):
        return get(REVISIONS, pinned, vm["metadata"]["namespace"])
    found = get(REVISIONS, told, vm["metadata"]["namespace"]) if told else None
    same = found and found["metadata"].get("labels", {}).get(f"{_LABEL}name") == matcher["name"]
    return found if same else None


def instance_spec(get: Get, vm: Obj) -> Obj:
    """The spec of the instance that the VM is to have; ApiError 404 where what it names is gone."""
    template: Obj = vm["spec"]["template"]["spec"]
    if not PARTS.keys() & vm["spec"].keys():
        return template
    specs = {part: _spec(get, vm, part) for part in PARTS}
    return preferences.applied(template, specs["instancetype"], specs["preference"])


def expanded(get: Get, vm: Obj) -> Obj:
    """The VM as it would be without instance type and preference: what `expand-spec` answers."""
    spec = {name: value for name, value in vm["spec"].items() if name not in PARTS}
    template = {**vm["spec"]["template"], "spec": with_defaults(instance_spec(get, vm))}
    status = {name: value for name, value in vm.get("status", {}).items() if name not in PARTS.values()}
    return {**vm, "spec": {**spec, "template": template}, "status": status}


def with_defaults(spec: Obj) -> Obj:
    """As KubeVirt's webhook completes an instance's spec (`pkg/defaults`): the CPU model is the host's."""
    domain = spec.get("domain", {})
    return {**spec, "domain": {**domain, "cpu": {"model": "host-model", **(domain.get("cpu") or {})}}}


def _spec(get: Get, vm: Obj, part: str) -> Obj | None:
    if part not in vm["spec"]:
        return None
    found = kept(get, vm, part)
    obj = found["data"] if found else meant(get, vm, part)
    spec: Obj = obj["spec"]
    return spec
