"""No drift sleeps for long on what was once said: each sweep has it looked at within a minute."""

from dataclasses import replace

import pytest

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.drift import Policy
from reactor.model.errors import ClusterUnreachable
from reactor.model.objects import JsonObject
from simulator.scene import Scene, Vm
from tests.support.virtual import Play

LOST = "node-a"
_NODES = (LOST, "node-b", "node-c")
_LATEST = 120.0  # seconds: the next resync, and a minute


def _play(toleration: int | None = None) -> Play:
    return Play.of(Scene(_NODES, (Vm("vm", node=LOST, toleration=toleration),)), Policy())


def _looked_at(play: Play) -> bool:
    """Within two minutes from now."""
    before = play.record("vm").passes
    return play.world.run(lambda: play.record("vm").passes > before, _LATEST)


class _Maintenance:
    """A Cluster behind a load balancer that answers for it for some seconds, and asks for hours of patience."""

    def __init__(self, inner: Cluster, play: Play, begin: float) -> None:
        self._inner, self._play, self._begin = inner, play, begin

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        if self._begin <= self._play.world.now <= self._begin + 11:
            raise ClusterUnreachable("GET /api: 503 maintenance", 14400.0)
        return self._inner.find(resource, name, namespace)


def test_a_proxy_that_asks_for_four_hours_of_patience_gets_two_minutes() -> None:
    play = _play()
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", ("waiting", "unreachable-window"))
    due = play.record("vm").drift.outage.since + 300
    tools = play.reactor.tools
    play.reactor.tools = replace(tools, cluster=_Maintenance(tools.cluster, play, due - 1))  # type: ignore[arg-type]
    assert play.until("vm", ("blocked", "api-unavailable"))
    assert play.record("vm").again_at == pytest.approx(play.world.now + 14400, abs=2)
    assert play.until("vm", ("completed", "running-elsewhere"), limit=_LATEST + 30)


def test_a_toleration_of_a_day_is_no_sleep_of_a_day() -> None:
    play = _play(86400)
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", ("blocked", "not-terminating"))
    for _ in range(5):
        assert _looked_at(play)
    admin = play.world.api.client("system:admin")
    for pod in admin.list("pods", "default"):
        admin.delete("pods", pod["metadata"]["name"], "default")  # kubectl delete pod
    assert play.until("vm", ("completed", "running-elsewhere"), limit=_LATEST + 60)


def test_a_setting_that_was_changed_is_obeyed_within_two_minutes() -> None:
    play = _play(86400)
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", ("blocked", "not-terminating"))
    policy = replace(play.reactor.tools.policy, delete_unevicted=True)
    play.reactor.tools, play.reactor.intake = (
        replace(tools, policy=policy) for tools in (play.reactor.tools, play.reactor.intake)
    )
    assert play.until("vm", ("completed", "running-elsewhere"), limit=_LATEST + 60)


def test_a_clock_that_was_hours_ahead_once_lets_nobody_sleep_for_hours() -> None:
    play = _play()
    play.world.hypervisor.power_cut(LOST)
    assert play.until("vm", ("waiting", "unreachable-window"))
    record = play.record("vm")
    play.reactor.store.records_by_drift[record.drift.id] = replace(record, again_at=play.world.now + 7200)
    play.reactor.queue.jobs[record.drift.id].due = play.world.now + 7200
    assert _looked_at(play)
    assert play.until("vm", ("completed", "running-elsewhere"), limit=600)
