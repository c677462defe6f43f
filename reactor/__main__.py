"""`python -m reactor watch|serve [--insecure-no-auth]`."""

import os
import sys

from reactor import roles
from reactor.process import start
from reactor.settings import Settings
from reactor.watch.main import watch


def _serve(settings: Settings) -> None:
    from reactor.web.serve import serve  # noqa: PLC0415 - the watcher stays light without Flask and its server

    serve(settings)


ROLES = {roles.WATCHER.word: watch, roles.RECEIVER.word: _serve}
_NO_AUTH = "--insecure-no-auth"


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if arguments[:1] == [roles.RECEIVER.word] and arguments[1:] == [_NO_AUTH]:
        os.environ["VMDRIFT_INSECURE_NO_AUTH"] = "true"  # the server's processes read it, too
        arguments = arguments[:1]
    if len(arguments) != 1 or arguments[0] not in ROLES:
        sys.stderr.write(f"usage: python -m reactor {'|'.join(ROLES)} [{_NO_AUTH}]\n")
        return 2
    return start(arguments[0], ROLES[arguments[0]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
