"""The confirmation of a system by an event, or of a person by `vmdrift confirm-off`. It cannot be asked for."""

from reactor.adapters.kubernetes.cluster import Cluster
from reactor.model.fence_drill import Drilled
from reactor.model.fencing import CLAIMS, CONFIG_MAP, Claim, ProviderStatus, State, Target, claim_of
from reactor.model.times import clock_time

_NOBODY = "Nobody has confirmed yet that it is off (vmdrift confirm-off, or io.vmdrift.node.fenced)."


class EventProvider:
    """A Provider. `namespace`: where the ConfigMaps are."""

    name = "event"

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace

    def fence(self, target: Target) -> None:
        """Nothing can be asked for."""

    def status(self, target: Target) -> ProviderStatus:
        """What was confirmed of this very boot, unless the node gave a sign of life after that. Raises ClusterError."""
        claim = self._claim(target.node.name)
        if claim is None or (claim.node, claim.boot) != (target.node, target.boot):
            return ProviderStatus(State.ABSENT, _NOBODY)
        signs = target.lease, target.heartbeat, target.reported
        if (claim.lease, claim.heartbeat, claim.reported) != signs:
            sentence = f"{_sentence(claim)}, but the node has given a sign of life since: it has to be confirmed again."
            return ProviderStatus(State.ABSENT, sentence)
        return ProviderStatus(State.FENCED, f"{_sentence(claim)}.", claim.by, person=claim.person)

    def _claim(self, node: str) -> Claim | None:
        """The previous version wrote claims into the ConfigMap of proofs; now only the fencing role may write there."""
        config_maps = (self._cluster.find("configmaps", name, self._namespace) for name in (CLAIMS, CONFIG_MAP))
        return next((claim for config_map in config_maps if (claim := claim_of(config_map, node))), None)

    def release(self, target: Target) -> ProviderStatus:
        """Nothing was changed."""
        return ProviderStatus(State.ABSENT, f"What was said of {target.node.name} is forgotten.")

    def drill(self, target: Target, *, failed_before: bool = False) -> Drilled | None:  # noqa: ARG002 - as every one
        """Nobody can be asked."""
        return None

    def credentials(self, target: Target) -> str:  # noqa: ARG002 - as every provider
        """None."""
        return ""


def _sentence(claim: Claim) -> str:
    return f'{claim.by} said at {clock_time(claim.at)} that it is off: "{claim.how}"'
