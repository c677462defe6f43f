"""A VM's volumes are followed to where their data lies: the recorded cluster, with single objects changed or added."""

import pytest

from reactor.model.errors import Forbidden
from rehearsal.twins.cluster import ApiCluster
from simulator.client import ApiError, Obj
from simulator.machines import hwameistor
from simulator.store.objects import copied
from tests.unit.workers.decide.recorded import TERMINATING, cluster
from workers.decide.observation import Replicas, Volume, Witness
from workers.decide.placement.next_instance import keeps_state
from workers.decide.storage import HWAMEISTOR
from workers.observe.cache import Surroundings
from workers.observe.volumes import Disks

_FSID = "b9127830-b0cc-4e34-aa47-9d1a2e9949a8"
_NAMESPACE, _PV = "run1", "run1-rbd-disk"
_CLAIM = {"name": "root", "persistentVolumeClaim": {"claimName": "rbd-disk"}}
_TPM = {"domain": {"devices": {"tpm": {"persistent": True}}}}
_HA = [("node-a", True, True), ("node-b", True, True)]


@pytest.fixture
def there() -> ApiCluster:
    return cluster(TERMINATING)


def _all(there: ApiCluster, *volumes: Obj, template: Obj | None = None, remembered: bool = False) -> tuple[Volume, ...]:
    disks = Disks(there, Surroundings(lambda: 0.0), _NAMESPACE, remembered=remembered)
    return disks.all("vm-rbd", volumes, Witness(state=keeps_state(template or {})))


def _volume(there: ApiCluster, spec: Obj = _CLAIM) -> Volume:
    (found,) = _all(there, spec)
    return found


def _change(there: ApiCluster, resource: str, name: str, change: Obj, namespace: str = "") -> None:
    """Any change of the top-level parts that are given."""
    table = there.api.store.objects(resource)
    obj = copied(table[namespace, name])
    for part, fields in change.items():
        obj[part] = {key: value for key, value in {**obj.get(part, {}), **fields}.items() if value is not None}
    table[namespace, name] = obj


@pytest.mark.parametrize(
    ("source", "kind", "read_only", "hotplugged"),
    [
        ({"persistentVolumeClaim": {"claimName": "rbd-disk"}}, "persistentVolumeClaim", False, False),
        ({"persistentVolumeClaim": {"claimName": "rbd-disk", "readOnly": True}}, "persistentVolumeClaim", True, False),
        (
            {"persistentVolumeClaim": {"claimName": "rbd-disk", "hotpluggable": True}},
            "persistentVolumeClaim",
            False,
            True,
        ),
        ({"dataVolume": {"name": "rbd-disk"}}, "dataVolume", False, False),
        ({"dataVolume": {"name": "rbd-disk", "hotpluggable": True}}, "dataVolume", False, True),
        ({"ephemeral": {"persistentVolumeClaim": {"claimName": "rbd-disk"}}}, "ephemeral", True, False),
        ({"memoryDump": {"claimName": "rbd-disk", "hotpluggable": True}}, "memoryDump", False, True),
    ],
)
def test_every_way_to_name_a_claim_leads_to_its_volume(
    there: ApiCluster, source: Obj, kind: str, read_only: bool, hotplugged: bool
) -> None:
    volume = _volume(there, {"name": "root", **source})
    assert (volume.kind, volume.claim, volume.pv) == (kind, "rbd-disk", _PV)
    assert (volume.source, volume.driver, volume.modes) == ("csi", "rook-ceph.rbd.csi.ceph.com", ("ReadWriteOnce",))
    assert (volume.read_only, volume.hotplugged, volume.attaches) == (read_only, hotplugged, True)
    assert (volume.trouble, volume.admits, volume.replicas) == ("", (), None)


@pytest.mark.parametrize(("said", "asked"), [("true", True), ("false", False), (None, False)])
def test_a_storage_class_may_ask_for_a_fence(there: ApiCluster, said: str | None, asked: bool) -> None:
    name = there.api.store.get("persistentvolumes", _PV)["spec"]["storageClassName"]
    annotations = {"vmdrift.io/require-fence": said} if said else {}
    there.api.store.create("storageclasses", {"metadata": {"name": name, "annotations": annotations}})
    assert _volume(there).fence is asked


@pytest.mark.parametrize(
    "source", [{"containerDisk": {"image": "a"}}, {"emptyDisk": {}}, {"cloudInitNoCloud": None}, {"hostDisk": {}}]
)
def test_a_volume_without_a_claim_is_known_by_its_kind(there: ApiCluster, source: Obj) -> None:
    assert _volume(there, {"name": "root", **source}) == Volume("root", next(iter(source)))


def test_a_volume_that_says_nothing_has_no_kind(there: ApiCluster) -> None:
    assert _volume(there, {"name": "root"}) == Volume("root", "")


def test_a_missing_claim_is_named(there: ApiCluster) -> None:
    missing = _volume(there, {"name": "root", "persistentVolumeClaim": {"claimName": "nothing"}})
    assert missing.trouble == "claim nothing is missing"


@pytest.mark.parametrize(
    ("status", "trouble"),
    [({"phase": "Lost"}, "claim rbd-disk is Lost"), ({"phase": None}, "claim rbd-disk is not bound")],
)
def test_an_unbound_claim_is_named_with_its_phase(there: ApiCluster, status: Obj, trouble: str) -> None:
    _change(there, "persistentvolumeclaims", "rbd-disk", {"status": status}, _NAMESPACE)
    assert _volume(there).trouble == trouble


def test_a_claim_whose_volume_is_gone_is_named(there: ApiCluster) -> None:
    del there.api.store.objects("persistentvolumes")["", _PV]
    assert _volume(there).trouble == "the PersistentVolume of claim rbd-disk is missing"


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ({"local": {"path": "/mnt"}}, "local"),
        ({"hostPath": {"path": "/mnt"}}, "hostPath"),
        ({"nfs": {"server": "a", "path": "/"}}, "nfs"),
        ({"somethingNew": {}}, "another"),
    ],
)
def test_what_a_volume_lies_on_is_read_from_its_persistent_volume(there: ApiCluster, source: Obj, known: str) -> None:
    _change(there, "persistentvolumes", _PV, {"spec": {"csi": None, **source}})
    volume = _volume(there)
    assert (volume.source, volume.driver, volume.handle) == (known, "", "")


def test_access_modes_are_the_volumes_and_not_the_claims(there: ApiCluster) -> None:
    _change(there, "persistentvolumes", _PV, {"spec": {"accessModes": ["ReadWriteOnce", "ReadWriteMany"]}})
    volume = _volume(there)
    assert volume.modes == ("ReadWriteOnce", "ReadWriteMany")
    assert not volume.exclusive


def test_a_volume_whose_driver_mounts_it_read_only_is_only_read(there: ApiCluster) -> None:
    csi = {"driver": "rook-ceph.cephfs.csi.ceph.com", "volumeHandle": "h", "readOnly": True}
    _change(there, "persistentvolumes", _PV, {"spec": {"csi": csi}})
    assert _volume(there).read_only


@pytest.mark.parametrize("affinity", [None, {}, {"required": None}, {"required": {}}])
def test_a_volume_without_node_affinity_may_be_used_anywhere(there: ApiCluster, affinity: Obj | None) -> None:
    _change(there, "persistentvolumes", _PV, {"spec": {"nodeAffinity": affinity}})
    assert tuple(_volume(there).admits) == ()


def test_the_nodes_that_a_volume_admits_are_read(there: ApiCluster) -> None:
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-a"]}]}]
    _change(there, "persistentvolumes", _PV, {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}})
    assert _volume(there).admits == terms


@pytest.mark.parametrize(
    ("spec", "attaches"), [({"attachRequired": False}, False), ({"attachRequired": True}, True), ({}, True)]
)
def test_a_driver_says_whether_it_attaches(there: ApiCluster, spec: Obj, attaches: bool) -> None:
    driver = {"metadata": {"name": "rook-ceph.rbd.csi.ceph.com"}, "spec": spec}
    there.api.store.create("csidrivers", driver)
    assert _volume(there).attaches is attaches


@pytest.mark.parametrize(
    "template",
    [
        _TPM,
        {"domain": {"firmware": {"bootloader": {"efi": {"persistent": True}}}}},
    ],
)
@pytest.mark.parametrize("labelled", [True, False])
def test_the_state_of_a_vtpm_or_efi_is_a_volume_too(there: ApiCluster, template: Obj, labelled: bool) -> None:
    name = "persistent-state-for-vm-rbd-x7k2p" if labelled else "persistent-state-for-vm-rbd"
    meta = {"namespace": _NAMESPACE, "name": name}
    labels = {"labels": {"persistent-state-for": "vm-rbd"}} if labelled else {}
    bound = {"spec": {"volumeName": _PV}, "status": {"phase": "Bound"}}
    there.api.store.create("persistentvolumeclaims", {"metadata": meta | labels, **bound})
    (state,) = _all(there, template=template)
    assert (state.name, state.kind, state.claim, state.pv) == ("state", "persistentState", name, _PV)


def test_the_state_that_has_no_claim_is_told_as_missing(there: ApiCluster) -> None:
    (state,) = _all(there, template=_TPM)
    assert state.trouble == "claim persistent-state-for-vm-rbd is missing"


@pytest.mark.parametrize(
    "template",
    [
        {"domain": {"devices": {"tpm": {}}}},
        {"domain": {"devices": {"tpm": None}}},
        {"domain": {"devices": {"tpm": {"persistent": False}}}},
        {"domain": {"firmware": {"bootloader": {"efi": {}}}}},
        {"domain": {"firmware": {"bootloader": {"efi": None}}}},
        {"domain": {"firmware": {"bootloader": None}}},
    ],
)
def test_a_vtpm_or_efi_that_forgets_keeps_nothing(there: ApiCluster, template: Obj) -> None:
    assert _all(there, template=template) == ()


def _replicated(there: ApiCluster, replicas: list[tuple[str, bool, bool]], number: int | None = None) -> None:
    """The claim's volume is HwameiStor's, with replicas on these nodes: node, Ready?, synced?."""
    nodes = [node for node, _, _ in replicas]
    _change(there, "persistentvolumes", _PV, {"spec": hwameistor.source(_PV, nodes)})
    claim = {"metadata": {"namespace": _NAMESPACE, "name": "rbd-disk"}, "spec": {"volumeName": _PV}}
    local = hwameistor.local_volume(claim, nodes)
    local["spec"]["replicaNumber"] = len(nodes) if number is None else number
    store = there.api.store
    store.create("localvolumes", local | {"status": hwameistor.local_volume_status(_PV, nodes)})
    for node, ready, synced in replicas:
        status = hwameistor.replica_status(ready=ready, synced=synced)
        store.create("localvolumereplicas", hwameistor.replica(_PV, node) | {"status": status})


@pytest.mark.parametrize(
    ("replicas", "found"),
    [
        (_HA, Replicas(2, ("node-a", "node-b"))),
        ([("node-a", True, True), ("node-b", False, True)], Replicas(2, ("node-a",))),
        ([("node-a", True, True), ("node-b", True, False)], Replicas(2, ("node-a",))),
        ([("node-a", True, True)], Replicas(1, ("node-a",))),
    ],
)
def test_hwameistors_replicas_count_where_they_are_ready_and_synced(
    there: ApiCluster, replicas: list[tuple[str, bool, bool]], found: Replicas
) -> None:
    _replicated(there, replicas)
    assert _volume(there).replicas == found


def test_a_replica_that_is_named_but_not_there_does_not_count(there: ApiCluster) -> None:
    _replicated(there, _HA)
    there.api.store.delete("localvolumereplicas", hwameistor.replica_name(_PV, "node-b"))
    assert _volume(there).replicas == Replicas(2, ("node-a",))


def _hwameistor(there: ApiCluster, attributes: Obj | None, parameters: Obj | None, storage_class: str | None) -> None:
    csi = {"driver": hwameistor.DRIVER, "volumeHandle": _PV, "volumeAttributes": attributes}
    _change(there, "persistentvolumes", _PV, {"spec": {"csi": csi, "storageClassName": storage_class}})
    there.api.store.create("storageclasses", {"metadata": {"name": "ha"}, "parameters": parameters})


def test_the_local_volumes_word_goes_before_the_persistent_volumes(there: ApiCluster) -> None:
    _replicated(there, _HA, number=3)
    assert _volume(there).replicas == Replicas(3, ("node-a", "node-b"))


@pytest.mark.parametrize(
    ("attributes", "parameters", "storage_class", "found"),
    [
        ({"replicaNumber": "2"}, {"replicaNumber": "1"}, "ha", Replicas(2)),
        ({"replicaNumber": "1"}, {"replicaNumber": "2"}, "ha", Replicas(1)),
        ({}, {"replicaNumber": "2"}, "ha", Replicas(2)),
        (None, {"replicaNumber": "2"}, "ha", Replicas(2)),
        ({}, {}, "ha", None),
        ({}, None, "ha", None),
        ({}, {"replicaNumber": "2"}, "another", None),
        ({}, {"replicaNumber": "2"}, None, None),
        ({"replicaNumber": "two"}, {}, "ha", None),
        ({"replicaNumber": ""}, {}, "ha", None),
    ],
)
def test_without_a_local_volume_the_persistent_volume_says_how_many_replicas_or_else_its_class(
    there: ApiCluster,
    attributes: Obj | None,
    parameters: Obj | None,
    storage_class: str | None,
    found: Replicas | None,
) -> None:
    _hwameistor(there, attributes, parameters, storage_class)
    assert _volume(there).replicas == found


def test_in_a_cluster_without_hwameistors_kinds_the_volume_still_says_how_many(there: ApiCluster) -> None:
    _hwameistor(there, {"replicaNumber": "2"}, {}, "ha")
    missing = ApiError(404, "NotFound", "the server could not find the requested resource")
    there.api.faults.append(lambda request: missing if request.resource == "localvolumes" else None)
    assert _volume(there).replicas == Replicas(2)


def test_other_drivers_replicas_are_not_asked_for(there: ApiCluster) -> None:
    refused = ApiError(403, "Forbidden", "no")
    there.api.faults.append(lambda request: refused if request.resource.startswith("local") else None)
    assert _volume(there).trouble == ""


def test_what_may_not_be_read_is_an_error(there: ApiCluster) -> None:
    there.api.faults.append(
        lambda request: ApiError(403, "Forbidden", "no") if request.resource == "csidrivers" else None
    )
    with pytest.raises(Forbidden):
        _volume(there)


@pytest.mark.parametrize(("remembered", "trouble"), [(False, "claim rbd-disk is Lost"), (True, "")])
def test_before_a_release_nothing_that_is_remembered_will_do(there: ApiCluster, remembered: bool, trouble: str) -> None:
    disks = Disks(there, Surroundings(lambda: 0.0), _NAMESPACE, remembered=remembered)
    disks.all("vm-rbd", [_CLAIM])
    _change(there, "persistentvolumeclaims", "rbd-disk", {"status": {"phase": "Lost"}}, _NAMESPACE)
    (found,) = disks.all("vm-rbd", [_CLAIM])
    assert found.trouble == trouble


@pytest.mark.parametrize(
    ("csi", "cluster"),
    [
        ({"volumeHandle": "0001-0009-rook-ceph-0000000000000001-x"}, "rook-ceph"),
        ({"volumeHandle": "0001-0024-b9127830-b0cc-4e34-aa47-9d1a2e9949a8-0000000000000002-x"}, _FSID),
        ({"volumeHandle": "0001-0009-rook-ceph-1-x", "volumeAttributes": {"clusterID": "tenants"}}, "tenants"),
        ({"volumeHandle": "0001-00ff-rook-ceph-1-x"}, ""),
        ({"volumeHandle": "0001-0004-rook-ceph-1-x"}, "rook"),
        ({"volumeHandle": "0001-0005-rook-ceph-1-x"}, ""),
        ({"volumeHandle": "0001-zzzz-rook-ceph-1-x"}, ""),
        ({"volumeHandle": "pvc-1"}, ""),
        ({}, ""),
    ],
)
def test_the_storage_cluster_is_what_the_volume_says_or_else_what_its_handle_does(
    there: ApiCluster, csi: Obj, cluster: str
) -> None:
    _change(there, "persistentvolumes", _PV, {"spec": {"csi": csi}})
    assert _volume(there).cluster == cluster


_TRAVERSAL = "../../shop/persistentvolumeclaims/other"


@pytest.mark.parametrize(
    "source",
    [
        {"persistentVolumeClaim": {"claimName": _TRAVERSAL}},
        {"dataVolume": {"name": _TRAVERSAL}},
        {"ephemeral": {"persistentVolumeClaim": {"claimName": "Rbd-Disk"}}},
    ],
)
def test_a_claim_whose_name_is_none_exists_nowhere_and_is_asked_for_nowhere(there: ApiCluster, source: Obj) -> None:
    there.api.audit.clear()
    assert _volume(there, {"name": "root", **source}).trouble.endswith("is missing")
    assert not there.api.audit


_CLAIM_TABLE, _VOLUME_TABLE = ("persistentvolumeclaims", "rbd-disk", _NAMESPACE), ("persistentvolumes", _PV, "")


@pytest.mark.parametrize(
    ("where", "spec", "trouble"),
    [
        (_CLAIM_TABLE, {"volumeName": "../nodes/node-a"}, "is missing"),
        (_VOLUME_TABLE, {"csi": {"driver": "Rook/.."}}, "can bear the name of its driver"),
        (_VOLUME_TABLE, {"storageClassName": "a/b"}, ""),
        (_VOLUME_TABLE, {"csi": {"driver": HWAMEISTOR, "volumeHandle": "a/../b"}}, ""),
    ],
)
def test_a_name_within_a_volume_that_is_none_is_that_volumes_trouble_at_most(
    there: ApiCluster, where: tuple[str, str, str], spec: Obj, trouble: str
) -> None:
    resource, name, namespace = where
    _change(there, resource, name, {"spec": spec}, namespace)
    assert trouble in _volume(there).trouble
