"""`vmdrift token new`: the first login."""

import sys

import click

from vmdrift.cli.arguments import checked, person
from vmdrift.output import output


@click.command(short_help="Make a token for somebody to log in to the page with.")
@click.argument("action", type=click.Choice(["new"]), metavar="new")
@click.argument("name", metavar="NAME", callback=checked(person))
@click.option("--may", "page", type=click.Choice(["look", "act"]), required=True, help="See the page, or also act.")
@click.option("--confirm-off", "confirms", is_flag=True, help="Also confirm on the page that a node is off: proof.")
@click.option("--file", "file", metavar="FILE", default="", help="Where it is stored; else VMDRIFT_TOKENS_FILE.")
@output
def token(  # noqa: PLR0913 - an option each
    *, action: str, name: str, page: str, confirms: bool, file: str, as_json: bool
) -> None:
    """Make a token with which NAME logs in to the page, store it in FILE, and show it once.

    FILE is made if it is not there; in the cluster it is the Secret senders (docs/operations.md, Install).

    Exit codes: 0 it is made, 1 NAME is in the file already, 2 the file cannot be read or written.
    """
    from vmdrift import token_file  # noqa: PLC0415 - see vmdrift.cli

    del action  # there is no other one yet
    if confirms and page != "act":
        raise click.UsageError("--confirm-off needs --may act")
    sys.exit(token_file.new(name, page, file, confirms=confirms, as_json=as_json))
