"""What may keep a VM down that has to run, as docs/safety.md says it. Ten minutes without any of it are a failure."""

from collections.abc import Mapping

NODES_THAT_MUST_BE_THERE = 3
WINDOWS = 780.0  # seconds
_OFF = 5.0  # seconds that a clock may be off

WITHIN_WINDOWS = "Something happened less than 780 s ago: 50 s to notice, five minutes to evict, six minutes to detach."
CLOCK = "The clock of a machine that runs one of our processes, or Redis, is more than 5 s off."
MANAGER = "No controller manager leads."
LOST = "More than two of the five nodes are lost."
BLOWS = "A worker is about to be killed or stopped, or an API request to be refused."
HELD = "Somebody holds it."
CORDONED = "A node is cordoned."
TAINTED = "A node bears a taint that somebody set."
EDITED = "Its VM object was edited so that it may not move."
EXCUSES = (WITHIN_WINDOWS, CLOCK, MANAGER, LOST, BLOWS, HELD, CORDONED, TAINTED, EDITED)


def excuse(facts: Mapping[str, bool]) -> str:
    """The first that is so, "" where none is."""
    return next((why for why in EXCUSES if facts.get(why)), "")


def off(ahead: float) -> bool:
    """Is a clock so far off that its process judges no silence?"""
    return abs(ahead) > _OFF
