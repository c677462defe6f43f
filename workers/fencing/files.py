"""What is known of each boot that was lost: one file a boot in a ConfigMap, and a copy in Redis for people."""

from collections.abc import Mapping

import structlog

from reactor.model.fence_requests import fences
from reactor.model.fencing import CLAIMS, CONFIG_MAP, Fencing, claim_of, fencing_entries
from workers.context import FenceTools
from workers.fencing.decide.rate import dated_back

log = structlog.get_logger()

_PODS = 1000  # names in one line of the log


def about(file: Fencing) -> dict[str, str]:
    """The fields of every log line about a boot."""
    return {"outage": file.outage.id, "node": file.node.name, "boot": file.boot}


class FenceFiles:
    """All of them. Its methods raise ClusterError, StoreError."""

    def __init__(self, fence: FenceTools) -> None:
        self._cluster, self._namespace, self._store = fence.cluster, fence.namespace, fence.tools.store
        self._clock = fence.tools.clock

    def config_map(self) -> Mapping[str, object] | None:
        """As it is now, None if there is none yet."""
        return self._cluster.find("configmaps", CONFIG_MAP, self._namespace)

    def read(self, node: str = "") -> dict[str, Fencing]:
        """By key; those of one node, if it is named."""
        return fencing_entries(self.config_map(), node)

    def write(self, file: Fencing, stored: Fencing | None, new: Fencing | None) -> None:
        """`stored`: what is written of this boot; `new`: what is to be, None once nothing is left of a fence.

        In the cluster, and a copy for people; only where it says something new.
        """
        if (new and new.as_text()) != (stored and stored.as_text()):
            if new is None or new.closed:
                self._forget_claims(file)
            self._cluster.note(CONFIG_MAP, self._namespace, self._entries(file, new))
            self._store.save_fencing(new or file.with_reason("fencing-over", "Nothing of a fence is left."))
        if new and (stored is None or (stored.reason, stored.release) != (new.reason, new.release)):
            pods = new.release.removes[:_PODS] if new.release else ()
            facts = {"reason": new.reason, **({"removes": pods} if pods else {})}
            log.info("fencing decided", sentence=new.sentence, **about(file), **facts)

    def _entries(self, file: Fencing, new: Fencing | None) -> dict[str, str | None]:
        """The file instead of all entries of its boot; and requests that a clock ahead wrote before it was set back."""
        config_map = self.config_map()
        stored = fencing_entries(config_map, file.node.name)
        same = [key for key, entry in stored.items() if (entry.node, entry.boot) == (file.node, file.boot)]
        entries = dict.fromkeys(same) | dated_back(fences(config_map), self._clock())
        return entries if new is None else {**entries, new.key: new.as_text()}

    def _forget_claims(self, file: Fencing) -> None:
        """Claims about a boot end with it; the previous version wrote them into the ConfigMap of proofs."""
        for name in (CLAIMS, CONFIG_MAP):
            claim = claim_of(self._cluster.find("configmaps", name, self._namespace), file.node.name)
            if claim and claim.boot == file.boot:
                self._cluster.note(name, self._namespace, {claim.key: None})
