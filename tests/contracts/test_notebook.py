"""Where people's wishes are written down: the twin and the real one keep the same promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reactor.model.errors import Forbidden, NotFound
from simulator.api.api import Api, allow_all
from simulator.client import ApiError
from tests.contracts.clusters import an_api, opened

NAME, PLACE = "vm-drift-interventions", "vm-drift"


@pytest.fixture
def api() -> Api:
    return an_api()


@pytest.fixture(params=["http", "memory"])
def cluster(request: pytest.FixtureRequest, api: Api, tmp_path: Path) -> Iterator[Any]:
    api.store.create("namespaces", {"metadata": {"name": PLACE}})
    with opened(request.param, api, tmp_path) as found:
        yield found


def data(cluster: Any) -> Any:
    found = cluster.find("configmaps", NAME, PLACE)
    return found and found.get("data")


def test_the_first_note_makes_it_and_others_add_to_it(cluster: Any) -> None:
    assert data(cluster) is None
    cluster.note(NAME, PLACE, {"a": "1"})
    cluster.note(NAME, PLACE, {"b": "2"})
    assert data(cluster) == {"a": "1", "b": "2"}


def test_a_key_is_written_over_or_removed_and_the_others_stay(cluster: Any) -> None:
    cluster.note(NAME, PLACE, {"a": "1", "b": "2"})
    cluster.note(NAME, PLACE, {"a": "3", "b": None})
    assert data(cluster) == {"a": "3"}


def test_removing_what_is_not_there_is_nothing(cluster: Any) -> None:
    cluster.note(NAME, PLACE, {"a": None})
    cluster.note(NAME, PLACE, {"a": None})
    assert not data(cluster)


@pytest.mark.parametrize("there", [False, True])
def test_a_rehearsal_changes_and_makes_nothing(cluster: Any, *, there: bool) -> None:
    if there:
        cluster.note(NAME, PLACE, {"a": "1"})
    before = cluster.find("configmaps", NAME, PLACE)
    cluster.rehearse(NAME, PLACE)
    assert cluster.find("configmaps", NAME, PLACE) == before


def test_a_rehearsal_is_refused_as_the_note_itself_would_be(cluster: Any, api: Api) -> None:
    api.authorize = lambda _user, verb, _resource, _namespace: verb != "create"
    with pytest.raises(Forbidden):
        cluster.rehearse(NAME, PLACE)
    api.faults.append(lambda request: not_found() if request.verb == "create" else None)
    api.authorize = allow_all
    with pytest.raises(NotFound):
        cluster.rehearse(NAME, PLACE)


def not_found() -> ApiError:
    """The namespace is missing."""
    return ApiError(404, "NotFound", 'namespaces "vm-drift" not found', {"name": PLACE, "kind": "namespaces"})
