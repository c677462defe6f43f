"""Where Kubernetes Events are told: the twin and the real one keep the same promises."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reactor.model.change import Change
from tests.contracts.clusters import an_api, opened
from tests.contracts.samples import record
from workers.delivery.kubernetes_events import of_vm

CHANGE = Change.into(record("web"))


@pytest.fixture(params=["http", "memory"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    api = an_api()
    api.store.create("namespaces", {"metadata": {"name": "shop"}})
    with opened(request.param, api, tmp_path) as found:
        yield found


def test_an_event_is_there_as_it_was_told(cluster: Any) -> None:
    event = of_vm(CHANGE)
    cluster.announce(event)
    found = cluster.find("events", event["metadata"]["name"], "shop")
    assert {key: found[key] for key in event if key != "metadata"} == {
        key: value for key, value in event.items() if key != "metadata"
    }


def test_the_same_one_again_is_counted_up_and_says_when_last(cluster: Any) -> None:
    event = of_vm(CHANGE)
    cluster.announce(event)
    cluster.announce(of_vm(replace(CHANGE, at=CHANGE.at + 60)))
    (found,) = next(cluster.pages("events", namespace="shop")).items
    assert found["count"] == 2
    assert found["firstTimestamp"] == event["firstTimestamp"] < found["lastTimestamp"]
