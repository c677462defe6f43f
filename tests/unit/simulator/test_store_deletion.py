"""Grace periods, finalizers and preconditions: how objects leave the simulated API server's store."""

import pytest

from simulator.client import ApiError, Obj
from simulator.store.store import DeleteOptions, Store


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(clock)


def put_pod(store: Store, *, node: str = "n", grace: int | None = 60, finalizers: tuple[str, ...] = ()) -> Obj:
    spec: Obj = {} if grace is None else {"terminationGracePeriodSeconds": grace}
    spec |= {"nodeName": node} if node else {}
    meta = {"name": "a", "namespace": "default", "finalizers": list(finalizers)}
    return store.create("pods", {"metadata": meta, "spec": spec})


def delete(store: Store, grace: int | None = None) -> Obj:
    return store.delete("pods", "a", "default", DeleteOptions(grace=grace))


def marks(obj: Obj) -> tuple[str | None, int | None]:
    meta = obj["metadata"]
    return meta.get("deletionTimestamp"), meta.get("deletionGracePeriodSeconds")


def test_a_deleted_pod_stays_for_its_own_grace_period(store: Store) -> None:
    put_pod(store)
    assert marks(delete(store)) == ("1970-01-12T13:47:40Z", 60)
    assert store.get("pods", "a", "default")["metadata"]["generation"] == 2


def test_a_pod_that_names_no_grace_period_gets_thirty_seconds(store: Store) -> None:
    put_pod(store, grace=None)
    assert marks(delete(store))[1] == 30


def test_a_later_delete_can_shorten_the_grace_period(store: Store, clock: Clock) -> None:
    put_pod(store)
    delete(store)
    clock.now += 5
    assert marks(delete(store, grace=20)) == ("1970-01-12T13:47:00Z", 20)


@pytest.mark.parametrize("grace", [None, 60, 90])
def test_a_later_delete_cannot_lengthen_the_grace_period(store: Store, clock: Clock, grace: int | None) -> None:
    put_pod(store)
    delete(store)
    before = store.version
    clock.now += 5
    assert marks(delete(store, grace=grace)) == ("1970-01-12T13:47:40Z", 60)
    assert store.version == before


def test_a_forced_delete_is_one_modification_and_then_the_end(store: Store, clock: Clock) -> None:
    put_pod(store)
    delete(store)
    begin = store.version
    clock.now += 200
    delete(store, grace=0)
    modified, deleted = store.events("pods", begin)
    assert (modified.type, deleted.type) == ("MODIFIED", "DELETED")
    assert marks(modified.object) == marks(deleted.object) == ("1970-01-12T13:50:00Z", 0)
    assert modified.object["metadata"]["generation"] == 2
    assert int(deleted.object["metadata"]["resourceVersion"]) == deleted.version == store.version


def test_a_pod_without_a_node_goes_at_once(store: Store) -> None:
    put_pod(store, node="")
    delete(store)
    with pytest.raises(ApiError, match='pods "a" not found'):
        store.get("pods", "a", "default")


def test_a_forced_pod_with_a_finalizer_waits_for_it(store: Store) -> None:
    put_pod(store, finalizers=("example.com/hold",))
    held = delete(store, grace=0)
    assert marks(held)[1] == 0
    store.update("pods", {**held, "metadata": {**held["metadata"], "finalizers": []}})
    with pytest.raises(ApiError):
        store.get("pods", "a", "default")


def test_a_pod_in_its_grace_period_does_not_go_with_its_last_finalizer(store: Store) -> None:
    put_pod(store, finalizers=("example.com/hold",))
    held = delete(store)
    store.update("pods", {**held, "metadata": {**held["metadata"], "finalizers": []}})
    assert store.get("pods", "a", "default")["metadata"]["finalizers"] == []


def test_an_object_with_finalizers_goes_when_the_last_one_is_removed(store: Store) -> None:
    meta: Obj = {"name": "va", "finalizers": ["external-attacher/rbd"]}
    store.create("volumeattachments", {"metadata": meta, "spec": {}})
    held = store.delete("volumeattachments", "va")
    assert marks(held) == ("1970-01-12T13:46:40Z", 0)
    begin = store.version
    store.update("volumeattachments", {**held, "metadata": {**held["metadata"], "finalizers": None}})
    (event,) = store.events("volumeattachments", begin)
    # A real API server was recorded to show the last *stored* object: the finalizer is still in it.
    assert (event.type, event.object["metadata"]["finalizers"]) == ("DELETED", ["external-attacher/rbd"])


def test_deleting_twice_does_not_move_the_deletion_of_a_held_object(store: Store, clock: Clock) -> None:
    store.create("volumeattachments", {"metadata": {"name": "va", "finalizers": ["x/y"]}})
    first = store.delete("volumeattachments", "va")
    clock.now += 10
    assert store.delete("volumeattachments", "va") is first


def test_an_object_without_finalizers_goes_in_one_event(store: Store) -> None:
    store.create("nodes", {"metadata": {"name": "n"}})
    begin = store.version
    store.delete("nodes", "n")
    assert [event.type for event in store.events("nodes", begin)] == ["DELETED"]


@pytest.mark.parametrize("options", [DeleteOptions(uid="another"), DeleteOptions(version="1")])
def test_a_delete_whose_precondition_fails_conflicts_and_changes_nothing(store: Store, options: DeleteOptions) -> None:
    put_pod(store)
    before = store.version
    with pytest.raises(ApiError, match="Precondition failed") as error:
        store.delete("pods", "a", "default", options)
    assert (error.value.code, error.value.reason) == (409, "Conflict")
    assert store.version == before


def test_a_delete_whose_preconditions_hold_is_carried_out(store: Store) -> None:
    meta = put_pod(store)["metadata"]
    gone = store.delete("pods", "a", "default", DeleteOptions(meta["uid"], meta["resourceVersion"], grace=0))
    assert marks(gone)[1] == 0


def test_a_dry_delete_changes_nothing(store: Store) -> None:
    put_pod(store)
    before = store.version
    store.delete("pods", "a", "default", DeleteOptions(grace=0, dry=True))
    assert store.version == before
