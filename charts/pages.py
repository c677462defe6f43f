"""`values.yaml`, and the table in the chart's README, of the schema."""

import json
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from charts.schemas import Schema
from charts.template import dumped

BEGIN, END = "<!-- values -->\n", "<!-- /values -->\n"


def defaults(schema: Schema) -> Any:
    """What holds where nobody chooses anything."""
    if "default" in schema:
        return schema["default"]
    return {name: defaults(inner) for name, inner in schema["properties"].items()}


def values_file(schema: Schema) -> str:
    """All defaults, each under its description."""
    head = "# What can be chosen; values.schema.json checks it. Written by `python -m charts`.\n"
    return head + "\n".join(_commented(schema, "")) + "\n"


def _commented(schema: Schema, indent: str) -> Iterator[str]:
    for name, inner in schema["properties"].items():
        if not indent:
            yield ""
        yield from wrap(inner["description"], 110, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
        if "default" in inner:
            yield from (f"{indent}{line}" for line in dumped({name: inner["default"]}).splitlines())
        else:
            yield f"{indent}{name}:"
            yield from _commented(inner, f"{indent}  ")


def with_table(page: str, schema: Schema) -> str:
    """The README as it is, with the table of the values between its marks."""
    before, _, rest = page.partition(BEGIN)
    lines = ["| value | default | |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {_shown(inner['default'])} | {inner['description']} |" for name, inner in _rows(schema)]
    return before + BEGIN + "\n".join(lines) + "\n" + END + rest.partition(END)[2]


def _rows(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    for name, inner in schema["properties"].items():
        if "default" in inner:
            yield f"{path}{name}", inner
        else:
            yield from _rows(inner, f"{path}{name}.")


def _shown(default: Any) -> str:
    return f"`{json.dumps(default)}`" if default != "" else ""
