"""Names of 0.1.0, for scripts that import them; gone with 0.3. They are in `reactor.adapters` (docs/renames.md)."""

import sys

from reactor.adapters import rq as queue
from reactor.adapters.kubernetes import cluster, paths
from reactor.adapters.redis import connection as redis
from reactor.adapters.redis import store

vars(cluster)["_path"] = paths.list_path
_OLD = {"cluster": cluster, "queue": queue, "redis": redis, "store": store}
sys.modules.update({f"{__name__}.{name}": module for name, module in _OLD.items()})
