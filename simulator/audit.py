"""What is asked of the API, and the record of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """Who wants what of which object. `uid` and `grace` (seconds) are a deletion's precondition and grace period.

    `node`: the one that the user's token is bound to. `dry`: nothing is to be stored. `labels` and `fields`: the
    selectors of a list or a watch.
    """

    user: str
    verb: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    uid: str | None = None
    grace: int | None = None
    node: str = ""
    dry: bool = False
    labels: str = ""
    fields: str = ""


@dataclass(frozen=True)
class AuditEntry:
    """One request and how it ended. `time` in seconds since the epoch; `code` is the HTTP status."""

    time: float
    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    uid_precondition: str | None
    grace_period: int | None
    code: int
    labels: str = ""
    fields: str = ""


def entry(time: float, request: Request, name: str, code: int) -> AuditEntry:
    """The record of a request; `name` is the object's, also where the server chose it."""
    return AuditEntry(
        time,
        request.user,
        request.verb,
        request.resource,
        request.subresource,
        request.namespace,
        name,
        request.uid,
        request.grace,
        code,
        request.labels,
        request.fields,
    )
