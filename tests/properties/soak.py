"""`python -m tests.properties.soak HOURS`: as many worlds as fit into that time, on all cores, and what became of them.

Exit code 1 if one of them went wrong, or some kind of trouble never struck. What went wrong is kept, and tried first
the next time (tests.properties.drawn.KEPT).
"""

import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import structlog

from tests.properties.drawn import any_seed, draw
from tests.properties.tally import Tally

_BATCH, _STEPS = 25, 40  # worlds, and steps in each


def main(hours: float) -> int:
    """Returns the exit code."""
    cores, end = os.cpu_count() or 1, time.monotonic() + hours * 3600
    whole, wrong = Tally(), list[str]()
    with ProcessPoolExecutor(cores) as pool:
        for tally, error in pool.map(_soaked, [end] * cores):
            whole.merge(tally)
            wrong += [error] if error else []
    print("\n\n".join([*wrong, f"{cores} cores, {hours:g} h: {whole}"]))  # noqa: T201 - it is a command
    if whole.missing:
        print(f"Never struck: {', '.join(whole.missing)}")  # noqa: T201
    return 1 if wrong or whole.missing else 0


def _soaked(end: float) -> tuple[Tally, str]:
    """Batch after batch, until the time is over or something is wrong; what that is."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    whole = Tally()
    while time.monotonic() < end:
        number = any_seed()
        try:
            whole.merge(draw(_BATCH, _STEPS, number))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            return whole, "\n".join([f"Seed {number}: {type(error).__name__}: {error}", *error.__notes__])
    return whole, ""


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
