"""`--kubeconfig` and `--context`, before or after the command: which cluster is meant, for this process and its own."""

import os
from collections.abc import Callable, Iterable

import click

_WITHOUT = frozenset({"completion", "probe"})  # they have no cluster


def global_options(main: click.Group) -> None:
    """Adds them to the command line: shown there, and hidden at each command."""
    main.params += _options(hidden=False)
    for name, command in main.commands.items():
        if name not in _WITHOUT:
            command.params += _options(hidden=True)


def _options(*, hidden: bool) -> Iterable[click.Option]:
    where = "Before or after the command."
    return [
        _option("--kubeconfig", "PATH", "KUBECONFIG", f"The kubeconfig file, instead of KUBECONFIG's. {where}", hidden),
        _option(
            "--context",
            "NAME",
            "VMDRIFT_KUBE_CONTEXT",
            f"Its context, instead of the current one. {where}",
            hidden,
        ),
    ]


def _option(name: str, metavar: str, variable: str, text: str, hidden: bool) -> click.Option:
    return click.Option(
        [name],
        type=click.Path() if metavar == "PATH" else str,
        metavar=metavar,
        hidden=hidden,
        help=text,
        expose_value=False,
        callback=_into_environment(variable),
    )


def _into_environment(variable: str) -> Callable[[click.Context, click.Parameter, str | None], None]:
    """There everything finds it that asks for a cluster, the processes of `vmdrift run` too."""

    def put(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
        if value is None:
            return
        if not value:  # an unset variable in a script; another cluster must not be taken instead
            raise click.BadParameter("it is empty", context, parameter)
        os.environ[variable] = value

    return put
