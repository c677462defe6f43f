"""Who the product's processes are to the API server."""

from typing import Final

INTAKE: Final = "system:serviceaccount:vm-drift:intake"
WORKERS: Final = "system:serviceaccount:vm-drift:drifts"
FENCING: Final = "system:serviceaccount:vm-drift:fencing"
WATCHERS: Final = "system:serviceaccount:vm-drift:watcher"
