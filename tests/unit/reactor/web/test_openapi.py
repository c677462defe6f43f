"""The document of the receiver is that of this installation."""

from typing import Any

import pytest

from reactor.settings import Settings
from reactor.web.events.http_binding import LONGEST
from reactor.web.openapi import document


def _labels(found: dict[str, Any]) -> dict[str, Any]:
    alerts: dict[str, Any] = found["components"]["schemas"]["Alerts"]["properties"]["alerts"]["items"]["properties"]
    return dict(alerts["labels"])


@pytest.mark.parametrize("settings", [Settings(tokens_file="/t"), Settings(oidc_issuer="https://a")])
def test_a_token_is_asked_for_only_where_there_are_any(settings: Settings) -> None:
    assert document(settings)["security"] == [{"bearer": []}]
    assert "security" not in document(Settings())


def test_the_label_of_alerts_is_the_one_that_is_set() -> None:
    found = _labels(document(Settings(alert_node_label="instance")))
    assert (found["required"], list(found["properties"])) == (["instance"], ["instance"])
    assert _labels(document(Settings()))["required"] == ["node"]


def test_the_longest_request_is_told() -> None:
    found = document(Settings())["components"]
    assert found["responses"]["413"]["description"] == f"Longer than {LONGEST} bytes."
    assert str(LONGEST) in found["schemas"]["CloudEvent"]["description"]
