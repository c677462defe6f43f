"""What Alertmanager posts, every field of it.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from typing import Any

ALERT: dict[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "NodeDown", "node": "node-a", "instance": "node-a:9100"},
    "annotations": {"summary": "node-a does not answer"},
    "startsAt": "2026-11-24T02:00:00.123456789+01:00",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
    "fingerprint": "c6d0a1b2e3f40516",
}


def posted(*alerts: Any) -> dict[str, Any]:
    """Version 4, with these alerts."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="NodeDown"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "vm-drift",
        "groupLabels": {"alertname": "NodeDown"},
        "commonLabels": {"alertname": "NodeDown"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
    }
