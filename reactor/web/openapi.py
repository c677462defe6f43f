"""The receiver's API as OpenAPI 3.1: `openapi.yaml`, adapted to this installation's settings."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from reactor.settings import Settings


@lru_cache(maxsize=1)  # to parse it takes longer than to answer any other request
def document(settings: Settings) -> dict[str, Any]:
    """The whole document."""
    spec: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("openapi.yaml").read_text())
    if not (settings.tokens_file or settings.oidc_issuer):
        del spec["security"]  # no authentication
    labels = spec["components"]["schemas"]["Alerts"]["properties"]["alerts"]["items"]["properties"]["labels"]
    labels["required"] = [settings.alert_node_label]
    labels["properties"] = {settings.alert_node_label: labels["properties"]["node"]}
    return spec
