"""What every provider can do, each idempotent and within a few seconds: one that waits says so and is asked again."""

from typing import Protocol

from reactor.adapters.kubernetes.cluster import Cluster, Survey, Writer
from reactor.model.fence_drill import Drilled
from reactor.model.fencing import ProviderStatus, Target


class FencingCluster(Cluster, Writer, Survey, Protocol):
    """A cluster that can be read and changed, and says what we may do."""


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

    def drill(self, target: Target, *, failed_before: bool = False) -> Drilled | None:
        """Could it fence this healthy node, and prove it? None where there is nothing to try.

        It changes nothing, logs in once, and leaves no session open. `failed_before`: so did the last drill, minutes
        ago, and the node was heard since. AccessRefused where it was not let in.
        """

    def credentials(self, target: Target) -> str:
        """What stands for what it logs in with, another text once that has changed; "" where it logs in nowhere."""


def lacking(cluster: Survey, resource: str, *verbs: str, namespace: str = "") -> str:
    """Which of these verbs we may not use (there, or everywhere), as words for a sentence; "" if none. ClusterError."""
    refused = [verb for verb in verbs if not cluster.may(verb, resource, namespace)]
    return f"it may not {', '.join(refused)} {resource}" if refused else ""


GRANT = "Grant the fencing role the rights of k8s/components/fencing (Helm: fencing.enabled)."
