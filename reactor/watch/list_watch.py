"""List-and-watch that never gives up: 410 lists again, silence and errors connect again with back-off and jitter."""

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

import structlog

from reactor.adapters.kubernetes.cluster import ALL, Scope, Watchable
from reactor.model.errors import ClusterError, Expired
from reactor.model.objects import JsonObject

log = structlog.get_logger()

SILENCE = 150.0  # seconds without an event until a watch is dead; the API server sends bookmarks, about one a minute
_MIN_DELAY, _MAX_DELAY = 0.2, 30.0  # seconds between two tries
_MAX_DOUBLINGS = 16  # after a thousand, which is a night without an API server, the delay would be no float
_PAGE_SIZE = 250  # objects; the process keeps the memory that a page takes, and for 500 Nodes that is 14 MB more
LISTED, BOOKMARK = "LISTED", "BOOKMARK"  # beside the API's ADDED, MODIFIED, DELETED

_Parsed = TypeVar("_Parsed")


def follow(  # noqa: PLR0913 - the last two are named
    cluster: Watchable,
    resource: str,
    parse: Callable[[JsonObject], _Parsed],
    silence: float,
    pause: Callable[[float], None],
    *,
    scope: Scope = ALL,
    broke: Callable[[], None] = lambda: None,
) -> Iterator[tuple[str, list[_Parsed]]]:
    """The objects and their changes, for ever: (LISTED, all) first and after each gap, then (ADDED, [one])...

    (BOOKMARK, []): all that had arrived was yielded. It comes after each burst of changes, else once a minute or so.

    `silence` in seconds: a watch without an event for so long is dead. `pause` waits so many seconds. `broke` is called
    at each error, also at one after which nothing is listed again because nothing was missed.
    """
    version, tries, trouble = "", 0, ""
    while True:
        try:
            if not version:
                parsed, version = _listed(cluster, resource, parse, scope)
                yield LISTED, parsed
            for kind, obj in cluster.watch(resource, version, silence, scope):
                version, tries, trouble = obj["metadata"]["resourceVersion"], 0, _log_resumed(trouble, resource)
                yield kind, [] if kind == BOOKMARK else [parse(obj)]
        except Expired:
            version = ""
        except ClusterError as error:
            trouble = _log_interrupted(trouble, error, resource)
            broke()
        pause(_delay(tries))
        tries += 1


def _listed(
    cluster: Watchable, resource: str, parse: Callable[[JsonObject], _Parsed], scope: Scope
) -> tuple[list[_Parsed], str]:
    """Parsed page by page: five thousand raw Nodes at once would be 75 MB."""
    parsed: list[_Parsed] = []
    version = ""
    for page in cluster.scoped(resource, scope, _PAGE_SIZE):
        parsed += map(parse, page.items)
        version = page.version
    return parsed, version


def _delay(tries: int) -> float:
    """Exponential with full jitter, so that watchers do not come back to a restarted API server all at once."""
    longest = min(_MAX_DELAY, _MIN_DELAY * 2 ** min(tries + 1, _MAX_DOUBLINGS))
    return random.uniform(_MIN_DELAY, longest)  # noqa: S311 - jitter is no secret


def _log_interrupted(trouble: str, error: ClusterError, resource: str) -> str:
    """Log it once per change, not once per try."""
    if str(error) != trouble:
        log.warning("watch interrupted, trying again", resource=resource, why=str(error))
    return str(error)


def _log_resumed(trouble: str, resource: str) -> str:
    if trouble:
        log.info("watch resumed", resource=resource)
    return ""
