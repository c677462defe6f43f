"""What scripts of 0.1.0 import is still there, and is the thing of today (docs/renames.md)."""

from importlib import import_module

import pytest

from reactor.adapters.kubernetes.paths import list_path


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("reactor.doors.cluster", "reactor.adapters.kubernetes.cluster", "connect"),
        ("reactor.doors.queue", "reactor.adapters.rq", "SERIALIZER"),
        ("reactor.doors.redis", "reactor.adapters.redis.connection", "connect"),
        ("reactor.doors.store", "reactor.adapters.redis.store", "RedisStore"),
        ("workers.disks", "workers.observe.volumes", "claims_of"),
        ("workers.surroundings", "workers.observe.cache", "Surroundings"),
        ("workers.fence.network_fence", "workers.fencing.providers.network_fence", "NetworkFence"),
        ("workers.fence.redfish", "workers.fencing.providers.redfish", "Redfish"),
        ("workers.fence.remediation", "workers.fencing.providers.remediation", "Remediation"),
        ("workers.intake", "workers.intake.outage", "take_event"),
        ("simulator.twins.cluster", "rehearsal.twins.cluster", "ApiCluster"),
        ("simulator.twins.bmc", "rehearsal.twins.bmc", "MachineBmcs"),
        ("tests.virtual", "tests.support.virtual", "Play"),
        ("tests.auditor", "tests.support.auditor", "Auditor"),
    ],
)
def test_an_old_name_leads_to_the_thing_of_today(old: str, new: str, name: str) -> None:
    assert getattr(import_module(old), name) is getattr(import_module(new), name)


def test_a_function_that_has_another_name_today_is_found_by_its_old_one() -> None:
    assert vars(import_module("reactor.doors.cluster"))["_path"] is list_path
