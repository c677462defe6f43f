"""What somebody may have meant who mistyped a name."""

import pytest

from reactor.model.similar import did_you_mean, most_like

NODES = ("worker-1", "worker-2", "control-plane-1")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("wroker-1", "worker-1"),
        ("worker1", "worker-1"),
        ("worker-3", "worker-2"),
        ("control-plane", "control-plane-1"),
        ("gpu", ""),
        ("", ""),
    ],
)
def test_the_name_that_is_most_like_it_is_meant(typed: str, meant: str) -> None:
    assert most_like(typed, NODES) == meant
    assert did_you_mean(typed, NODES) == (f" (did you mean {meant}?)" if meant else "")


def test_of_very_many_names_not_all_are_compared() -> None:
    """A command answers at once, however large the cluster is."""
    names = [f"node-{number:06}" for number in range(30_000)]
    assert most_like("node-000001x", names) == "node-000001"
    assert most_like("node-029999x", names) != "node-029999"


def test_nothing_is_meant_where_nothing_is_known() -> None:
    assert did_you_mean("worker-1", ()) == ""
