"""Findings about the fence drill. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from reactor.model.fence_drill import FenceDrill, not_fenceable
from reactor.settings import Settings
from vmdrift.doctor.facts import Unreadable
from vmdrift.doctor.finding import Finding, failed, ok, unknown, warning

_CHECK = "fence drill"


def drill_findings(drills: Sequence[FenceDrill] | Unreadable | None, settings: Settings) -> Iterator[Finding]:
    """What failed, by node; what passed, by provider. A node that another provider can fence is a warning."""
    if drills is None:
        return
    if isinstance(drills, Unreadable):
        yield unknown(_CHECK, drills, "Fix what is reported above.")
        return
    if not settings.fencing:
        yield warning(_CHECK, "Nothing to try: VMDRIFT_FENCING names no provider.", "See docs/fencing.md.")
    lost_hope = not_fenceable(drills)
    for drill in (drill for drill in drills if not drill.passed):
        finding = failed if drill.node in lost_hope else warning
        yield finding(_CHECK, drill.sentence, drill.fix or _SAID, f"{drill.node}: {drill.provider}")
    passed, tried = (Counter(d.provider for d in drills if d.passed or every) for every in (False, True))
    for provider, number in passed.items():
        yield ok(_CHECK, f"{number} of {tried[provider]} healthy nodes passed.", provider)


_SAID = "See above, and docs/fencing.md."
