"""What `vmdrift doctor --json` found."""

from collections.abc import Mapping
from typing import Any

import orjson

from tests.support.commands import Done


def checks(done: Done) -> dict[tuple[str, str], Mapping[str, Any]]:
    """By check and what it is about."""
    return {(one["check"], one["about"]): one for one in orjson.loads(done.out)["checks"]}
