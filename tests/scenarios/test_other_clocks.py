"""Each golden scenario with all of our clocks a day off the cluster's: the same is done, and ends, when it was."""

import re
from collections.abc import Iterator

import pytest
from _pytest.mark import ParameterSet

from tests.scenarios.golden import Scenario, load, play

_DAY = 86400.0
_LATER = 15  # seconds; some looks come at other seconds
_DONE = re.compile(r"(?:T\+(\d+) )?((?:DELETE|PATCH|CREATE|END|TWICE|TWO WRITERS) .*)")
# Two clocks or more are wrong, and not by as much: then it waits longer.
_TOO_MANY = {
    "the other nodes' clocks are ten minutes behind",  # nobody's clock is right
    "the controller manager dies right after it marked the node",  # how far its clock is off, nobody can say
}


def _cases() -> Iterator[ParameterSet]:
    for name, scenario in load().items():
        if name not in _TOO_MANY:
            yield pytest.param(scenario, _DAY, id=f"{name}, ahead")
        if name not in _TOO_MANY and not _suspects(scenario):
            yield pytest.param(scenario, -_DAY, id=f"{name}, behind")


def _suspects(scenario: Scenario) -> bool:
    """By a clock that is behind the nodes became Ready after they were suspected, so Kubernetes is waited for."""
    early = scenario.policy.get("VMDRIFT_FENCE_AT") == "suspicion"
    return early or any(what.startswith("suspect") for what in scenario.when.values())


def _done(log: str) -> list[tuple[str, int]]:
    """What was done, and in which second; the end of each VM has none."""
    found = [match for line in log.splitlines() if (match := _DONE.fullmatch(line))]
    return sorted((match[2], int(match[1] or 0)) for match in found)


@pytest.mark.nightly
@pytest.mark.parametrize(("scenario", "ahead"), list(_cases()))
def test_the_same_is_done_at_the_same_time(scenario: Scenario, ahead: float) -> None:
    expected, found = _done(scenario.log), _done(play(scenario, ahead))
    assert [what for what, _ in found] == [what for what, _ in expected]
    assert [(what, at) for (what, at), (_, was) in zip(found, expected, strict=True) if abs(at - was) > _LATER] == []
