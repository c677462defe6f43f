"""virt-controller's part in instance types: it keeps a copy of what a VM names, and names the copy in its status.

Source: KubeVirt `pkg/instancetype/revision/store.go`. From then on the copy counts, whatever becomes of the original.
"""

from simulator.api.instance_types import PARTS, REVISIONS, kept, meant, revision
from simulator.client import ApiError, Client, Obj

_EXISTS = 409


def with_revisions(client: Client, vm: Obj) -> Obj:
    """The VM with its ControllerRevisions in its status; those that lack are made. ApiError 404: nothing to copy."""
    wanted = PARTS.keys() & vm["spec"].keys()
    references = {PARTS[part]: _reference(client, vm, part) for part in PARTS if part in wanted}
    return {**vm, "status": {**vm.get("status", {}), **references}} if references else vm


def _reference(client: Client, vm: Obj, part: str) -> Obj:
    matcher = vm["spec"][part]
    found = kept(client.get, vm, part) or _made(client, vm, part)
    told = {name: matcher[name] for name in ("name", "kind") if name in matcher}
    return {**told, "controllerRevisionRef": {"name": found["metadata"]["name"]}}


def _made(client: Client, vm: Obj, part: str) -> Obj:
    new = revision(vm, meant(client.get, vm, part))
    try:
        return client.create(REVISIONS, new)
    except ApiError as error:
        if error.code != _EXISTS:
            raise
        return new
