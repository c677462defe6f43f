"""What the receiver offers, as OpenAPI 3.1. What is accepted keeps to it; docs/cloudevents.md asks for more."""

from typing import Any

from reactor.settings import Settings
from reactor.web.problem import CONTENT_TYPE
from reactor.web.reading import LONGEST

_JSON = "application/json"
_TEXT = {"type": "string"}
_WORD = {"type": "string", "minLength": 1}
_SHORT = {**_WORD, "maxLength": 256}
_TEXTS = {"type": "array", "items": _TEXT}
_ALL = (400, 401, 403, 405, 408, 413, 415, 422, 429, 503)
_REFUSED = {
    400: "Malformed: the body names the attribute, what was found and what is expected.",
    401: "Nobody here knows this token.",
    403: "This sender, or this origin, may not.",
    404: "There is no such thing (any more).",
    405: "This method does nothing here; Allow names those that do.",
    408: "The body was not there in time.",
    413: f"Longer than {LONGEST} bytes.",
    415: "No CloudEvent, or in a format or charset that is not read here.",
    422: "Well-formed, and of no use: a subject that names no node or VM.",
    429: "Too many; Retry-After says when to come again.",
    503: "Redis is away, and nothing was accepted; Retry-After says when to come again.",
}


def document(settings: Settings) -> dict[str, Any]:
    """The whole document."""
    guarded: dict[str, Any] = {"security": [{"bearer": []}]} if settings.tokens_file else {}
    events = _post("Events to be taken in: all of them, or none", _events_body(), _ce_headers(), guarded)
    alerts = _post("Alertmanager's webhook", {_JSON: _of("Alerts")}, [], guarded)
    return {
        "openapi": "3.1.0",
        "info": {"title": "vm-drift", "version": "1", "description": "Events of other systems, taken in as hints."},
        "paths": {
            "/": {**events, "get": _page()},
            "/events": events,
            "/alertmanager": alerts,
            "/events/{receipt}": {"get": {**_status(), **guarded}},
            "/healthz": {"get": _get("The process lives.", _JSON, {"type": "object"})},
            "/readyz": {"get": _get("Events would be accepted.", _JSON, {"type": "object"}, 503)},
            "/metrics": {"get": _get("Figures for Prometheus.", "text/plain", _TEXT, 503)},
            "/openapi.json": {"get": _get("This.", _JSON, {"type": "object"})},
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(settings),
        },
    }


def _post(what: str, content: Any, parameters: list[Any], guarded: Any) -> dict[str, Any]:
    """Posting, and the Web Hook specification's handshake before it."""
    post = {
        "summary": what,
        "parameters": parameters,
        "requestBody": {"content": content},
        "responses": {
            "202": _answer("Accepted, and safe in Redis; not yet looked at.", "Accepted"),
            **_refusals(*_ALL),
        },
        **guarded,
    }
    origin = {"name": "WebHook-Request-Origin", "in": "header", "schema": _TEXT}
    options = {
        "summary": "May this origin deliver here? (CloudEvents Web Hooks 1.0.2)",
        "parameters": [origin],
        "responses": {"204": {"description": "WebHook-Allowed-Origin says so."}, **_refusals(403)},
    }
    return {"post": post, "options": options}


def _events_body() -> dict[str, Any]:
    batch = {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/CloudEvent"}}}
    return {
        "application/cloudevents+json": _of("CloudEvent"),
        "application/cloudevents-batch+json": batch,
        _JSON: {"schema": {}},  # the data of binary mode, whose attributes are the headers
    }


def _ce_headers() -> list[dict[str, Any]]:
    names = ("specversion", "id", "source", "type", "subject", "time")
    return [{"name": f"ce-{name}", "in": "header", "schema": _TEXT, "description": "In binary mode."} for name in names]


def _status() -> dict[str, Any]:
    return {
        "summary": "What became of an event",
        "parameters": [{"name": "receipt", "in": "path", "required": True, "schema": _TEXT}],
        "responses": {"200": _answer("As far as it is known.", "Receipt"), **_refusals(401, 403, 404, 503)},
    }


def _page() -> dict[str, Any]:
    page = _get("The page, for browsers (docs/page.md).", "text/html", _TEXT, 401, 403, 503)
    return {"responses": {**page["responses"], "302": {"description": "A browser is led to /login."}}}


def _get(what: str, kind: str, schema: Any, *refusals: int) -> dict[str, Any]:
    return {"responses": {"200": {"description": what, "content": {kind: {"schema": schema}}}, **_refusals(*refusals)}}


def _refusals(*codes: int) -> dict[str, Any]:
    return {str(code): {"description": _REFUSED[code], "content": {CONTENT_TYPE: _of("Problem")}} for code in codes}


def _answer(what: str, schema: str) -> dict[str, Any]:
    return {"description": what, "content": {_JSON: _of(schema)}}


def _of(schema: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{schema}"}}


def _schemas(settings: Settings) -> dict[str, Any]:
    return {
        "CloudEvent": _event(f"CloudEvents 1.0; the request has {LONGEST} bytes at the most."),
        "Alerts": _alerts(settings.alert_node_label),
        "Accepted": _object({"events": {"type": "array", "items": _one()}, "ignored": _TEXTS}),
        "Receipt": _receipt(),
        "Problem": _problem(),
    }


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _event(what: str) -> dict[str, Any]:
    required = {"specversion": {"const": "1.0"}, "id": _SHORT, "source": _SHORT, "type": _WORD}
    text = {"type": ["string", "null"]}
    optional = dict.fromkeys(("subject", "time", "dataschema", "datacontenttype"), text)
    return {
        **_object(required, **optional, data={}, data_base64=text),
        "additionalProperties": {"type": ["string", "integer", "boolean", "null"]},
        "description": what,
    }


def _alerts(label: str) -> dict[str, Any]:
    labels = {**_object({label: _WORD}), "additionalProperties": _TEXT}
    status = {"enum": ["firing", "resolved"]}
    alert = _object({"status": status, "labels": labels, "startsAt": _WORD, "fingerprint": _WORD})
    return _object({"version": {"const": "4"}, "alerts": {"type": "array", "items": alert}})


def _one() -> dict[str, Any]:
    result = {"enum": ["accepted", "duplicate"]}
    return _object({"result": result, "source": _TEXT, "id": _TEXT, "receipt": _TEXT, "status": _TEXT})


def _receipt() -> dict[str, Any]:
    outcome = {"enum": ["taken", "nothing"]}
    found = _object({"outcome": outcome, "reason": _TEXT, "sentence": _TEXT, "outage": _TEXT, "drifts": _TEXTS})
    texts = dict.fromkeys(("status", "source", "event", "type", "subject", "sender"), _TEXT)
    state = {"enum": ["queued", "done"]}
    return _object(
        {
            "state": state,
            **texts,
            "at": {"type": "number"},
            "data": {"type": "object"},
            "result": {"anyOf": [found, {"type": "null"}]},
        }
    )


def _problem() -> dict[str, Any]:
    required = {"title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}
    optional = dict.fromkeys(("attribute", "found", "expected"), _TEXT)
    problems = {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}}
    return _object(required, **optional, index={"type": "integer"}, problems=problems)
