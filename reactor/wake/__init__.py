"""While an outage is open: watches of metadata that wake its drifts. A watch wakes and never answers.

`look_at` is how anybody wakes a drift to which something has happened. `rules` says what that is, `scopes` what is
watched for it; both are pure. `waker` keeps track of drifts and objects, `watches` reads the streams. One process at a
time does it, in a thread of the watcher's; where none does, drifts are looked at in their intervals.
"""

from collections.abc import Collection

from reactor.adapters.redis.coverage import Coverage
from reactor.adapters.rq import Queue, drift_entry
from reactor.model.identity import Drift


def look_at(drifts: Collection[Drift], coverage: Coverage, queue: Queue, due: float) -> None:
    """Something has just happened to these drifts: have each looked at, at `due`. Raises StoreError.

    Written down first: if this process dies now, they are looked at in their interval.
    """
    if not drifts:
        return
    coverage.stir([drift.id for drift in drifts])
    queue.wake_all([(drift_entry(drift), due) for drift in drifts])
