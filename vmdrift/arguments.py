"""What people type: a node, a VM, a time. Each is checked before anything starts, and completed by the shell."""

import re
from collections.abc import Callable
from typing import Any

import click

ALL = "all"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NODE = r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"
_VM = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-a-z0-9.]*[a-z0-9])?"


def target_of(text: str) -> str:
    """`all`, `node/NAME` or `vm/NAMESPACE/NAME`, as an Intervention names them; ValueError."""
    if text == ALL:
        return ALL
    if re.fullmatch(_NODE, text):
        return f"node/{text}"
    if re.fullmatch(_VM, text):
        return f"vm/{text}"
    message = f"{text!r} is neither a node's name, nor a VM as NAMESPACE/NAME, nor all"
    raise ValueError(message)


def seconds(text: str) -> float:
    """30m, 2h, 90s, 1d in seconds; ValueError."""
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not found or not int(found[1]):
        message = f"{text!r} is no time such as 90s, 30m, 2h or 1d"
        raise ValueError(message)
    return float(found[1]) * _UNITS[found[2]]


def checked(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str], Any]:
    """A callback for click: what was typed, parsed; "" stays as it is."""

    def check(ctx: click.Context, param: click.Parameter, value: str) -> Any:
        try:
            return parse(value) if value else value
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return check


def target(text: str) -> str:
    """As it was typed, if it is one; ValueError."""
    target_of(text)
    return text


def vm(text: str) -> str:
    """As it was typed, if it is NAMESPACE/NAME; ValueError."""
    if not re.fullmatch(_VM, text):
        message = f"{text!r} is no VM as NAMESPACE/NAME"
        raise ValueError(message)
    return text


def targets(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """For the shell: lost nodes, their VMs, all."""
    from vmdrift.completion import names  # noqa: PLC0415 - it needs Redis' library, and --help does not

    nodes, vms = names()
    return [name for name in (*nodes, *vms, ALL) if name.startswith(begun)]


def vms(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """For the shell: VMs of lost nodes."""
    from vmdrift.completion import names  # noqa: PLC0415 - see above

    return [name for name in names()[1] if name.startswith(begun)]
