"""What browsers are told with every answer, and which of their requests are no one's on this page."""

import re
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, Response, request

from reactor.web.problem import Problem

log = structlog.get_logger()

SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
# Segments of what a URL consists of; with a backslash, a tab or an empty one a browser may leave for another host.
_PATH = re.compile(r"/(?:[\w.~:@!$&'()*+,;=%?-]+/)*[\w.~:@!$&'()*+,;=%?-]*", re.ASCII)


def guarded(app: Flask) -> None:
    """Every answer bears the headers, whatever it is; what acts is refused where another site sent it."""
    app.before_request(_at_home)
    app.after_request(_headed)


def _headed(answer: Response) -> Response:
    for name, value in SAFE.items():
        answer.headers.setdefault(name, value)  # static files say themselves how long they are good
    return answer


def _at_home() -> None:
    if request.method not in _READS and is_foreign(request):
        log.warning("cross-site request refused", origin=request.headers.get("Origin", "")[:100])
        raise Problem(403, "Another site sent this. Nothing was done; do it on this page itself.")


def is_foreign(asked: Request) -> bool:
    """Did a browser send it for another site? By what the browser says of it, else by the origin that it names.

    Without both it is a program, or a browser of before 2020; a form then still needs its CSRF token, and an event a
    content type that no browser sends across sites unasked.
    """
    if site := asked.headers.get("Sec-Fetch-Site"):
        return site not in {"same-origin", "none"}
    origin = asked.headers.get("Origin")
    return origin is not None and _host(origin) != asked.host.lower()


def _host(origin: str) -> str:
    try:
        return urlsplit(origin.lower()).netloc
    except ValueError:
        return ""


def inside(target: str) -> str:
    """Only paths of our own; whatever leads elsewhere, as browsers read it, leads to the start."""
    return target if _PATH.fullmatch(target) else "/"
