"""`--wait` and `--timeout`. A command is called with `waits`: for how many seconds at most, None for not at all."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from reactor.model.intervention import lasting
from vmdrift.cli.arguments import checked

_USUAL = 30.0  # seconds


def waiting(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the two options."""

    @click.option("--wait", is_flag=True, help="Until it has taken effect; exit code 2 if that takes too long.")
    @click.option(
        "--timeout", metavar="30s", callback=checked(lasting), help="How long --wait waits at most. [default: 30s]"
    )
    @wraps(command)
    def run(*, wait: bool, timeout: float | None, **options: Any) -> None:
        if timeout and not wait:
            raise click.UsageError("--timeout is of --wait, which is not given")
        command(waits=timeout or _USUAL if wait else None, **options)

    return run
