"""Pieces of a JSON Schema (draft 7, which every Helm knows): each with its default and a description."""

from typing import Any

Schema = dict[str, Any]


def text(default: str, description: str, **more: Any) -> Schema:
    """A string."""
    return {"type": "string", "default": default, "description": description, **more}


def switch(description: str, *, default: bool = False) -> Schema:
    """True or false."""
    return {"type": "boolean", "default": default, "description": description}


def number(default: int, description: str) -> Schema:
    """A whole number, one at least."""
    return {"type": "integer", "default": default, "description": description, "minimum": 1}


def array(default: list[Any], description: str, items: Schema) -> Schema:
    """A list; `items` says of what."""
    return {"type": "array", "default": default, "description": description, "items": items}


def group(description: str, **properties: Schema) -> Schema:
    """Values that belong together; no other is allowed among them."""
    return {"type": "object", "description": description, "additionalProperties": False, "properties": properties}


def labels(description: str) -> Schema:
    """Texts by any names."""
    inner = {"type": "string"}
    return {"type": "object", "default": {}, "description": description, "additionalProperties": inner}


def networks(description: str) -> Schema:
    """Addresses in CIDR notation."""
    return array([], description, {"type": "string", "pattern": r"^[0-9a-fA-F.:]+/[0-9]+$"})


def image(repository: str, description: str) -> Schema:
    """An image in three parts."""
    return group(
        description,
        repository=text(repository, "Where it is, without tag."),
        tag=text("", "Empty: the chart's appVersion."),
        digest=text("", "Instead of a tag: `sha256:...`.", pattern="^(sha256:[0-9a-f]{64})?$"),
    )


def resources(default: dict[str, Any]) -> Schema:
    """What a container asks for, and what it gets at most."""
    amounts = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
    return {
        "type": "object",
        "default": default,
        "description": "Requests and limits.",
        "additionalProperties": False,
        "properties": {"requests": amounts, "limits": amounts},
    }
