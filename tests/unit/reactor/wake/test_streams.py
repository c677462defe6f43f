"""What is new in what a stream brings, and since when nothing of it was missed."""

from dataclasses import replace

from reactor.adapters.kubernetes.cluster import Scope
from reactor.wake.rules import Meta
from reactor.wake.scopes import MANY, Watch, watches
from reactor.wake.streams import Change, Streams
from reactor.watch.list_watch import BOOKMARK, LISTED

VMS = Watch("virtualmachines", Scope("shop", metadata=True))
NODE, LAUNCHERS = (Watch("pods", Scope(fields=f, labels=la, metadata=True)) for f, la in (("a", ""), ("", "b")))
VM = Meta("virtualmachines", "shop", "db", "u", "1", deleting=False, node="", instance="", vm="", shown=1)
POD = replace(VM, resource="pods", uid="p", instance="i")
EVICTED = replace(POD, deleting=True, version="2")


def streams(*watched: Watch) -> Streams:
    found = Streams(lambda: 0.0)
    found.keep(frozenset(watched))
    return found


def test_a_first_list_is_a_beginning_and_a_later_one_shows_what_was_missed() -> None:
    one, gone = streams(VMS), replace(VM, name="gone")
    assert list(one.changes(VMS, LISTED, [VM, gone])) == []
    edited = replace(VM, version="2", shown=2)
    assert list(one.changes(VMS, LISTED, [edited])) == [Change(VM, edited, gone=False), Change(gone, gone, gone=True)]
    assert list(one.changes(VMS, "MODIFIED", [edited])) == []


def test_what_has_begun_to_end_before_anybody_watched_is_seen_in_the_first_list() -> None:
    one = streams(NODE)
    assert list(one.changes(NODE, LISTED, [POD, replace(EVICTED, uid="q", name="q")])) == [
        Change(None, replace(EVICTED, uid="q", name="q"), gone=False)
    ]
    assert one.is_ending("i")


def test_the_end_of_a_pod_that_comes_in_two_streams_is_new_once() -> None:
    one = streams(NODE, LAUNCHERS)
    for watch in (NODE, LAUNCHERS):
        assert list(one.changes(watch, LISTED, [POD])) == []
    assert list(one.changes(NODE, "MODIFIED", [EVICTED])) == [Change(POD, EVICTED, gone=False)]
    assert list(one.changes(LAUNCHERS, "MODIFIED", [EVICTED])) == []
    assert list(one.changes(LAUNCHERS, "DELETED", [EVICTED])) == [Change(EVICTED, EVICTED, gone=True)]
    assert list(one.changes(NODE, "DELETED", [EVICTED])) == []


def test_nothing_was_missed_since_the_latest_list_of_streams_that_are_all_alive() -> None:
    now = [0.0]
    one = Streams(lambda: now[0])
    for watch, at in ((VMS, 100.0), (NODE, 105.0)):
        list(one.changes(watch, LISTED, []))
        assert one.unbroken([VMS, NODE], silence=90) is None
        one.listed(watch, at)
    assert one.unbroken([VMS, NODE], silence=90) == 105.0
    now[0] = 91.0
    list(one.changes(VMS, BOOKMARK, []))
    assert one.unbroken([VMS], silence=90) == 100.0
    assert one.unbroken([VMS, NODE], silence=90) is None
    one.missed(200.0)
    assert one.unbroken([VMS], silence=90) == 200.0


def test_from_many_namespaces_on_one_stream_of_a_kind_is_for_all_of_the_cluster() -> None:
    few = watches(["node-a"], [f"n{number}" for number in range(MANY - 1)], "vm-drift", detaching=False)
    many = watches(["node-a"], [f"n{number}" for number in range(MANY)], "vm-drift", detaching=False)
    assert len(few) == 3 * (MANY - 1) + 3
    assert len(many) == 3 + 3
    assert {watch.scope.namespace for watch in many if watch.resource == "virtualmachines"} == {""}
    assert all(watch.scope.metadata for watch in few | many)


def test_attachments_are_watched_only_while_something_detaches() -> None:
    kinds = [{watch.resource for watch in watches(["a"], ["n"], "x", detaching=yes)} for yes in (False, True)]
    assert kinds[1] - kinds[0] == {"volumeattachments"}


def test_a_living_pod_is_news_only_after_a_while_without_any() -> None:
    now = [0.0]
    one = Streams(lambda: now[0])
    versions = [replace(POD, version=f"{number}") for number in range(4)]
    assert list(one.changes(LAUNCHERS, "ADDED", [versions[0]])) == []
    now[0] = 0.5
    assert list(one.changes(LAUNCHERS, "MODIFIED", [versions[1]])) == []
    now[0] = 60.0
    assert list(one.changes(LAUNCHERS, "MODIFIED", [versions[2]])) == [Change(versions[1], versions[2], gone=False)]
