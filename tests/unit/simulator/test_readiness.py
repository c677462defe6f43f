"""How many nodes of a zone are Ready is counted as nodes come, change and go."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator.actors.readiness import Readiness

_ZONE = "topology.kubernetes.io/zone"
_changes = st.lists(
    st.tuples(
        st.sampled_from(["ADDED", "MODIFIED", "DELETED"]),
        st.sampled_from([f"node-{number}" for number in range(6)]),
        st.sampled_from(["east", "west"]),
        st.sampled_from(["True", "False", "Unknown"]),
    )
)


def _node(name: str, zone: str, ready: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    return {"metadata": {"name": name, "labels": {_ZONE: zone}}, "status": {"conditions": conditions}}


def _disrupted(states: Iterable[tuple[str, str]], zone: str) -> bool:
    """As Kubernetes has it: some are Ready, and more than two, and 55 %, are not."""
    mine = [ready == "True" for at, ready in states if at == zone]
    return any(mine) and mine.count(False) > 2 and mine.count(False) / len(mine) >= 0.55


@given(_changes)
def test_it_says_what_a_count_of_all_nodes_says(changes: list[tuple[str, str, str, str]]) -> None:
    readiness, nodes = Readiness(), dict[str, tuple[str, str]]()
    for kind, name, zone, ready in changes:
        before, version = dict(nodes), readiness.version
        readiness.take([(kind, _node(name, zone, ready))])
        if kind == "DELETED":
            nodes.pop(name, None)
        else:
            nodes[name] = (zone, ready)
        counts = [sorted((zone, ready == "True") for zone, ready in states.values()) for states in (before, nodes)]
        assert counts[0] == counts[1] or readiness.version > version
        assert readiness.all_lost() is not any(ready == "True" for _, ready in nodes.values())
        for each in ("east", "west"):
            assert readiness.disrupted(_node("asked", each, "Unknown")) is _disrupted(nodes.values(), each)
