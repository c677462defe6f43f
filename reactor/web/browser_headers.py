"""Security headers for browsers, in every response, and the refusal of cross-site requests."""

import re
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, Response, request

from reactor.web.problem import Problem

log = structlog.get_logger()

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers without support for frame-ancestors
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Segments of URL characters; with a backslash, a tab or an empty segment a browser may go to another host.
_PATH = re.compile(r"/(?:[\w.~:@!$&'()*+,;=%?-]+/)*[\w.~:@!$&'()*+,;=%?-]*", re.ASCII)


def protect(app: Flask) -> None:
    """Add the headers to every response; refuse a request from another site unless it only reads."""
    app.before_request(_refuse_cross_site)
    app.after_request(_add_headers)


def _add_headers(answer: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        answer.headers.setdefault(name, value)  # static files set their own Cache-Control
    return answer


def _refuse_cross_site() -> None:
    if request.method not in _SAFE_METHODS and is_foreign(request):
        log.warning("cross-site request refused", origin=request.headers.get("Origin", "")[:100])
        raise Problem(403, "This request came from another site, so nothing was done. Repeat it on this page itself.")


def is_foreign(incoming: Request) -> bool:
    """Did a browser send it for another site? By Sec-Fetch-Site, else by Origin.

    Without both it is a program, or a browser of before 2020; a form then still needs its CSRF token, and an event a
    content type that no browser sends across sites unasked.
    """
    if site := incoming.headers.get("Sec-Fetch-Site"):
        return site not in {"same-origin", "none"}
    origin = incoming.headers.get("Origin")
    return origin is not None and _host(origin) != incoming.host.lower()


def _host(origin: str) -> str:
    try:
        return urlsplit(origin.lower()).netloc
    except ValueError:
        return ""


def local_path(target: str) -> str:
    """The path if it stays on this site; "/" for whatever leads elsewhere, as browsers read it."""
    return target if _PATH.fullmatch(target) else "/"
