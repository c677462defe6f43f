"""`kubectl_complete-vmdrift`: what kubectl runs at Tab after `kubectl vmdrift`, with the words typed so far.

It prints a candidate a line, each perhaps with a tab and what it is, and at the end a colon and a number: how the shell
goes on from there, as the library cobra numbers it.
"""

import sys
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem, ShellComplete

from reactor.model.printable import harmless

_FILES, _NO_FILES, _FOLDERS = 0, 4, 16


def complete(main: click.Command, words: Sequence[str]) -> str:
    """What is printed; `words`: all after `kubectl vmdrift`, the last of which is not finished."""
    *args, incomplete = words or [""]
    items = ShellComplete(main, {}, "kubectl vmdrift", "").get_completions(args, incomplete)
    lines = [_line(item) for item in items if item.type == "plain"]
    return "\n".join([*lines, f":{_directive(items)}"]) + "\n"


def _line(item: CompletionItem) -> str:
    about = f"\t{harmless(item.help)}" if item.help else ""
    return f"{harmless(str(item.value))}{about}"


def _directive(items: Sequence[CompletionItem]) -> int:
    kinds = {item.type for item in items}
    return _FILES if "file" in kinds else _FOLDERS if "dir" in kinds else _NO_FILES


def main() -> None:
    """The executable."""
    from vmdrift.cli import main as command_line  # noqa: PLC0415 - it adds this module's neighbours

    sys.stdout.write(complete(command_line, sys.argv[1:]))
