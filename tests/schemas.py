"""What is published of our events' data, and whether an event keeps to it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "events" / "drift.json").read_text())
Draft202012Validator.check_schema(_SCHEMA)
_VALIDATOR = Draft202012Validator(_SCHEMA)


def check(event: Mapping[str, Any]) -> None:
    """AssertionError, or jsonschema's ValidationError, where an outgoing event is not as it is published."""
    assert event["dataschema"] == _SCHEMA["$id"]
    assert event["subject"] == event["data"]["vm"]
    _VALIDATOR.validate(event["data"])
