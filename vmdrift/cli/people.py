"""Commands by which people intervene. Each imports what it needs when it runs, as in `vmdrift.cli`."""

import sys

import click

from reactor.model.intervention import lasting
from vmdrift.cli.arguments import checked, known_how, node, nodes, target, targets, vm, vms
from vmdrift.cli.waiting import waiting
from vmdrift.output import output

_WHY = click.option("--why", default="no reason given", help="The reason, shown to colleagues.")
_TARGET = click.argument("what", metavar="NODE|NAMESPACE/VM|all", callback=checked(target), shell_complete=targets)
_NODE = click.argument("name", metavar="NODE", callback=checked(node), shell_complete=nodes)
_CHECKED = click.option(
    "--i-checked", "how", metavar="HOW", required=True, callback=checked(known_how), help="How you know, in words."
)
_VM = click.argument("name", metavar="NAMESPACE/VM", callback=checked(vm), shell_complete=vms)


@click.command(short_help="Pause recovery of a node, a VM or everything.")
@_TARGET
@click.option(
    "--for",
    "lasts",
    metavar="30m",
    callback=checked(lasting),
    help="How long: 90s, 30m, 2h, 1d. Else: until resumed.",
)
@_WHY
@click.option("--force", is_flag=True, help="Also a node or VM that is yet to come.")
@waiting
@output
def hold(  # noqa: PLR0913 - an option each
    *, what: str, lasts: float | None, why: str, force: bool, as_json: bool, waits: float | None
) -> None:
    """Pause recovery of a node's VMs, one VM, or everything: nothing of it is deleted.

    Kept in a ConfigMap and read before each deletion, so no loss of Redis lifts it. Timers keep running.

    Exit codes: 0 it is held, 1 there is no such node or VM, 2 it could not be done.
    """
    from vmdrift import intervene  # noqa: PLC0415 - see the module's docstring

    sys.exit(intervene.hold(what, lasts, why, force=force, as_json=as_json, waits=waits))


@click.command(short_help="Lift a hold.")
@_TARGET
@output
def resume(*, what: str, as_json: bool) -> None:
    """Lift the hold of a node, a VM, or everything.

    Exit codes: 0 it is lifted, 1 there was none, 2 it could not be done.
    """
    from vmdrift import intervene  # noqa: PLC0415 - see the module's docstring

    sys.exit(intervene.resume(what, as_json=as_json))


@click.command(short_help="Show what is held or cancelled, by whom and why.")
@output
def holds(*, as_json: bool) -> None:
    """Show what is held or cancelled, until when, by whom and why."""
    from vmdrift import intervene  # noqa: PLC0415 - see the module's docstring

    sys.exit(intervene.holds(as_json=as_json))


@click.command(short_help="Cancel a VM's recovery, for this outage.")
@_VM
@click.option("--why", default="", help="Required; on a terminal you are asked for it, and whether you are sure.")
@output
def cancel(*, name: str, why: str, as_json: bool) -> None:
    """Cancel a VM's recovery, for this outage: the VM stays down until `vmdrift retry`.

    Exit codes: 0 it is cancelled, 1 there is none under way, or you are not sure, 2 it could not be done.
    """
    from vmdrift import intervene  # noqa: PLC0415 - see the module's docstring
    from vmdrift.cli.sure import reason_to_cancel  # noqa: PLC0415 - same

    sys.exit(intervene.cancel(name, reason_to_cancel(name, why, as_json=as_json), as_json=as_json))


@click.command(short_help="Start an ended recovery again, or check now.")
@_VM
@waiting
@output
def retry(*, name: str, as_json: bool, waits: float | None) -> None:
    """Start an ended recovery again, or have one under way checked now.

    Exit codes: 0 it is checked, 1 there is none, 2 no worker has checked it yet, or it could not be done.
    """
    from vmdrift import intervene  # noqa: PLC0415 - see the module's docstring

    sys.exit(intervene.retry(name, as_json=as_json, waits=waits))


@click.command(short_help="Ask for the recovery of one VM of a lost node.")
@_VM
@waiting
@output
def drift(*, name: str, as_json: bool, waits: float | None) -> None:
    """Ask for the recovery of one VM of a lost node, with the same prerequisites as ever.

    Exit codes: 0 it is under way, 1 there is nothing to do, 2 no worker has checked it yet, or it could not be asked.
    """
    from vmdrift import intervene  # noqa: PLC0415 - see the module's docstring

    sys.exit(intervene.drift(name, as_json=as_json, waits=waits))


@click.command(name="confirm-off", short_help="Confirm that a node is off: proof that it is dead.")
@_NODE
@_CHECKED
@click.option("--although-ready", is_flag=True, help="Also of a node that is Ready, as far as Kubernetes knows.")
@waiting
@output
def confirm_off(*, name: str, how: str, although_ready: bool, as_json: bool, waits: float | None) -> None:
    """Confirm that a node is off, which you made sure of: its VMs are released at once, shared disks and all.

    It counts for this very boot, where VMDRIFT_FENCING names event, and until the node gives a sign of life. If
    it is wrong, two machines write to one disk.

    Exit codes: 0 it is recorded, 1 it does not count, 2 no worker has checked it yet, or it could not be done.
    """
    from vmdrift.intervene import fences  # noqa: PLC0415 - see the module's docstring

    sys.exit(fences.confirm_off(name, how, although_ready=although_ready, as_json=as_json, waits=waits))


@click.command(short_help="Put a whole dead node out of service, for this outage.")
@_NODE
@_WHY
@output
def taint(*, name: str, why: str, as_json: bool) -> None:
    """Put a whole node out of service by Kubernetes' taint, once it is proven dead, whatever else is on it.

    Exit codes: 0 it is asked for, 1 the node has no open outage, 2 it could not be asked for.
    """
    from vmdrift.intervene import fences  # noqa: PLC0415 - see the module's docstring

    sys.exit(fences.taint(name, why, as_json=as_json))


@click.command(short_help="Take back that a node is to be tainted.")
@_NODE
@output
def untaint(*, name: str, as_json: bool) -> None:
    """Take back what `vmdrift taint` asked for: a node without the taint does not get it.

    A taint that is set stays until the node has been rebooted, or `vmdrift unfence`: under it pods may have been
    removed that run elsewhere by now.

    Exit codes: 0 it is taken back, 1 nobody asked for it, 2 it could not be done.
    """
    from vmdrift.intervene import fences  # noqa: PLC0415 - see the module's docstring

    sys.exit(fences.untaint(name, as_json=as_json))


@click.command(short_help="Take back what fences a node.")
@_NODE
@_CHECKED
@output
def unfence(*, name: str, how: str, as_json: bool) -> None:
    """Take back what fences a node that was deleted, or that is heard again with the same boot.

    Whatever still runs there can write again. After a reboot it is taken back without you. A machine that is kept off
    (provider metal3) is switched on again.

    Exit codes: 0 it is asked for, 1 nothing is known of a fence, 2 it could not be asked for.
    """
    from vmdrift.intervene import fences  # noqa: PLC0415 - see the module's docstring

    sys.exit(fences.unfence(name, how, as_json=as_json))


PEOPLE = (hold, resume, holds, cancel, retry, drift, confirm_off, taint, untaint, unfence)
