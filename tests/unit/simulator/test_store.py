"""Objects, versions, selectors, pages and the rings of the simulated API server's store."""

import pytest

from simulator.client import ApiError, Obj
from simulator.store.selectors import Selection
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
    return Store(clock, ring=5)


def pod(name: str, namespace: str = "default", *, node: str = "", labels: Obj | None = None) -> Obj:
    meta = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"metadata": meta, "spec": {"nodeName": node} if node else {}}


def names(store: Store, **selection: str) -> list[str]:
    return [obj["metadata"]["name"] for obj in store.list(Selection("pods", **selection)).items]


def refused(code: int, reason: str, error: pytest.ExceptionInfo[ApiError]) -> bool:
    return (error.value.code, error.value.reason) == (code, reason)


def test_a_created_object_gets_its_identity_from_the_server(store: Store) -> None:
    made = store.create("pods", pod("a"))
    meta = made["metadata"]
    assert (made["apiVersion"], made["kind"]) == ("v1", "Pod")
    assert meta["creationTimestamp"] == "1970-01-12T13:46:40Z"
    assert meta["resourceVersion"] == str(store.version)
    assert meta["generation"] == 1
    assert meta["uid"]


def test_two_stores_with_one_seed_choose_the_same_uids_and_names(clock: Clock) -> None:
    template: Obj = {"metadata": {"generateName": "p-", "namespace": "default"}}
    first, second = (Store(clock, seed=7).create("pods", template)["metadata"] for _ in range(2))
    assert (first["uid"], first["name"]) == (second["uid"], second["name"])
    assert first["name"].startswith("p-")


def test_a_taken_name_is_refused(store: Store) -> None:
    store.create("pods", pod("a"))
    with pytest.raises(ApiError, match='pods "a" already exists') as error:
        store.create("pods", pod("a"))
    assert refused(409, "AlreadyExists", error)


def test_an_object_without_a_name_is_invalid(store: Store) -> None:
    with pytest.raises(ApiError) as error:
        store.create("pods", {"metadata": {"namespace": "default"}})
    assert refused(422, "Invalid", error)


def test_an_unknown_kind_is_not_found(store: Store) -> None:
    with pytest.raises(ApiError) as error:
        store.list(Selection("unicorns"))
    assert refused(404, "NotFound", error)


def test_an_update_of_an_outdated_version_conflicts(store: Store) -> None:
    old = store.create("pods", pod("a"))
    store.update("pods", {**old, "spec": {"nodeName": "n"}})
    with pytest.raises(ApiError, match="the object has been modified") as error:
        store.update("pods", {**old, "spec": {"nodeName": "m"}})
    assert refused(409, "Conflict", error)


def test_an_update_meant_for_a_former_object_of_the_same_name_conflicts(store: Store) -> None:
    store.create("pods", pod("a"))
    other = pod("a")
    other["metadata"]["uid"] = "another"
    with pytest.raises(ApiError, match="UID in precondition: another"):
        store.update("pods", other)


def test_an_update_that_changes_nothing_makes_no_version(store: Store) -> None:
    made = store.create("pods", pod("a"))
    before = store.version
    store.update("pods", pod("a"))
    assert store.version == before
    assert store.get("pods", "a", "default") is made


def test_an_update_cannot_change_what_only_the_server_writes(store: Store) -> None:
    made = store.create("pods", pod("a"))
    forged = pod("a", node="n")
    forged["metadata"] |= {"deletionTimestamp": "2020-01-01T00:00:00Z", "generation": 99}
    meta = store.update("pods", forged)["metadata"]
    assert meta["uid"] == made["metadata"]["uid"]
    assert meta["creationTimestamp"] == made["metadata"]["creationTimestamp"]
    assert "deletionTimestamp" not in meta
    assert meta["generation"] == 2


@pytest.mark.parametrize(("resource", "counted"), [("pods", False), ("virtualmachineinstances", True)])
def test_a_status_counts_a_generation_only_where_it_is_no_subresource(
    store: Store, resource: str, counted: bool
) -> None:
    made = store.create(resource, pod("a"))
    assert store.update(resource, {**made, "status": {"phase": "x"}})["metadata"]["generation"] == 1 + counted


def test_stored_objects_are_never_changed_in_place(store: Store) -> None:
    first = store.create("pods", pod("a"))
    version = first["metadata"]["resourceVersion"]
    store.update("pods", {**first, "spec": {"nodeName": "n"}})
    store.delete("pods", "a", "default")
    assert first["metadata"]["resourceVersion"] == version
    assert "deletionTimestamp" not in first["metadata"]
    assert first["spec"] == {}


def test_events_tell_each_change_once_and_in_order(store: Store) -> None:
    begin = store.version
    made = store.create("pods", pod("a"))
    changed = store.update("pods", {**made, "spec": {"nodeName": "n"}})
    store.create("nodes", {"metadata": {"name": "n"}})
    events = store.events("pods", begin)
    assert [(event.type, event.object, event.before) for event in events] == [
        ("ADDED", made, None),
        ("MODIFIED", changed, made),
    ]
    assert store.events("pods", events[-1].version) == []


def test_events_older_than_the_ring_are_expired(store: Store) -> None:
    begin = store.version
    for number in range(5):
        store.create("pods", pod(f"p{number}"))
    assert len(store.events("pods", begin)) == 5
    store.create("pods", pod("one-more"))
    with pytest.raises(ApiError, match="too old resource version") as error:
        store.events("pods", begin)
    assert refused(410, "Expired", error)
    assert len(store.events("pods", begin + 1)) == 5


def test_a_busy_kind_does_not_expire_a_quiet_one(store: Store) -> None:
    begin = store.version
    store.create("nodes", {"metadata": {"name": "n"}})
    for number in range(20):
        store.create("pods", pod(f"p{number}"))
    assert len(store.events("nodes", begin)) == 1


def test_a_list_is_ordered_by_namespace_and_name(store: Store) -> None:
    for namespace, name in (("b", "x"), ("a", "z"), ("a", "y"), ("ab", "a")):
        store.create("pods", pod(name, namespace))
    assert names(store) == ["y", "z", "a", "x"]
    assert names(store, namespace="a") == ["y", "z"]


def test_pods_are_found_by_the_node_they_are_on_now(store: Store) -> None:
    store.create("pods", pod("a", node="n"))
    moved = store.create("pods", pod("b"))
    assert names(store, fields="spec.nodeName=n") == ["a"]
    assert names(store, fields="spec.nodeName=") == ["b"]
    store.update("pods", {**moved, "spec": {"nodeName": "n"}})
    assert names(store, fields="spec.nodeName=n") == ["a", "b"]
    assert names(store, fields="spec.nodeName=") == []
    assert names(store, fields="spec.nodeName=n,metadata.name!=a", namespace="default") == ["b"]
    store.delete("pods", "b", "default", DeleteOptions(grace=0))
    assert names(store, fields="spec.nodeName=n") == ["a"]
    assert names(store, fields="spec.nodeName=") == []


def test_events_are_found_by_the_object_they_are_about(store: Store) -> None:
    for name, kind in (("e1", "Node"), ("e2", "Pod")):
        involved = {"kind": kind, "name": "x"}
        store.create("events", {"metadata": {"name": name, "namespace": "default"}, "involvedObject": involved})
    found = store.list(Selection("events", fields="involvedObject.kind=Pod,involvedObject.name=x")).items
    assert [obj["metadata"]["name"] for obj in found] == ["e2"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=web", ["web"]),
        ("app==web", ["web"]),
        ("app!=web", ["bare", "db"]),
        ("app in (web, db)", ["db", "web"]),
        ("app notin (web)", ["bare", "db"]),
        ("app", ["db", "web"]),
        ("!app", ["bare"]),
        ("app, tier=2", ["db"]),
        ("app in (web,db),tier notin (1,3)", ["db"]),
        ("kubevirt.io/on=", ["bare"]),
    ],
)
def test_a_label_selector_finds(store: Store, selector: str, expected: list[str]) -> None:
    store.create("pods", pod("web", labels={"app": "web", "tier": "1"}))
    store.create("pods", pod("db", labels={"app": "db", "tier": "2"}))
    store.create("pods", pod("bare", labels={"kubevirt.io/on": ""}))
    assert names(store, labels=selector) == expected


@pytest.mark.parametrize("selector", ["app in web", "app in (a", "=x", "a=b=c", "app>", "a in (b c)"])
def test_a_malformed_label_selector_is_named_in_the_refusal(store: Store, selector: str) -> None:
    with pytest.raises(ApiError) as error:
        store.list(Selection("pods", labels=selector))
    assert refused(400, "BadRequest", error)
    assert selector in error.value.message


@pytest.mark.parametrize("selector", ["spec.containers=x", "metadata.name", "status.phase=a=b"])
def test_a_field_selector_that_a_kind_does_not_know_is_refused(store: Store, selector: str) -> None:
    with pytest.raises(ApiError, match="field") as error:
        store.list(Selection("pods", fields=selector))
    assert refused(400, "BadRequest", error)
    assert selector in error.value.message


def test_pages_are_cut_from_one_snapshot(store: Store) -> None:
    for number in range(5):
        store.create("pods", pod(f"p{number}"))
    first = store.pages.first(store.list(Selection("pods")), 2)
    store.delete("pods", "p3", "default")
    second = store.pages.following(first.token, 2)
    third = store.pages.following(second.token, 2)
    seen = [obj["metadata"]["name"] for page in (first, second, third) for obj in page.items]
    assert seen == ["p0", "p1", "p2", "p3", "p4"]
    assert first.version == second.version == third.version
    assert third.token == ""


def test_a_page_asked_for_too_late_is_expired(store: Store, clock: Clock) -> None:
    for number in range(3):
        store.create("pods", pod(f"p{number}"))
    first = store.pages.first(store.list(Selection("pods")), 1)
    clock.now += 301
    with pytest.raises(ApiError) as error:
        store.pages.following(first.token, 1)
    assert refused(410, "Expired", error)


def test_a_dry_run_refuses_like_the_real_thing_and_stores_nothing(store: Store) -> None:
    store.create("pods", pod("a"))
    before = store.version
    with pytest.raises(ApiError):
        store.create("pods", pod("a"), dry=True)
    store.create("pods", pod("b"), dry=True)
    assert names(store) == ["a"]
    assert store.version == before
