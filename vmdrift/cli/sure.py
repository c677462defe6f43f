"""Is somebody sure? Asked on a terminal only: a command in a script never waits for an answer that nobody gives."""

import sys

import click


def reason_to_cancel(vm: str, why: str, *, as_json: bool) -> str:
    """The reason as it was given, or typed now; a usage error without one, and exit code 1 for whoever is not sure."""
    if why.strip():
        return why
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        message = "--why is required: the VM stays down, and colleagues need to know why"
        raise click.UsageError(message)
    typed: str = click.prompt(f"Why is {vm} to stay down", err=True)
    if not click.confirm(f"Cancel the recovery of {vm}? It stays down until `vmdrift retry {vm}`", err=True):
        click.echo("Nothing was done.", err=True)
        sys.exit(1)
    return typed
