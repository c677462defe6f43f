"""The table of CloudEvents' conformance suite as requests, in each of the three modes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import yaml

BATCH, STRUCTURED = "application/cloudevents-batch+json", "application/cloudevents+json"
_TABLE: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("http_binding.yaml").read_text())


@dataclass(frozen=True)
class Sent:
    """A request: its Content-Type, "" for none, its other headers, its body."""

    kind: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Case:
    """One event of the suite and how it is sent. `data`: bytes are sent as they are."""

    name: str
    mode: str
    content_type: str
    attributes: Mapping[str, str]
    data: Any

    def sent(self) -> Sent:
        """As the suite's sender puts it."""
        if self.mode == "binary":
            body = self.data if isinstance(self.data, bytes) else orjson.dumps(self.data, option=orjson.OPT_INDENT_2)
            headers = {f"ce-{name}": quote(value, safe=_PLAIN) for name, value in self.attributes.items()}
            return Sent(self.content_type, headers, body)
        event = self.event()
        return Sent(self.content_type, {}, orjson.dumps([event] if self.content_type == BATCH else event))

    def event(self) -> dict[str, Any]:
        """In the JSON format."""
        data = self.data.decode() if isinstance(self.data, bytes) else self.data
        return {**self.attributes, "data": data}

    def with_type(self, kind: str, **more: str) -> "Case":
        """The same event as one that the receiver has a use for."""
        return replace(self, attributes={**self.attributes, "type": kind, **more})


# The suite leaves double quotes as they are.
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


def scenarios() -> Iterator[Case]:
    """Each scenario with each of its content types."""
    for row in _TABLE["scenarios"]:
        for kind in row["content_types"]:
            name = f"{row['from']}: {row['scenario']} ({kind or 'none'})"
            yield Case(name, row["mode"], kind, row["attributes"], row["data"])


def minimum() -> Iterator[Case]:
    """The smallest events, binary and structured."""
    for row in _TABLE["minimum"]["events"]:
        attributes = {**_TABLE["minimum"]["attributes"], "id": row["id"]}
        data = row["json"] if "json" in row else row["text"].encode()
        name = f"yaml/v1.0/v1_minimum.yaml: {row['id']}"
        yield Case(f"{name} binary", "binary", row["content_type"], attributes, data)
        described = {**attributes, "datacontenttype": row["content_type"]}
        yield Case(f"{name} structured", "structured", STRUCTURED, described, data)


def batched() -> Iterator[Case]:
    """The suite has no batch; the specification does: each structured event again, as a batch of one."""
    for case in (*scenarios(), *minimum()):
        if case.mode == "structured":
            yield replace(case, name=f"{case.name} in a batch", content_type=BATCH)


def every() -> tuple[Case, ...]:
    """All of them."""
    return (*scenarios(), *minimum(), *batched())
