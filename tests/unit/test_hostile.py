"""A table of hostile names and references goes through every reader: what is wrong is passed over, and nothing fails.

Objects are those that a real control plane wrote (tests/traces), and those that we and fencing operators write, each
with one field at a time replaced by what somebody else may put there.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import pytest

from reactor.model.drift import Policy
from reactor.model.errors import FenceError
from reactor.model.fence_requests import FenceRequest, fences
from reactor.model.fencing import Claim, State, claim_of, fencing_entries
from reactor.model.intervention import HOLD, Intervention, interventions
from reactor.model.names import is_name
from simulator.client import Obj
from simulator.store.objects import key_of
from tests.support.hostile import FOREIGN, NO_JSON, NO_NAMES, fields, replaced
from tests.unit.test_missing_fields import READ_BY_A_PASS, READERS, optional, recorded, search_launchers
from tests.unit.workers.decide.recorded import DUE, POWER_CUT, TERMINATING, cluster, look, record
from tests.unit.workers.fencing import test_metal3, test_network_fence, test_remediation
from tests.unit.workers.fencing.views import FILE, NODE, OUTAGE
from workers.decide import decide
from workers.fencing.decide.marks import is_tainted
from workers.fencing.providers.provider import Provider

HOSTILE = NO_NAMES + FOREIGN
_NAMING = frozenset({"name", "namespace", "uid", "kind", "apiVersion", "nodeName", "claimName", "volumeName"})
_NAMING |= {"persistentVolumeName", "storageClassName", "driver", "volumeHandle", "attacher", "vm.kubevirt.io/name"}
_OWN = {("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid"), ("metadata", "resourceVersion")}


def _changed(obj: Any, paths: Sequence[tuple[str | int, ...]], each: int) -> Iterator[Any]:
    """With each of these fields replaced by so many of the table, in turn."""
    values = cycle(HOSTILE)
    for path in paths:
        yield from (replaced(obj, path, value) for value in islice(values, each))


@pytest.mark.parametrize("kind", READERS)
def test_no_reader_of_an_object_fails_whatever_stands_in_its_fields(kind: str) -> None:
    for obj in recorded(kind)[:2]:
        for changed in _changed(obj, optional(obj), 1):
            for read in READERS[kind]:
                read(changed)


@pytest.mark.parametrize("resource", READ_BY_A_PASS)
def test_a_name_that_is_none_is_asked_of_nobody_and_nothing_of_anybody_elses_is_deleted(resource: str) -> None:
    there, looker = cluster(TERMINATING), record("vm-rbd")
    table = there.api.store.objects(resource)
    key = next(key for key in sorted(table) if key[-1].startswith(READ_BY_A_PASS[resource]))
    obj, now = table[key], max(DUE, POWER_CUT + TERMINATING)
    # Containers are long, and nothing that a pass looks at.
    named = [
        p for p in fields(obj) if p[-1] in _NAMING and p not in _OWN and not {"containers", "managedFields"} & {*p}
    ]
    for changed in _changed(obj, named, 2):
        table[key] = changed
        action = decide(look(there, TERMINATING, looker), looker, Policy(), now).judgement.action
        search_launchers(there)
        pods = getattr(action, "pods", ())
        assert [pod.name.rpartition("-")[0] for pod in pods] in ([], ["virt-launcher-vm-rbd"])
    assert named
    for entry in there.api.audit:
        assert not entry.name or is_name(entry.name)
        assert not entry.namespace or is_name(entry.namespace)


CLAIM = Claim(OUTAGE.node, "boot-1", "ann", "its lamp is out", 1000.0, "lease", "beat")
WISH = Intervention(HOLD, "node/node-a", "ann", "a look at it", 1000.0, 2000.0)


def _wishes(book: Obj) -> None:
    for one in interventions(book):
        assert one.sentence
        assert one.is_over(1.0) in {True, False}


BOOKS: list[tuple[Any, Callable[[Obj], object]]] = [
    (CLAIM, lambda book: claim_of(book, "node-a")),
    (WISH, _wishes),
    (FenceRequest("node-a", "boot-1", 1000.0), lambda book: [one.at > 1.0 for one in fences(book).values()]),
    (FILE, fencing_entries),
]


@pytest.mark.parametrize(("entry", "read"), BOOKS, ids=["claims", "interventions", "fences", "files"])
def test_what_cannot_be_read_in_a_book_stops_nobody_who_reads_it(entry: Any, read: Callable[[Obj], object]) -> None:
    good = json.loads(entry.as_text())
    texts = [json.dumps(changed) for changed in _changed(good, list(fields(good)), len(HOSTILE))]
    for text in (*texts, *NO_JSON):
        read({"data": {entry.key: text}})


def test_a_hold_that_cannot_be_read_holds_everything() -> None:
    for text in NO_JSON:
        (one,) = interventions({"data": {WISH.key: text}})
        assert (one.kind, one.target) == (HOLD, "all")


def test_a_kubelet_that_writes_nonsense_into_our_annotation_has_a_taint_that_is_somebodys() -> None:
    for text in NO_JSON[1:]:
        assert is_tainted(replace(NODE, tainted=text), FILE) in {True, False}


def _remediation() -> tuple[Provider, Any, str]:
    site = test_remediation.Site()
    site.make(owner=test_remediation.NHC)
    site.condition("node-a", "True", 1e9)
    return site.provider, site.world.store, "fenceagentsremediations"


def _fenced(resource: str) -> tuple[Provider, Any, str]:
    site = test_network_fence.Site()
    site.fenced()
    return site.provider, site.world.store, resource


def _host_off(resource: str) -> tuple[Provider, Any, str]:
    """In a world with the same uids each time."""
    site = test_metal3.Site()
    site.fenced()
    assert site.said() is State.FENCED
    return site.provider, site.world.store, resource


@pytest.mark.parametrize(
    ("made", "target"),
    [
        (_remediation, test_remediation.TARGET),
        *(
            (lambda kind=kind: _fenced(kind), test_network_fence.TARGET)
            for kind in ("networkfences", "csiaddonsnodes", "networkfenceclasses")
        ),
        *((lambda kind=kind: _host_off(kind), test_metal3.Site().target) for kind in ("baremetalhosts", "nodes")),
    ],
)
def test_a_fencing_operators_object_is_believed_or_doubted_and_never_falls_over(made: Any, target: Any) -> None:
    provider, store, resource = made()
    for obj in list(store.objects(resource).values()):
        for changed in _changed(obj, [path for path in fields(obj) if path[0] in {"spec", "status"}], 8):
            store.objects(resource)[key_of(obj)] = changed
            with suppress(FenceError):  # that is doubt, and a sentence
                provider.status(target)
        store.objects(resource)[key_of(obj)] = obj
