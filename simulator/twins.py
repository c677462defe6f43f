"""Names of 0.1.0, for kept tests that import them; gone with 0.3. Now `rehearsal.twins` (docs/renames.md)."""

import sys

from rehearsal.twins import bmc, cluster, inbox, outbox, queue, store

_OLD = {"bmc": bmc, "cluster": cluster, "inbox": inbox, "outbox": outbox, "queue": queue, "store": store}
sys.modules.update({f"{__name__}.{name}": module for name, module in _OLD.items()})
