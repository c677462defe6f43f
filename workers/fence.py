"""Names of 0.1.0, for scripts that import them; gone with 0.3. Now `workers.fencing.providers` (docs/renames.md)."""

import sys

from workers.fencing.providers import network_fence, redfish, remediation

_OLD = {"network_fence": network_fence, "redfish": redfish, "remediation": remediation}
sys.modules.update({f"{__name__}.{name}": module for name, module in _OLD.items()})
