"""`vmdrift token`: who may see the page."""

import sys

import click


@click.group(short_help="Make tokens for the page.")
def token() -> None:
    """Make tokens with which people log in to the page."""


@token.command(short_help="A token for one more person.")
@click.argument("name")
@click.option("--may", required=True, type=click.Choice(["look", "act"]), help="See the page, or also hold and cancel.")
@click.option(
    "--file",
    "file",
    default="senders.json",
    show_default=True,
    metavar="PATH",
    help="The senders' file (VMDRIFT_TOKENS_FILE), made if there is none.",
)
def new(*, name: str, may: str, file: str) -> None:
    """Add NAME to the senders' file, and print the token. It may post no events.

    Exit codes: 0 it is added, 1 there is an entry of that name, 2 the file cannot be read or written.
    """
    from vmdrift.tokens import new as make  # noqa: PLC0415 - see the docstring of vmdrift.cli

    sys.exit(make(name, may, file))
