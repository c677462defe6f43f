"""Every field that the API calls optional may be missing, or null: no reader of the cluster's objects fails on it.

The objects are those that a real control plane wrote (tests/traces), with one field at a time taken out.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reactor.adapters.kubernetes.cluster import Cluster, Page
from reactor.model.drift import Policy
from reactor.model.node import node_view
from reactor.watch.node_views import thrifty_view
from simulator.store.objects import copied
from tests.support.places import TRACES
from tests.unit.workers.decide.recorded import DUE, POWER_CUT, RELEASED, TERMINATING, cluster, look, record
from workers.decide import decide
from workers.decide.placement.next_instance import keeps_state
from workers.intake.holders import holders
from workers.observe import uses, warning_of
from workers.observe.cache import Surroundings
from workers.observe.launchers import launcher, launchers, vm_of_launcher
from workers.observe.parse import attachment_view, claims_of, pod_view, vm_view, vmi_view
from workers.observe.volumes import Disks

Obj = dict[str, Any]
Path_ = tuple[str | int, ...]
# What the API server itself writes of every object, and what makes an entry of a list one of its kind.
_REQUIRED = frozenset({"name", "key", "operator"})  # of an entry of a list, where it has them
_SHAPES = 8  # of one kind
_ALWAYS = frozenset({("metadata",), ("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid")})

_CHANGED_AS = {"nodes": "node", "pods": "pod", "volumeattachments": "va", "events": "event"}


@cache
def recorded(kind: str) -> Sequence[Obj]:
    """Objects of a kind, each with other fields than those before it."""
    found: dict[str, Obj] = {}
    for trace in sorted(TRACES.iterdir()):
        if trace.is_dir():
            for obj in _objects(trace, kind):
                found.setdefault(json.dumps(sorted(map(str, paths(obj)))), obj)
    return list(found.values())[:_SHAPES]


def _objects(trace: Path, kind: str) -> Iterator[Obj]:
    with gzip.open(trace / "before.json.gz") as file:
        yield from json.load(file).get(kind, [])
    with gzip.open(trace / "objects.jsonl.gz") as file:
        changes = map(json.loads, file)
        yield from (change["object"] for change in changes if change["kind"] == _CHANGED_AS.get(kind, kind))


def paths(obj: object, at: Path_ = ()) -> Iterator[Path_]:
    """To every field within."""
    entries: Any = obj.items() if isinstance(obj, dict) else enumerate(obj) if isinstance(obj, list) else ()
    for name, value in entries:
        if name != "managedFields":
            yield (*at, name)
            yield from paths(value, (*at, name))


def optional(obj: Obj) -> list[Path_]:
    """Those of them that may be missing."""
    return [
        path
        for path in paths(obj)
        if path not in _ALWAYS and not (path[-1] in _REQUIRED and isinstance(("", *path)[-2], int))
    ]


def without(obj: Obj, path: Path_, *, null: bool) -> Obj:
    """The same without this field, or with null there."""
    changed: Any = copied(obj)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    if null:
        inner[path[-1]] = None
    else:
        del inner[path[-1]]
    return changed  # type: ignore[no-any-return]


class _Holding:
    """A cluster in which there is one object of some kinds each, whatever name it is asked for by."""

    def __init__(self, **objects: Obj) -> None:
        self._objects = objects

    def find(self, resource: str, _name: str, _namespace: str = "") -> Obj | None:
        return self._objects.get(resource)

    def pages(self, resource: str, **_: str) -> Iterator[Page]:
        yield Page([self._objects[resource]], "1")


_SPEC = {"name": "root", "persistentVolumeClaim": {"claimName": "rbd-disk"}}
_CLAIM = {"metadata": {"name": "rbd-disk"}, "spec": {"volumeName": "run1-rbd-disk"}, "status": {"phase": "Bound"}}


def _renewals(lease: Obj) -> object:
    cluster: Any = _Holding(leases=lease)
    return Surroundings(lambda: 0.0).renewals(cluster)


def _disks(claim: Obj, volume: Obj) -> object:
    cluster: Any = _Holding(persistentvolumeclaims=claim, persistentvolumes=volume)
    return Disks(cluster, Surroundings(lambda: 0.0), "run1").all("vm-rbd", [_SPEC])


READERS: Mapping[str, tuple[Callable[[Any], object], ...]] = {
    "nodes": (node_view, thrifty_view),
    "pods": (pod_view, launcher, claims_of, lambda pod: uses(pod, "disk")),
    "vm": (vm_view, lambda vm: keeps_state(vm_view(vm).template)),
    "vmi": (vmi_view,),
    "volumeattachments": (attachment_view,),
    "leases": (_renewals,),
    "pv": (lambda pv: _disks(_CLAIM, pv),),
    "pvc": (lambda claim: _disks(claim, recorded("pv")[0]),),
    "events": (warning_of,),
}


@pytest.mark.parametrize("kind", READERS)
def test_no_reader_fails_where_a_field_is_missing_or_null(kind: str) -> None:
    objects = recorded(kind)
    assert objects
    tried = 0
    for obj in objects:
        for path in optional(obj):
            for null in (False, True):
                changed = without(obj, path, null=null)
                for read in READERS[kind]:
                    read(changed)
                tried += 1
    assert tried > 5


READ_BY_A_PASS = {  # objects of vm-rbd, and those that a pass over it reads besides: resource -> which of them
    "nodes": "node-",
    "pods": "virt-launcher-vm-rbd",
    "virtualmachines": "vm-rbd",
    "virtualmachineinstances": "vm-rbd",
    "persistentvolumeclaims": "rbd-disk",
    "persistentvolumes": "run1-rbd-disk",
    "volumeattachments": "csi-",
    "leases": "node-",
}


@pytest.mark.parametrize(
    ("second", "released", "stride"),
    [
        (TERMINATING, None, 3),
        pytest.param(TERMINATING, None, 1, marks=pytest.mark.nightly),
        pytest.param(RELEASED, POWER_CUT + 544.3, 1, marks=pytest.mark.nightly),
    ],
)
def test_no_pass_fails_where_a_field_is_missing(second: float, released: float | None, stride: int) -> None:
    """By day every third field, by night each."""
    there, tried = cluster(second), 0
    looker, now = record("vm-rbd", released_at=released), max(DUE, POWER_CUT + second)
    for resource, name in READ_BY_A_PASS.items():
        table = there.api.store.objects(resource)
        key = next(key for key in sorted(table) if key[-1].startswith(name))
        obj = table[key]
        for path in list(optional(obj))[::stride]:
            if "containers" in path:  # long, and nothing that a pass looks at
                continue
            table[key] = without(obj, path, null=False)
            decide(look(there, second, looker), looker, Policy(), now)
            search_launchers(there)
            tried += 1
        table[key] = obj
    assert tried > 300 // stride


def search_launchers(there: Cluster) -> None:
    """As intake does."""
    for one, _ in launchers(there, namespace="run1"):
        vm_of_launcher(one, there)
    list(holders(there, "node-a", ()))
