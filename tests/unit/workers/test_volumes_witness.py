"""Claims that stand in no template: state by a preference, what was plugged in, what only a launcher names."""

from typing import Any

import pytest

from reactor.model.drift import Policy
from rehearsal.twins.cluster import ApiCluster
from simulator.client import Obj
from simulator.store.objects import copied
from tests.unit.workers.decide.recorded import POWER_CUT, TERMINATING, cluster, look, record
from workers.decide import decide
from workers.decide.observation import Volume, Witness
from workers.observe.cache import Surroundings
from workers.observe.volumes import Disks

_NAMESPACE, _VM = "run1", "vm-rbd"
_ROOT = {"name": "root", "persistentVolumeClaim": {"claimName": "rbd-disk"}}
_FIRST, _SECOND = "persistent-state-for-vm-rbd-aaaaa", "persistent-state-for-vm-rbd-bbbbb"


@pytest.fixture
def there() -> ApiCluster:
    return cluster(TERMINATING)


def _claim(there: ApiCluster, name: str, pv: Obj, **meta: Any) -> Obj:
    """A bound claim with a PersistentVolume of its own."""
    store = there.api.store
    claim = store.create(
        "persistentvolumeclaims",
        {
            "metadata": {"name": name, "namespace": _NAMESPACE, **meta},
            "spec": {"volumeName": f"pv-{name}"},
            "status": {"phase": "Bound"},
        },
    )
    reference = {key: claim["metadata"][key] for key in ("name", "namespace", "uid")}
    spec = {"accessModes": ["ReadWriteOnce"], "claimRef": reference, **pv}
    store.create("persistentvolumes", {"metadata": {"name": f"pv-{name}"}, "spec": spec})
    return claim


def _state(there: ApiCluster, name: str, **meta: Any) -> None:
    _claim(there, name, {"local": {"path": "/x"}}, labels={"persistent-state-for": _VM}, **meta)


def _all(there: ApiCluster, witness: Witness) -> list[Volume]:
    disks = Disks(there, Surroundings(lambda: 0.0), _NAMESPACE)
    return [volume for volume in disks.all(_VM, [_ROOT], witness) if volume.claim != "rbd-disk"]


def _changed(there: ApiCluster, resource: str, name: str, change: Obj) -> None:
    """Any change of the top-level parts that are given."""
    table = there.api.store.objects(resource)
    key = next(key for key in table if key[1] == name)
    table[key] = {**copied(table[key]), **change}


@pytest.mark.parametrize(
    ("used", "judged"),
    [((_FIRST,), [_FIRST]), ((_SECOND,), [_SECOND]), ((), [_FIRST, _SECOND])],
    ids=["the first", "the second", "nobody says which"],
)
def test_of_two_state_claims_the_one_in_use_is_judged(
    there: ApiCluster, used: tuple[str, ...], judged: list[str]
) -> None:
    _state(there, _FIRST)
    _state(there, _SECOND)
    assert [volume.claim for volume in _all(there, Witness((), used, state=True))] == judged


def test_a_state_claim_that_is_being_deleted_is_not_the_next_instances(there: ApiCluster) -> None:
    _state(there, _FIRST, deletionTimestamp="2026-11-23T06:13:45Z", finalizers=["kubernetes.io/pvc-protection"])
    _state(there, _SECOND)
    assert [volume.claim for volume in _all(there, Witness(state=True))] == [_SECOND]


def test_what_was_plugged_into_the_instance_only_is_left_behind(there: ApiCluster) -> None:
    _claim(there, "data", {"local": {"path": "/x"}})
    plugged = {"name": "hp", "persistentVolumeClaim": {"claimName": "data", "hotpluggable": True}}
    (volume,) = _all(there, Witness((_ROOT, plugged), ("data", "rbd-disk")))
    assert (volume.name, volume.left, volume.hotplugged) == ("hp", True, True)


def test_a_claim_that_only_the_launcher_names_is_judged_and_nothing_is_deleted_for_it(there: ApiCluster) -> None:
    _claim(there, "sidecars", {"local": {"path": "/x"}})
    (volume,) = _all(there, Witness((), ("rbd-disk", "sidecars")))
    assert (volume.claim, volume.left, volume.source) == ("sidecars", False, "local")
    assert (volume.named, volume.ours) == (False, False)


def test_state_that_the_next_instance_keeps_no_more_is_left_behind(there: ApiCluster) -> None:
    _state(there, _FIRST)
    (volume,) = _all(there, Witness((), (_FIRST,), state=False))
    assert (volume.kind, volume.left) == ("persistentState", True)


@pytest.mark.parametrize(
    ("reference", "bound", "trouble"),
    [
        ({}, False, ""),
        ({"name": "data", "namespace": _NAMESPACE}, False, ""),
        (
            {"name": "data", "namespace": "other"},
            False,
            "claim data names volume pv-data, which is bound to other/data",
        ),
        ({"name": "data", "namespace": _NAMESPACE, "uid": "old"}, False, "which is bound to run1/data"),
    ],
    ids=["nobody", "without a uid", "of another namespace", "of an earlier claim of that name"],
)
def test_claim_and_volume_must_name_each_other(there: ApiCluster, reference: Obj, bound: bool, trouble: str) -> None:
    _claim(there, "data", {"local": {"path": "/x"}, "claimRef": reference})
    (volume,) = _all(there, Witness((), ("data",)))
    assert volume.bound is bound
    assert trouble in volume.trouble
    assert bool(volume.trouble) is bool(trouble)


def test_a_preferences_state_claim_stops_a_move_where_only_the_launcher_shows_it(there: ApiCluster) -> None:
    """The VM's template says nothing of a vTPM; the instance does, and its launcher mounts the claim."""
    _state(there, _FIRST)
    vmi = there.api.store.get("virtualmachineinstances", _VM, _NAMESPACE)
    domain = {**vmi["spec"]["domain"], "devices": {**vmi["spec"]["domain"]["devices"], "tpm": {"persistent": True}}}
    _changed(there, "virtualmachineinstances", _VM, {"spec": {**vmi["spec"], "domain": domain}})
    seen = look(there, TERMINATING, record(_VM))
    assert [volume.claim for volume in seen.volumes if volume.kind == "persistentState"] == [_FIRST]
    judged = decide(seen, record(_VM), Policy(), POWER_CUT + TERMINATING)
    assert {check.reason for check in judged.checks if check.name == "storage"} == {"node-local-volume"}


def test_a_volume_is_bound_where_both_say_so_by_uid(there: ApiCluster) -> None:
    _claim(there, "data", {"local": {"path": "/x"}})
    (volume,) = _all(there, Witness((), ("data",)))
    assert (volume.bound, volume.trouble) == (True, "")


def test_a_vm_whose_name_is_too_long_for_a_label_has_its_state_under_the_old_name(there: ApiCluster) -> None:
    name = "a" * 64
    _claim(there, f"persistent-state-for-{name}", {"local": {"path": "/x"}})
    (volume,) = Disks(there, Surroundings(lambda: 0.0), _NAMESPACE).all(name, [], Witness(state=True))
    assert (volume.claim, volume.trouble) == (f"persistent-state-for-{name}", "")
