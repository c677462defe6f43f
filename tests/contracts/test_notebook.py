"""Where people's wishes are written down: the twin and the real one keep the same promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.clusters import an_api, opened

NAME, PLACE = "vm-drift-interventions", "vm-drift"


@pytest.fixture(params=["http", "memory"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    api = an_api()
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
