"""Somebody entitled says so: a system by an event, or a person by `vmdrift confirm-off`. Nobody can be asked to."""

from reactor.adapters.kubernetes.cluster import Cluster
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
        """What was said of this very boot, unless the node gave a sign of life after that. Raises ClusterError."""
        claim = self._claim(target.node.name)
        if claim is None or (claim.node, claim.boot) != (target.node, target.boot):
            return ProviderStatus(State.ABSENT, _NOBODY)
        signs = target.lease, target.heartbeat, target.reported
        if (claim.lease, claim.heartbeat, claim.reported) != signs:
            told = f"{_said(claim)}, but the node has given a sign of life since: it has to be confirmed again."
            return ProviderStatus(State.ABSENT, told)
        return ProviderStatus(State.FENCED, f"{_said(claim)}.", claim.by, person=claim.person)

    def _claim(self, node: str) -> Claim | None:
        """The version before this one wrote claims where proof stands; now only the fencing role may write there."""
        found = (self._cluster.find("configmaps", name, self._namespace) for name in (CLAIMS, CONFIG_MAP))
        return next((claim for one in found if (claim := claim_of(one, node))), None)

    def release(self, target: Target) -> ProviderStatus:
        """Nothing was changed."""
        return ProviderStatus(State.ABSENT, f"What was said of {target.node.name} is forgotten.")


def _said(claim: Claim) -> str:
    return f'{claim.by} said at {clock_time(claim.at)} that it is off: "{claim.how}"'
