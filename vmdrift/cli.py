"""The command line. Each command imports what it needs when it runs, so that `--help` answers at once."""

import sys

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vm-drift")
def main() -> None:
    """Moves KubeVirt virtual machines off a lost node: safely, by itself, and explains every step.

    Settings are environment variables (VMDRIFT_...), described in README.md. The cluster is the one that KUBECONFIG
    names, or the one that this pod runs in; never silently ~/.kube/config.

    Exit codes: 0 all went as it should, 1 it did not, 2 it could not start.
    """


@main.command()
@click.option(
    "--act", is_flag=True, help="On a real cluster: carry drifts out. Without it everything is only observed."
)
@click.option("--simulate", is_flag=True, help="Use the simulated cluster even if there is a real one.")
@click.option("--factor", default=20.0, show_default=True, help="How many times faster the simulated cluster lives.")
def run(*, act: bool, simulate: bool, factor: float) -> None:
    """Start everything here: queue, watcher, workers, scheduler.

    On a real cluster until stopped, only observing unless --act is given. Without a cluster: starts a simulated one,
    cuts the power of one node, and shows how its VMs come up elsewhere.
    """
    from vmdrift.run import run as start  # noqa: PLC0415 - see the module's docstring

    sys.exit(start(act=act, simulate=simulate, factor=factor))


@main.command()
def watch() -> None:
    """Watch the cluster's nodes and tell outages. Any number may run side by side."""
    from reactor.__main__ import main as reactor  # noqa: PLC0415 - see the module's docstring

    sys.exit(reactor(["watch"]))


@main.command()
@click.argument("role", type=click.Choice(["drifts", "events", "scheduler"]))
def work(role: str) -> None:
    """Work: take EVENTS in, carry DRIFTS out, or move due jobs (SCHEDULER). At least one of each is needed."""
    from workers.__main__ import main as workers  # noqa: PLC0415 - see the module's docstring

    sys.exit(workers([role]))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Everything that is recorded, as JSON.")
def status(*, as_json: bool) -> None:
    """Show outages and drifts, each with its checks, as recorded in Redis. Asks the cluster nothing."""
    from vmdrift.status import status as show  # noqa: PLC0415 - see the module's docstring

    sys.exit(show(as_json=as_json))
