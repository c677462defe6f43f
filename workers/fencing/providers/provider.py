"""What every provider can do, each idempotent and within a few seconds: one that waits says so and is asked again."""

from typing import Protocol

from reactor.adapters.kubernetes.cluster import Cluster, Writer
from reactor.model.fencing import ProviderStatus, Target


class FencingCluster(Cluster, Writer, Protocol):
    """A cluster that can be read and changed."""


class Provider(Protocol):
    """One way to prove that a node is dead.

    Methods raise ClusterError where the API server did not do what was asked, and FenceError where another system did
    not; ClusterUnreachable and NoAnswer where nothing was heard. Nothing is known then, and nothing is taken for proof.
    """

    @property
    def name(self) -> str:
        """As in VMDRIFT_FENCING."""

    def fence(self, target: Target) -> None:
        """Ask for it, once: what was asked for already is left as it is.

        Every object that is changed for it has `target.marks`, written in the same request. What exists and was not
        made by us for this very boot is never changed.
        """

    def status(self, target: Target) -> ProviderStatus:
        """Its state now. FENCED only if that was verified, for this very boot of this very node; a whole sentence.

        It changes nothing, leaves no session open, and may be called in any thread.
        """

    def release(self, target: Target) -> ProviderStatus:
        """Take back what was changed for this target, after its boot has ended and another one runs.

        Of those of KEEP_OFF, of which no other boot can run before: when a person asks for it.

        ABSENT: nothing of ours is left. Anything else: not yet, and why; it is asked again.
        """
