"""The fences that were requested: one entry per boot, in the ConfigMap of what is known of nodes' deaths.

They are counted there and not in Redis, so that a lost Redis does not reset the count. An entry is written in the same
step that decides on it, and stays for as long as it counts, whatever happens to its node.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from reactor.model.fencing import key_of
from reactor.model.objects import from_json

_PREFIX = "fenced"  # of a key; key_of puts an underscore after it
_SHORT = 16  # characters of a hash


@dataclass(frozen=True, slots=True)
class FenceRequest:
    """Somebody was asked to fence this boot of a node, `at` (seconds since the epoch)."""

    node: str
    boot: str
    at: float

    @property
    def key(self) -> str:
        """In the ConfigMap; another boot of the same node is another fence."""
        return key_of(_PREFIX, f"{self.node}_{sha256(self.boot.encode()).hexdigest()[:_SHORT]}")

    def as_text(self) -> str:
        """What `of` reads."""
        return json.dumps({"node": self.node, "boot": self.boot, "at": self.at})

    @classmethod
    def of(cls, text: str) -> Self | None:
        """From JSON; None where it cannot be read."""
        try:
            data = from_json(text)
            return cls(str(data["node"]), str(data["boot"]), float(data["at"]))
        except (KeyError, TypeError, ValueError):
            return None


def fences(config_map: Mapping[str, Any] | None) -> dict[str, FenceRequest]:
    """All of them by key. One that cannot be read counts as one of an unknown node, for ever: a person has to look."""
    data = (config_map or {}).get("data") or {}
    texts = {key: text for key, text in data.items() if key.startswith(f"{_PREFIX}_")}
    return {key: FenceRequest.of(text) or FenceRequest("unknown", key, float("inf")) for key, text in texts.items()}
