"""A name of 0.1.0, for kept tests that import it. It is in `tests.support.virtual` (docs/renames.md)."""

import sys

from tests.support import virtual

sys.modules[__name__] = virtual
