"""`-n`, `-A` and `-l`: of which VMs a command speaks. A command is called with `only`, a `VmSelector`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from reactor.model.errors import BadInput
from reactor.model.names import is_namespace
from vmdrift.cli.arguments import checked
from vmdrift.selector import VmSelector


def _namespace(text: str) -> str:
    if not is_namespace(text):
        message = f"{text!r} is not a valid namespace name"
        raise ValueError(message)
    return text


def filters(*, labels: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the three options. `labels`: whether it knows the VMs' labels; if not, `-l` is refused."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option("-n", "--namespace", metavar="NAME", callback=checked(_namespace), help="VMs of this namespace.")
        @click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="VMs of all namespaces: the default.")
        @click.option(
            "-l", "--selector", metavar="LABELS", hidden=not labels, help="VMs with these labels, as kubectl has them."
        )
        @wraps(command)
        def run(*, namespace: str | None, everywhere: bool, selector: str | None, **options: Any) -> None:
            if everywhere and namespace:
                raise click.UsageError("-A and -n cannot be combined")
            if selector is not None and not labels:
                raise click.UsageError(
                    "-l selects by the VMs' labels, which Redis does not hold: use -n here, or -l with plan or audit"
                )
            try:
                only = VmSelector(namespace or "", selector or "")
            except BadInput as error:
                raise click.UsageError(str(error)) from None
            command(only=only, **options)

        return run

    return decorate
