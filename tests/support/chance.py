"""What is tried each night, and by day half of it, as chance will have it."""

import os
from collections.abc import Iterable
from hashlib import sha256

import pytest
from _pytest.mark import ParameterSet

_RUN = "PYTEST_XDIST_TESTRUNUID"  # xdist's name of this run: the same for each of its processes, another one each time


def every_other(values: Iterable[object], ids: Iterable[str]) -> list[ParameterSet]:
    """As pytest's parameters. Only in a run of several processes, so whoever runs one file runs all of it."""
    run = os.environ.get(_RUN)
    by_day = sha256(run.encode()).digest()[0] % 2 if run else None

    def marks(number: int) -> list[pytest.MarkDecorator]:
        return [] if by_day in {None, number % 2} else [pytest.mark.nightly]

    return [
        pytest.param(value, id=name, marks=marks(at)) for at, (value, name) in enumerate(zip(values, ids, strict=True))
    ]
