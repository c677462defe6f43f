"""`python -m workers drifts|events|fencing|outgoing|scheduler`."""

import sys

from reactor.process import start
from workers.role import schedule, work_drifts, work_events, work_fencing, work_outgoing

ROLES = {
    "drifts": work_drifts,
    "events": work_events,
    "fencing": work_fencing,
    "outgoing": work_outgoing,
    "scheduler": schedule,
}


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if len(arguments) != 1 or arguments[0] not in ROLES:
        sys.stderr.write(f"usage: python -m workers {'|'.join(ROLES)}\n")
        return 2
    return start(f"work {arguments[0]}", ROLES[arguments[0]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
