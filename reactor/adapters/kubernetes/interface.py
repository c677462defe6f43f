"""What we ask of an API server, by role; raised errors are the ClusterErrors of `reactor.model.errors`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from reactor.model.objects import JsonObject

PAGE = 500
STREAMED = 0  # instead of a limit: the whole list by one request, where the API server streams lists


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list's items; `version` is the list's resourceVersion, from which a watch can go on. `more`: of them.

    In a streamed list an item can come again, as it is by then, and the last page has the uids of those that are `gone`
    meanwhile; the others have the version "".
    """

    items: list[JsonObject]
    version: str
    more: bool = False
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects of a kind a list or a watch is about: selectors as in kubectl. `metadata`: nothing else is sent."""

    namespace: str = ""
    labels: str = ""
    fields: str = ""
    metadata: bool = False


ALL = Scope()


class Cluster(Protocol):
    """By plural resource name. Every method raises the ClusterErrors of `reactor.model.errors`.

    What is no valid name is never sent: InvalidName, for an object and for a namespace that is not "".
    """

    def find(self, resource: str, name: str, namespace: str = "") -> JsonObject | None:
        """One live object, or None when there is none of that name."""

    def pages(
        self, resource: str, *, namespace: str = "", labels: str = "", fields: str = "", limit: int = PAGE
    ) -> Iterator[Page]:
        """A list, page by page; the next page is requested only when it is needed. `limit`: items, or STREAMED."""

    def delete(  # noqa: PLR0913 - what it destroys, and the preconditions, each by its name
        self, resource: str, name: str, namespace: str = "", *, uid: str, grace: int | None = None, version: str = ""
    ) -> None:
        """Delete the object of this name *and uid*; Conflict, and nothing happens, if it is another one.

        With a `version`, its resourceVersion as it was read, Conflict also if anybody has changed it since.
        """

    def time(self) -> float | None:
        """The API server's clock at its last response, in whole seconds since the epoch; None if it sent none."""


class Watchable(Protocol):
    """What list-and-watch needs; raises as the Cluster does."""

    def scoped(self, resource: str, scope: Scope, limit: int) -> Iterator[Page]:
        """As the Cluster's `pages`."""

    def watch(
        self, resource: str, version: str, silence: float, scope: Scope = ALL
    ) -> Iterator[tuple[str, JsonObject]]:
        """What changes after `version`: (ADDED | MODIFIED | DELETED | BOOKMARK, object).

        A BOOKMARK has only a resourceVersion, and comes whenever all that has arrived was yielded. Ends when the server
        ends it. Raises Expired when `version` is too old, and ClusterUnreachable after `silence` seconds without data.
        """


class ConfigMapWriter(Protocol):
    """Sets keys of ConfigMaps; raises as the Cluster does."""

    def note(self, name: str, namespace: str, data: Mapping[str, str | None]) -> None:
        """Set these keys of a ConfigMap, or remove those that are None. It is created if there is none."""

    def rehearse(self, name: str, namespace: str) -> None:
        """As `note` without any key, but nothing is changed or created: it raises what `note` would raise."""


class Writer(Protocol):
    """What fencing changes; raises as the Cluster does."""

    def create(self, resource: str, obj: JsonObject, namespace: str = "") -> None:
        """Create it; Conflict, and nothing happens, if there is one of that name."""

    def change(self, resource: str, read: JsonObject, patch: JsonObject) -> None:
        """Merge this (RFC 7396) into an object as it was `read`.

        Conflict, and nothing happens, if it was changed since or is another one by now.
        """

    def rehearse_change(self, resource: str, read: JsonObject, patch: JsonObject) -> None:
        """As `change`, but nothing is changed: it raises what `change` would raise."""


class EventWriter(Protocol):
    """Creates Kubernetes Events; raises as the Cluster does."""

    def announce(self, event: JsonObject) -> None:
        """Create this core/v1 Event; an existing one of its name is counted up instead, and gets this one's message."""


class Survey(Protocol):
    """What the API server serves, and what we may do; raises as the Cluster does. By plural resource name."""

    def serves(self, resource: str) -> bool:
        """Is this kind installed? Every authenticated user may ask."""

    def version(self) -> str:
        """The API server's own, such as v1.36.2 with what its vendor adds. Every authenticated user may ask."""

    def may(self, verb: str, resource: str, namespace: str = "", name: str = "") -> bool:
        """Are we allowed to? Without a namespace: in all of them; without a name: of all objects."""

    def rehearse_delete(self, resource: str, read: JsonObject, grace: int | None = None) -> None:
        """As the Cluster's `delete` of what was `read`, but nothing is deleted: it raises what that would raise."""
