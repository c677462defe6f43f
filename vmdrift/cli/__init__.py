"""The command line. Each command imports what it needs when it runs, so that `--help` answers at once."""

import sys
from typing import Any

import click

from reactor import roles
from reactor.model.intervention import ALL
from reactor.model.printable import harmless
from vmdrift.cli.arguments import checked, target, targets
from vmdrift.cli.before import BEFORE
from vmdrift.cli.cluster import global_options
from vmdrift.cli.filters import filters
from vmdrift.cli.groups import GroupedCommands
from vmdrift.cli.people import PEOPLE
from vmdrift.cli.tokens import token
from vmdrift.output import output, wide
from vmdrift.selector import VmSelector


class _Commands(GroupedCommands):
    def invoke(self, ctx: click.Context) -> Any:
        """As click does, with harmless messages: they quote what was typed, and that may have been copied."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error)["message"] = harmless(error.message)
            raise


class _Working(click.Choice[str]):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A role that works, also by an older name."""
        return super().convert(roles.ALIASES.get(value, value), param, ctx)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vm-drift")
def main() -> None:
    """Moves KubeVirt virtual machines off a lost node: safely, by itself, and explains every step.

    Settings are environment variables (VMDRIFT_...), described in docs/settings.md. The cluster is the one that
    --kubeconfig or KUBECONFIG names, or the one that this pod runs in; never silently ~/.kube/config.

    Exit codes: 0 as it should, 1 not, 2 it could not start or find out. Colours: NO_COLOR=1 leaves them out.
    """


def plugin() -> None:
    """`kubectl vmdrift ...`: kubectl runs whatever is called kubectl-vmdrift on the PATH."""
    main(prog_name="kubectl vmdrift")


@main.command(short_help="Start everything here, or show it on a simulated cluster.")
@click.option("--act", is_flag=True, help="On a real cluster: move VMs. Without it everything is only observed.")
@click.option("--simulate", is_flag=True, help="Use the simulated cluster even if there is a real one.")
@click.option("--factor", default=20.0, show_default=True, help="How many times faster the simulated cluster lives.")
@click.option("--stay", is_flag=True, help="After the simulated story let everything run on, for a look at the page.")
def run(*, act: bool, simulate: bool, factor: float, stay: bool) -> None:
    """Start everything here: queue, watcher, workers, scheduler, and the page.

    On a real cluster until stopped, only observing unless --act is given. Without a cluster: starts a simulated one,
    cuts the power of one node, and shows how its VMs come up elsewhere.
    """
    from vmdrift.run import run as start  # noqa: PLC0415 - see the module's docstring

    sys.exit(start(act=act, simulate=simulate, factor=factor, stay=stay))


@main.command(short_help="Watch the cluster's nodes and report outages.")
def watch() -> None:
    """Watch the cluster's nodes and report outages. Any number may run side by side."""
    from reactor.__main__ import main as reactor  # noqa: PLC0415 - see the module's docstring

    sys.exit(reactor(["watch"]))


@main.command(short_help="Receive CloudEvents and alerts over HTTP.")
@click.option("--insecure-no-auth", is_flag=True, help="Let anybody post who can reach VMDRIFT_LISTEN.")
def serve(*, insecure_no_auth: bool) -> None:
    """Receive CloudEvents and Alertmanager's alerts over HTTP, at VMDRIFT_LISTEN."""
    from reactor.__main__ import main as reactor  # noqa: PLC0415 - see the module's docstring

    sys.exit(reactor(["serve", *(["--insecure-no-auth"] if insecure_no_auth else [])]))


@main.command(short_help="Work on a queue, or move due jobs into them.")
@click.argument("role", type=_Working(sorted(role.word for role in roles.ROLES if role.works)))
def work(role: str) -> None:
    """Work: take events in (INTAKE), carry DRIFTS out, or move due jobs (SCHEDULER). At least one of each is needed.

    OUTGOING delivers events about drifts to VMDRIFT_SINK, and FENCING sees that lost nodes are proven dead
    (VMDRIFT_FENCING), where that is wanted. AUDIT judges every VMDRIFT_AUDIT_EVERY seconds which VMs would not survive.
    """
    if role == roles.AUDIT.word:
        from reactor.process import start  # noqa: PLC0415 - see the module's docstring
        from vmdrift.audit_role import work_audit  # noqa: PLC0415 - same

        sys.exit(start(roles.AUDIT.command, work_audit))
    from workers.__main__ import main as workers  # noqa: PLC0415 - see the module's docstring

    sys.exit(workers([role]))


@main.command(short_help="Show open outages and recoveries, with their checks.")
@click.argument("what", metavar="[NODE|NAMESPACE/VM]", default="", callback=checked(target), shell_complete=targets)
@click.option("--watch", is_flag=True, help="Redraw every second, until Ctrl-C.")
@filters(labels=False)
@output
def status(*, what: str, watch: bool, as_json: bool, only: VmSelector) -> None:
    """Show whether all is well, and of each outage what becomes of its VMs: a line for those that say the same.

    With a NODE, or a VM as NAMESPACE/VM: each VM with all of its checks. Asks the cluster only what
    is held, and for the installation's settings.
    """
    if watch and what:
        raise click.UsageError("--watch shows all outages; leave out the node or VM")
    if watch and as_json:
        raise click.UsageError("--watch and --json cannot be combined; for a stream of JSON use events --follow --json")
    if watch and wide():
        raise click.UsageError("--watch and -o wide cannot be combined: --watch draws what the terminal has room for")
    if watch:
        from vmdrift.status.watch import watch as follow  # noqa: PLC0415 - see the module's docstring

        sys.exit(follow(only))
    from vmdrift.status import status as show  # noqa: PLC0415 - see the module's docstring

    sys.exit(show("" if what == ALL else what, as_json=as_json, only=only))


@main.command(short_help="Outages that are over, and how long VMs were down.")
@click.option("--last", default=10, show_default=True, type=click.IntRange(1), help="How many outages.")
@filters(labels=False)
@output
def history(*, last: int, as_json: bool, only: VmSelector) -> None:
    """Show outages that are over: how each recovery ended, and how long its VM was down. Newest first.

    Seconds count from when the node turned Unknown. Redis keeps them for VMDRIFT_HISTORY_TTL.
    """
    from vmdrift.status.history import history as show  # noqa: PLC0415 - see the module's docstring

    sys.exit(show(last=last, as_json=as_json, only=only))


@main.command(short_help="Check everything it depends on, and say what to do.")
@click.option(
    "--role",
    type=click.Choice([role.name for role in roles.ON_CLUSTER]),
    help="Whose rights in the cluster are checked. Default: those of all roles together.",
)
@click.option(
    "--fencing",
    is_flag=True,
    help="Try each healthy node's fencing, as the hourly drill does; with --role drifts: rehearse deletions.",
)
@output
def doctor(*, role: str | None, fencing: bool, as_json: bool) -> None:
    """Check everything that vm-drift depends on, and say what to do if something is wrong. Changes nothing.

    Settings, Redis, scheduler and workers, API server, KubeVirt, nodes, each verb that is needed, clocks. All of it
    as whoever runs this: run it in a role's pod to see what that role sees;
    --fencing in a pod of the role fencing, or of drifts.

    Exit codes: 0 nothing is wrong (there may be warnings), 1 something is, 2 something could not be checked.
    """
    from vmdrift.doctor.show import doctor as look  # noqa: PLC0415 - see the module's docstring

    sys.exit(look(role=role or "", fencing=fencing, as_json=as_json))


@main.command(short_help="For a liveness probe: is this role alive?")
@click.option("--within", default=30.0, show_default=True, help="Seconds that the last heartbeat may be old.")
def probe(*, within: float) -> None:
    """For a liveness probe: is the role alive that writes VMDRIFT_HEARTBEAT_FILE?

    Exit codes: 0 it is, 1 it is not, 2 VMDRIFT_HEARTBEAT_FILE is not set.
    """
    from vmdrift.cli.probe import probe as look  # noqa: PLC0415 - see the module's docstring

    sys.exit(look(within))


@main.command(short_help="Show, follow and re-send events about recoveries.")
@click.option("--follow", is_flag=True, help="Continue with each event as it comes, until Ctrl-C.")
@click.option("--last", default=100, show_default=True, type=click.IntRange(0), help="How many past events.")
@click.option("--dead", is_flag=True, help="Those that could not be delivered to VMDRIFT_SINK, and why.")
@click.option("--resend", multiple=True, metavar="ID", help="Deliver one of them again; all: each of them.")
@output
def events(*, follow: bool, last: int, dead: bool, resend: tuple[str, ...], as_json: bool) -> None:
    """Show the events about recoveries (drifts): scheduled, blocked, released, detached, and how they ended.

    Redis keeps about the last 10,000. As JSON one CloudEvent a line, as YAML one a document.
    """
    from vmdrift.status import events as recorded  # noqa: PLC0415 - see the module's docstring

    if follow and (dead or resend):
        raise click.UsageError("--follow cannot be combined with --dead or --resend, which are about dead letters")
    if dead or resend:
        sys.exit(recorded.dead(resend=resend, as_json=as_json))
    sys.exit(recorded.events(follow=follow, last=last, as_json=as_json))


_SOURCED = """\b
bash, in ~/.bashrc: eval "$(vmdrift completion bash)"
zsh, in ~/.zshrc:   eval "$(vmdrift completion zsh)"
fish: vmdrift completion fish > ~/.config/fish/completions/vmdrift.fish
"""


@main.command(epilog=_SOURCED, short_help="Print what makes a shell complete commands and names.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print what makes SHELL complete commands, options, and names of lost nodes and their VMs."""
    from vmdrift.cli.completion import completion as show  # noqa: PLC0415 - see the module's docstring

    sys.exit(show(main, shell))


for _command in (*PEOPLE, *BEFORE, token):
    main.add_command(_command)
global_options(main)
