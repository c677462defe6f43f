"""A name of 0.1.0, for scripts that import it; gone with 0.3. It is `workers.observe.volumes` (docs/renames.md)."""

import sys

from workers.observe import volumes

sys.modules[__name__] = volumes
