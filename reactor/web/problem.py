"""What is wrong with a request, as people and programs read it: RFC 9457, `application/problem+json`."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

CONTENT_TYPE = "application/problem+json"
_LONGEST = 60  # characters that are shown of a value
_UNAUTHORIZED = 401

_TITLES = {
    400: "Malformed event",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    413: "Request too large",
    415: "Unsupported content type",
    422: "Event cannot be processed",
    429: "Too many events",
    500: "Internal error",
    503: "Temporarily unavailable",
}


class Problem(Exception):
    """One refusal. `attribute` is what it is about ("" where that is the request), `found` is shown shortened.

    `index`: which event of a batch, from 0. `retry_after`: seconds, for 429 and 503.
    """

    def __init__(  # noqa: PLR0913 - all but two are named, and say what they are
        self,
        status: int,
        detail: str,
        *,
        attribute: str = "",
        found: object = None,
        expected: str = "",
        index: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.attribute, self.expected = status, detail, attribute, expected
        self.found = None if found is None else shortened(found)
        self.index, self.retry_after = index, retry_after

    @property
    def title(self) -> str:
        """What kind of refusal it is."""
        return _TITLES.get(self.status, "Not done")

    @property
    def headers(self) -> dict[str, str]:
        """What a program needs to know besides the body."""
        later = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return {**later, **({"WWW-Authenticate": "Bearer"} if self.status == _UNAUTHORIZED else {})}

    def as_json(self) -> dict[str, Any]:
        """The body. Members that say nothing are left out."""
        members = {"attribute": self.attribute, "found": self.found, "expected": self.expected, "index": self.index}
        present = {name: value for name, value in members.items() if value not in {None, ""}}
        return {"title": self.title, "status": self.status, "detail": self.detail, **present}


class Problems(Problem):
    """A batch of which at least one event is bad: none was accepted. `several`: its problems, with their index."""

    def __init__(self, several: list[Problem]) -> None:
        worst = several[0]
        super().__init__(worst.status, f"{len(several)} events of the batch are invalid, so none was accepted.")
        self.several = several

    def as_json(self) -> dict[str, Any]:
        """Of the batch, with every bad event's own."""
        return {**super().as_json(), "problems": [problem.as_json() for problem in self.several]}


def all_of(items: Iterable[T], take: Callable[[T], R]) -> list[R]:
    """`take` of each item; Problems that name, by index, all items for which it raised Problem."""
    results: list[R] = []
    problems: list[Problem] = []
    for index, item in enumerate(items):
        try:
            results.append(take(item))
        except Problem as problem:
            problem.index = index
            problems.append(problem)
    if problems:
        raise Problems(problems)
    return results


def shortened(value: object) -> str:
    """An untrusted value, shortened."""
    text = value if isinstance(value, str) else repr(value)
    text = text[: _LONGEST + 1].encode("utf-8", "replace").decode()  # half a surrogate cannot be sent back
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
