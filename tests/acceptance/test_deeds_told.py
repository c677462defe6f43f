"""What a person does by the command line leaves the installation, sent on by an intake worker of its own account."""

import json
from collections.abc import Callable

from tests.acceptance.kubevents import told
from tests.support.commands import eventually, vmdrift
from tests.support.schemas import check
from tests.support.sites import Site


def test_a_hold_is_told_in_the_cluster_and_as_a_cloud_event_while_it_lasts_and_after_it(
    site: Callable[[int], Site],
) -> None:
    place = site(0)
    place.start("workers intake")
    env = place.env("operator")
    assert vmdrift("hold", "worker-1", "--why", "firmware", env=env).code == 0
    assert vmdrift("resume", "worker-1", env=env).code == 0
    eventually("both are told", lambda: len(told(place, "default", "worker-1")) == 2)
    events = told(place, "default", "worker-1")
    assert {event["reason"] for event in events} == {"DriftHold", "DriftResume"}
    assert any("held worker-1: firmware." in event["message"] for event in events)
    sent = [json.loads(line) for line in vmdrift("events", "--json", env=env).out.splitlines()]
    for event in sent:
        check(event)
    assert [event["type"].rpartition(".")[2] for event in sent] == ["hold", "resume"]
