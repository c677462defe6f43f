"""The commands for before an outage: `plan`, `audit`, `rehearse`, `dump`. They read the cluster, or a dump of it."""

import sys
from math import inf
from typing import Any

import click

from reactor.model.errors import BadInput
from reactor.model.intervention import lasting
from vmdrift.cli.arguments import checked
from vmdrift.cli.filters import filters
from vmdrift.command import CANNOT_TELL, complain
from vmdrift.output import output
from vmdrift.selector import VmSelector

_AFTER, _CONFIGURED, _NEVER = "after=", "configured", "never"
Proof = tuple[str, float]  # which of the words of --proof, and after how many seconds BMCs answer


def proof(text: str) -> Proof:
    """Raises BadInput."""
    if text.startswith(_AFTER):
        return "now", lasting(text.removeprefix(_AFTER))
    if text not in {_CONFIGURED, "none", "silent", "now"}:
        raise BadInput(f"{text[:20]!r} is not one of {_CONFIGURED}, none, silent, now, after=30s")
    return text, inf if text == "silent" else 0.0


def later(text: str) -> float:
    """Seconds. Raises BadInput."""
    return inf if text == _NEVER else lasting(text)


_DUMP = click.option(
    "-f",
    "--file",
    "dump",
    metavar="DUMP",
    type=click.Path(),
    default="",
    help="Read a dump instead of the cluster: a file, or - for standard input.",
)
# \b keeps click from joining the lines.
_DUMP_EPILOG = """\b
A dump for -f: vmdrift dump > dump.json
or, with HwameiStor also localvolumes,localvolumereplicas:
  kinds=nodes,namespaces,vm,vmi,vmirs,pods,pvc,pv,csidrivers,storageclasses
  kubectl get $kinds,volumeattachments,leases -A -o json > dump.json
"""


@click.command(epilog=_DUMP_EPILOG, short_help="What would become of a node's VMs if it were lost.")
@click.argument("node")
@filters(labels=True)
@output
@_DUMP
def plan(*, node: str, as_json: bool, dump: str, only: VmSelector) -> None:
    """Predict what would become of every VM of NODE if it were lost now. Changes nothing.

    Would it move, or why not; where to, and is there room; its volumes; how long it would take. Judged by the
    installation's settings (ConfigMap settings in VMDRIFT_NAMESPACE); VMDRIFT_... of this shell win.

    Exit codes: 0 all would move, 1 some would not, 2 unknown.
    """
    from vmdrift.plan import plan as show  # noqa: PLC0415 - see vmdrift.cli

    sys.exit(show(node, as_json=as_json, dump=dump, only=only))


@click.command(epilog=_DUMP_EPILOG, short_help="Which VMs would not survive the loss of a node, and why.")
@click.option(
    "--any", "number", metavar="K", type=click.IntRange(1, 2), help="May any K nodes be lost at once? 1 or 2."
)
@click.option("--zone", "by_zone", is_flag=True, help="May any one zone be lost?")
@filters(labels=True)
@output
@_DUMP
def audit(*, number: int | None, by_zone: bool, as_json: bool, dump: str, only: VmSelector) -> None:
    """Say for every node which VMs would not survive its loss, and what to change. Changes nothing.

    With --any or --zone: of nodes that are lost together, whether all of their VMs find a place.

    Reads the cluster, or a dump, as plan does. Exit codes: 0 all would survive, 1 some would not, 2 unknown.
    """
    if number and by_zone:
        raise click.UsageError("--any and --zone are two questions: ask one at a time")
    if number or by_zone:
        from vmdrift.plan.survive import survive  # noqa: PLC0415 - see vmdrift.cli

        if only.words:
            raise click.UsageError("--any and --zone judge all VMs together; leave out -n and -l")
        sys.exit(survive(number or 0, as_json=as_json, dump=dump))
    from vmdrift.plan.audit import audit as show  # noqa: PLC0415 - the same

    sys.exit(show(as_json=as_json, dump=dump, only=only))


@click.command(epilog=_DUMP_EPILOG, short_help="Play the loss of nodes to its end, in virtual time.")
@click.argument("nodes", nargs=-1, metavar="[NODE]...")
@click.option("--zone", default="", metavar="ZONE", help="Lost are all nodes of a zone at once.")
@click.option("--each", is_flag=True, help="Lost is every node in turn.")
@click.option("--pairs", is_flag=True, help="Lost are, in turn, the pairs that audit --any 2 cannot decide.")
@click.option(
    "--for",
    "lasts",
    metavar="10m",
    default="10m",
    callback=checked(lasting),
    help="With --pairs: for how long.",
    show_default=True,
)
@click.option(
    "--proof",
    default=_CONFIGURED,
    metavar="none|silent|now|after=30s",
    callback=checked(proof),
    help="No provider; BMCs that go dark with their hosts; BMCs that answer, at once or later. Else as configured.",
)
@click.option(
    "--back-after", metavar="10m", default=_NEVER, callback=checked(later), help="The nodes have power again."
)
@click.option("--lose-redis", is_flag=True, help="Redis loses everything, at the loss and a minute later.")
@click.option("--lose-worker", is_flag=True, help="A worker dies with the nodes, and is replaced.")
@click.option("--lose-own-node", is_flag=True, help="Redis and vm-drift ran on these nodes, too, and are replaced.")
@click.option("--html", metavar="FILE", default="", type=click.Path(), help="Also write a page with its timelines.")
@click.option("--junit", metavar="FILE", default="", type=click.Path(), help="Also write JUnit's XML, for CI.")
@output
@_DUMP
def rehearse(*, nodes: tuple[str, ...], zone: str, each: bool, pairs: bool, **how: Any) -> None:
    """Play the loss of NODEs to its end, by the product's own code on a simulated copy. Changes nothing.

    The cluster, or a dump, is read as plan does, and loaded into a simulated one, whose nodes lose their power; what
    the simulation does not know is named VM by VM. It needs: pip install vm-drift[rehearse].

    Exit codes: 0 every VM runs again, 1 some stay down, 2 unknown.
    """
    if sum((bool(nodes), each, bool(zone), pairs)) != 1:
        raise click.UsageError("say what is lost: NODEs, --zone, --each or --pairs")
    try:
        from vmdrift.rehearse.command import rehearse as play  # noqa: PLC0415 - see vmdrift.cli
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"rehearsal", "simulator"}:
            raise
        complain("vmdrift rehearse: the simulated cluster is not installed: pip install vm-drift[rehearse]")
        sys.exit(CANNOT_TELL)
    sys.exit(play(nodes, zone, each=each, pairs=pairs, **how))


@click.command(epilog=_DUMP_EPILOG, short_help="Write what plan and audit read, without secrets.")
@click.option("--anonymous", "nameless", is_flag=True, help="With made-up names, and the same answers.")
@_DUMP
def dump(*, nameless: bool, dump: str) -> None:
    """Write a dump of the cluster to standard output, as JSON, for plan and audit with -f. Changes nothing.

    Of each object only what they read: no cloud-init, no environment, no arguments, no Secrets, no annotations of
    others. With -f it is made of what kubectl wrote.

    Exit codes: 0 it is written, 2 it could not be read.
    """
    from vmdrift.snapshot.dump import dump as write  # noqa: PLC0415 - see vmdrift.cli

    sys.exit(write(nameless=nameless, source=dump))


BEFORE = (plan, audit, rehearse, dump)
