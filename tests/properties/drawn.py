"""So many worlds, drawn at random from a seed that is told, and what became of them."""

import secrets
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machine import TALLY, Outages
from tests.properties.tally import Tally

KEPT = Path(".hypothesis/worlds")  # those that failed; each is tried again first
_CHOSEN = settings(
    deadline=None,
    database=DirectoryBasedExampleDatabase(KEPT),
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def any_seed() -> int:
    """Another one each time."""
    return secrets.randbelow(2**32)


def draw(worlds: int, steps: int, number: int, *, shrink: bool = True) -> Tally:
    """AssertionError, with the shortest story that Hypothesis found, where one goes wrong."""
    TALLY.reset()
    phases = [Phase.explicit, Phase.reuse, Phase.generate, Phase.target, *([Phase.shrink] if shrink else [])]
    chosen = settings(_CHOSEN, max_examples=worlds, stateful_step_count=steps, phases=phases)
    run_state_machine_as_test(seed(number)(Outages), settings=chosen)
    return TALLY
