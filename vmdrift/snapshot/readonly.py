"""A Cluster that is only read."""

from reactor.model.errors import Rejected


class ReadOnly:
    """The half of a Cluster that changes things or waits for changes, refused."""

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
