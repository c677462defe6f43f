"""What people type: a node, a VM, a time. Each is checked before anything starts, and completed by the shell."""

import re
from collections.abc import Callable
from typing import Any

import click

from reactor.model.errors import BadInput
from reactor.model.intervention import ALL, target_of
from reactor.model.names import is_name, is_vm

_LONGEST = 500  # characters


def checked(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str], Any]:
    """A callback for click: what was typed, parsed; "" stays as it is."""

    def check(ctx: click.Context, param: click.Parameter, value: str) -> Any:
        try:
            return parse(value) if value else value
        except (ValueError, BadInput) as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return check


def target(text: str) -> str:
    """As it was typed, if it is one; BadInput."""
    target_of(text)
    return text


def node(text: str) -> str:
    """As it was typed, if it may be a node's name; ValueError."""
    if text == ALL or not is_name(text):
        message = f"{text!r} is not a valid node name"
        raise ValueError(message)
    return text


def known_how(text: str) -> str:
    """How somebody knows something, in words; ValueError."""
    if not text.strip() or len(text) > _LONGEST:
        message = f"explain in 1 to {_LONGEST} characters how you know"
        raise ValueError(message)
    return text


def person(text: str) -> str:
    """A name that reads the same everywhere it is shown, and goes into a URI reference; ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", text):
        message = f"{text[:60]!r} is no name; use 1 to 64 letters, digits and . _ @ -"
        raise ValueError(message)
    return text


def vm(text: str) -> str:
    """As it was typed, if it is NAMESPACE/NAME; ValueError."""
    if not is_vm(text):
        message = f"{text!r} is not a VM as NAMESPACE/NAME"
        raise ValueError(message)
    return text


def targets(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """For the shell: lost nodes, their VMs, all."""
    from vmdrift.cli.completion import names  # noqa: PLC0415 - it needs Redis' library, and --help does not

    nodes, vms = names()
    return [name for name in (*nodes, *vms, ALL) if name.startswith(incomplete)]


def nodes(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """For the shell: lost nodes."""
    from vmdrift.cli.completion import names  # noqa: PLC0415 - see above

    return [name for name in names()[0] if name.startswith(incomplete)]


def vms(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """For the shell: VMs of lost nodes."""
    from vmdrift.cli.completion import names  # noqa: PLC0415 - see above

    return [name for name in names()[1] if name.startswith(incomplete)]
