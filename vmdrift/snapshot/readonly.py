"""A Cluster that is only read."""

from collections.abc import Iterator

from reactor.model.errors import Rejected
from reactor.model.objects import JsonObject


class ReadOnly:
    """The half of a Cluster that changes things or waits for changes, refused."""

    def watch(self, resource: str, version: str, silence: float) -> Iterator[tuple[str, JsonObject]]:  # noqa: ARG002
        """Nothing changes here."""
        raise Rejected("a snapshot cannot be watched")

    def delete(  # noqa: PLR0913 - the Cluster's
        self,
        resource: str,  # noqa: ARG002
        name: str,  # noqa: ARG002
        namespace: str = "",  # noqa: ARG002
        *,
        uid: str,  # noqa: ARG002
        grace: int | None = None,  # noqa: ARG002
        version: str = "",  # noqa: ARG002
    ) -> None:
        """Nothing is changed here."""
        raise Rejected("a snapshot is never changed")
