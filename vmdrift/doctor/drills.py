"""Findings about the fence drill, and about deletions that were rehearsed. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from reactor.model.fence_drill import FenceDrill, not_fenceable
from reactor.settings import Settings
from vmdrift.doctor.facts import Rehearsed, Unreadable
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


def deletion_findings(deletions: Sequence[Rehearsed] | Unreadable | None) -> Iterator[Finding]:
    """Whoever forbids a deletion now forbids it when a VM waits for it, too."""
    if deletions is None:
        return
    if isinstance(deletions, Unreadable):
        yield unknown(_DELETION, deletions, "Fix what is reported above.")
        return
    for one in (one for one in deletions if one.why):
        finding, fix = (failed, _FORBIDDEN) if one.forbidden else (warning, _UNTRIED)
        yield finding(_DELETION, one.why, fix, f"{one.resource} {one.name}")
    passed = Counter(one.resource for one in deletions if not one.why)
    if not deletions:
        yield warning(_DELETION, "Nothing to try: no VM runs.", "Try again once one does.")
    for resource, number in passed.items():
        yield ok(_DELETION, f"{number} may be deleted (checked by a dry run).", resource)


_DELETION = "deletion"
_FORBIDDEN = "Let the account of role drifts delete it: what refuses a dry run refuses a recovery as well."
_UNTRIED = "This says nothing of a real deletion. A webhook without dry runs has no sideEffects: None."
_SAID = "See above, and docs/fencing.md."
