"""Live objects become an Observation: the recorded cluster, with single objects changed."""

from typing import Any

import pytest

from reactor.model.drift import Policy
from reactor.model.errors import Forbidden
from simulator.client import ApiError, Obj
from simulator.twins.cluster import ApiCluster
from tests.unit.decide.recorded import DUE, POWER_CUT, TERMINATING, cluster, record
from workers.decide.observation import Observation, Volume
from workers.observe import observe, vm_view, vmi_view

_NAMESPACE = "run1"
_CLAIM = {"name": "root", "persistentVolumeClaim": {"claimName": "rbd-disk"}}


def _seen(changed: ApiCluster) -> Observation:
    return observe(changed, record("vm-rbd"), Policy(), POWER_CUT + TERMINATING)


def _with(volumes: list[Obj], changed: ApiCluster | None = None) -> tuple[Volume, ...]:
    changed = changed or cluster(TERMINATING)
    template = {"spec": {"template": {"spec": {"volumes": volumes}}}}
    changed._api.client("admin").patch("virtualmachines", "vm-rbd", template, _NAMESPACE)
    return _seen(changed).volumes


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ({"persistentVolumeClaim": {"claimName": "rbd-disk"}}, "persistentVolumeClaim"),
        ({"dataVolume": {"name": "rbd-disk"}}, "dataVolume"),
        ({"ephemeral": {"persistentVolumeClaim": {"claimName": "rbd-disk"}}}, "ephemeral"),
    ],
)
def test_every_way_to_name_a_claim_leads_to_its_volume(source: Obj, kind: str) -> None:
    (volume,) = _with([{"name": "root", **source}])
    assert (volume.kind, volume.claim, volume.pv) == (kind, "rbd-disk", "run1-rbd-disk")
    assert (volume.source, volume.driver, volume.modes) == ("csi", "rook-ceph.rbd.csi.ceph.com", ("ReadWriteOnce",))


@pytest.mark.parametrize("source", [{"containerDisk": {"image": "a"}}, {"emptyDisk": {}}, {"cloudInitNoCloud": None}])
def test_a_volume_without_a_claim_is_known_by_its_kind(source: Obj) -> None:
    assert _with([{"name": "root", **source}]) == (Volume("root", next(iter(source))),)


def test_a_missing_claim_is_named() -> None:
    (volume,) = _with([{"name": "root", "persistentVolumeClaim": {"claimName": "nothing"}}])
    assert volume.trouble == "claim nothing is missing"


def test_an_unbound_claim_is_named_with_its_phase() -> None:
    changed = cluster(TERMINATING)
    phase = {"status": {"phase": "Lost"}}
    changed._api.client("admin").patch("persistentvolumeclaims", "rbd-disk", phase, _NAMESPACE, subresource="status")
    (volume,) = _with([_CLAIM], changed)
    assert volume.trouble == "claim rbd-disk is Lost"


def test_a_claim_whose_volume_is_gone_is_named() -> None:
    changed = cluster(TERMINATING)
    admin = changed._api.client("admin")
    admin.patch("persistentvolumes", "run1-rbd-disk", {"metadata": {"finalizers": None}})
    admin.delete("persistentvolumes", "run1-rbd-disk")
    (volume,) = _with([_CLAIM], changed)
    assert volume.trouble == "the PersistentVolume of claim rbd-disk is missing"


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ({"local": {"path": "/mnt"}}, "local"),
        ({"hostPath": {"path": "/mnt"}}, "hostPath"),
        ({"nfs": {"server": "a", "path": "/"}}, "another"),
    ],
)
def test_what_a_volume_lies_on_is_read_from_its_persistent_volume(source: Obj, known: str) -> None:
    changed = cluster(TERMINATING)
    changed._api.client("admin").patch("persistentvolumes", "run1-rbd-disk", {"spec": {"csi": None, **source}})
    (volume,) = _with([_CLAIM], changed)
    assert (volume.source, volume.driver, volume.handle) == (known, "", "")


@pytest.mark.parametrize(
    ("spec", "strategy"),
    [
        ({"runStrategy": "Once"}, "Once"),
        ({"running": True}, "Always"),
        ({"running": False}, "Halted"),
        ({}, ""),
    ],
)
def test_the_old_way_to_say_that_a_vm_runs_is_understood(spec: dict[str, Any], strategy: str) -> None:
    assert vm_view({"metadata": {"uid": "a"}, "spec": spec}).run_strategy == strategy


def test_an_instance_that_was_just_created_has_neither_node_nor_phase() -> None:
    view = vmi_view({"metadata": {"uid": "a", "creationTimestamp": "2026-11-23T06:18:45Z"}})
    assert (view.node, view.phase, view.created) == ("", "", DUE)


def test_nodes_are_read_only_until_one_fits() -> None:
    large = cluster(TERMINATING)
    for number in range(100):
        large._api.client("admin").create("nodes", {"metadata": {"name": f"node-{number}"}})
    assert len(_seen(large).nodes) == 108
    fitting = {"kubevirt.io/schedulable": "true"}
    ready = {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-23T06:00:00Z"}]}
    large._api.store.create("nodes", {"metadata": {"name": "a-first", "labels": fitting}, "status": ready})
    assert len(_seen(large).nodes) == 20


def test_what_may_not_be_read_is_an_error_and_no_observation() -> None:
    changed = cluster(TERMINATING)
    refused = ApiError(403, "Forbidden", "no")
    changed._api.faults.append(lambda request: refused if request.resource == "persistentvolumes" else None)
    with pytest.raises(Forbidden):
        _seen(changed)
