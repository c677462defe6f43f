"""`python -m workers drifts|fencing|intake|outgoing|scheduler`."""

import sys

from reactor import roles
from reactor.process import start
from workers.rq.main import schedule, work_drifts, work_fencing, work_intake, work_outgoing

ROLES = {
    roles.DRIFTS.word: work_drifts,
    roles.FENCING.word: work_fencing,
    roles.INTAKE.word: work_intake,
    roles.OUTGOING.word: work_outgoing,
    roles.SCHEDULER.word: schedule,
}


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    words = [roles.ALIASES.get(word, word) for word in arguments]
    if len(words) != 1 or words[0] not in ROLES:
        sys.stderr.write(f"usage: python -m workers {'|'.join(ROLES)}\n")
        return 2
    return start(f"work {arguments[0]}", ROLES[words[0]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
