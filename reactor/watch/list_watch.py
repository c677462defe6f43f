"""List-and-watch that never gives up: 410 lists again, silence and errors connect again with back-off and jitter."""

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

import structlog

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.errors import ClusterError, Expired
from reactor.model.objects import JsonObject

log = structlog.get_logger()

SILENCE = (
    150.0  # seconds without a word after which a watch is dead; the API server sends a bookmark about once a minute
)
_LEAST, _MOST = 0.2, 30.0  # seconds between two tries
_DOUBLED = 16  # times at the most: after a thousand, which is a night without an API server, it would be no float
_PAGE = 250  # objects; what a page takes stays with the process, and of 500 Nodes that is 14 MB more
LISTED, BOOKMARK = "LISTED", "BOOKMARK"  # beside the API's ADDED, MODIFIED, DELETED

_Seen = TypeVar("_Seen")


def follow(
    cluster: Cluster,
    resource: str,
    parse: Callable[[JsonObject], _Seen],
    silence: float,
    pause: Callable[[float], None],
) -> Iterator[tuple[str, list[_Seen]]]:
    """What there is and what becomes of it, for ever: (LISTED, all) first and after each gap, then (ADDED, [one])...

    (BOOKMARK, []) says no more than that the API server is there; it does so about once a minute.

    `silence` in seconds: a watch that says nothing for so long is dead. `pause` waits so many seconds.
    """
    version, tries, trouble = "", 0, ""
    while True:
        try:
            if not version:
                seen, version = _listed(cluster, resource, parse)
                yield LISTED, seen
            for kind, obj in cluster.watch(resource, version, silence):
                version, tries, trouble = obj["metadata"]["resourceVersion"], 0, _over(trouble)
                yield kind, [] if kind == BOOKMARK else [parse(obj)]
        except Expired:
            version = ""
        except ClusterError as error:
            trouble = _told(trouble, error)
        pause(_delay(tries))
        tries += 1


def _listed(cluster: Cluster, resource: str, parse: Callable[[JsonObject], _Seen]) -> tuple[list[_Seen], str]:
    """Parsed page by page: five thousand raw Nodes at once would be 75 MB."""
    seen: list[_Seen] = []
    version = ""
    for page in cluster.pages(resource, limit=_PAGE):
        seen += map(parse, page.items)
        version = page.version
    return seen, version


def _delay(tries: int) -> float:
    """Exponential with full jitter, so that watchers do not come back to a restarted API server all at once."""
    longest = min(_MOST, _LEAST * 2 ** min(tries + 1, _DOUBLED))
    return random.uniform(_LEAST, longest)  # noqa: S311 - jitter is no secret


def _told(trouble: str, error: ClusterError) -> str:
    """Say it once per change, not once per try."""
    if str(error) != trouble:
        log.warning("watch interrupted, trying again", why=str(error))
    return str(error)


def _over(trouble: str) -> str:
    if trouble:
        log.info("watch resumed")
    return ""
