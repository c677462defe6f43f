"""A name of 0.1.0, for kept tests that import it. It is in `tests.support.auditor` (docs/renames.md)."""

import sys

from tests.support import auditor

sys.modules[__name__] = auditor
