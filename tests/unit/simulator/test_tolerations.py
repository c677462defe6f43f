"""How long a pod tolerates a lost node: of its tolerations of a taint the first counts, of all taints the shortest."""

import pytest

from simulator.actors.launcher import with_default_tolerations
from simulator.actors.taint_eviction import TaintEviction
from simulator.client import Obj
from simulator.timing import Timing
from simulator.world import World

UNREACHABLE, OUT = "node.kubernetes.io/unreachable", "node.kubernetes.io/out-of-service"
FOR_EVER: Obj = {"operator": "Exists"}


def tolerated(key: str, seconds: int | None = None) -> Obj:
    told = {} if seconds is None else {"tolerationSeconds": seconds}
    return {"key": key, "operator": "Exists", "effect": "NoExecute", **told}


def evicted_after(tolerations: list[Obj], *taints: str) -> float | None:
    """Seconds from the taints to the eviction, None for never."""
    world = World()
    admin = world.api.client("system:admin")
    admin.create("nodes", {"metadata": {"name": "a"}, "spec": {}})
    spec = {"nodeName": "a", "containers": [], "tolerations": tolerations}
    admin.create("pods", {"metadata": {"name": "p", "namespace": "default"}, "spec": spec})
    world.add(TaintEviction(world.api.client("system:controller"), Timing()))
    world.run_for(10)
    admin.patch("nodes", "a", {"spec": {"taints": [{"key": key, "effect": "NoExecute"} for key in taints]}})
    began = world.now
    gone = world.run(lambda: not admin.list("pods") or "deletionTimestamp" in _pod(world), 3600)
    return world.now - began if gone else None


def _pod(world: World) -> Obj:
    meta: Obj = world.store.get("pods", "p", "default")["metadata"]
    return meta


@pytest.mark.parametrize(
    ("tolerations", "taints", "seconds"),
    [
        ([FOR_EVER, tolerated(UNREACHABLE, 30)], [UNREACHABLE], None),
        ([tolerated(UNREACHABLE, 30), FOR_EVER], [UNREACHABLE], 30),
        ([tolerated(UNREACHABLE, 30), tolerated(UNREACHABLE, 600)], [UNREACHABLE], 30),
        ([tolerated(UNREACHABLE, 600), tolerated(UNREACHABLE, 30)], [UNREACHABLE], 600),
        ([tolerated(UNREACHABLE, 600), tolerated(OUT, 60)], [UNREACHABLE, OUT], 60),
        ([tolerated(UNREACHABLE), tolerated(OUT, 60)], [UNREACHABLE, OUT], 60),
        ([tolerated(UNREACHABLE), tolerated(OUT)], [UNREACHABLE, OUT], None),
        ([tolerated(UNREACHABLE, -5)], [UNREACHABLE], 0),
        ([tolerated(UNREACHABLE, 600)], [UNREACHABLE, OUT], 0),
    ],
)
def test_the_first_toleration_that_matches_a_taint_counts(
    tolerations: list[Obj], taints: list[str], seconds: float | None
) -> None:
    assert evicted_after(tolerations, *taints) == seconds


@pytest.mark.parametrize(
    ("own", "added"),
    [
        ([], ["node.kubernetes.io/not-ready", UNREACHABLE]),
        ([FOR_EVER], []),
        ([{"operator": "Exists", "effect": "NoSchedule"}], ["node.kubernetes.io/not-ready", UNREACHABLE]),
        ([{"key": UNREACHABLE, "operator": "Equal", "value": "x"}], ["node.kubernetes.io/not-ready"]),
        ([{"key": UNREACHABLE, "operator": "Exists", "effect": ""}], ["node.kubernetes.io/not-ready"]),
    ],
)
def test_five_minutes_are_added_behind_what_a_pod_says_where_it_says_nothing(own: list[Obj], added: list[str]) -> None:
    result = with_default_tolerations(own)
    assert result == [*own, *(tolerated(key, 300) for key in added)]
