"""What is published of our events' data, and whether an event keeps to it."""

import json
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.places import DOCS

_FILES = (DOCS / "events").glob("*.json")
_SCHEMAS = {schema["$id"]: schema for schema in (json.loads(file.read_text()) for file in _FILES)}
for _schema in _SCHEMAS.values():
    Draft202012Validator.check_schema(_schema)


def check(event: Mapping[str, Any]) -> None:
    """AssertionError, or jsonschema's ValidationError, where an outgoing event is not as it is published."""
    schema = _SCHEMAS[event["dataschema"]]
    about = next((name for name in ("vm", "node", "target") if name in schema["properties"]), "")
    named = event["data"][about] if about else "nodes"
    assert event["subject"] == (named.partition("/")[2] or named if about == "target" else named)
    Draft202012Validator(schema).validate(event["data"])
