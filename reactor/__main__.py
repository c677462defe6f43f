"""`python -m reactor watch`."""

import sys

from reactor.process import start
from reactor.watch.role import watch

ROLES = {"watch": watch}


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if len(arguments) != 1 or arguments[0] not in ROLES:
        sys.stderr.write(f"usage: python -m reactor {'|'.join(ROLES)}\n")
        return 2
    return start(arguments[0], ROLES[arguments[0]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
