"""A person confirms on the page that a node is off: as an entitled sender, the way that such events always go.

The receiver faces the network. It may not write what counts as a person's own word (`reactor.model.receipt`), and may
read no Node. So the person's entry in VMDRIFT_TOKENS_FILE has to name io.vmdrift.node.fenced in full, which `intake`
checks again by its own copy; and which boot is meant is known from what the watchers and the fencing role report.
"""

from dataclasses import dataclass

from reactor.adapters.redis.inbox import Inbox
from reactor.model.errors import BadInput
from reactor.model.event import NODE_FENCED, Event
from reactor.web.auth.senders import Senders
from reactor.web.page.queries import Queries
from reactor.web.problem import Problem

_LONGEST = 500  # characters


@dataclass(frozen=True, slots=True)
class Boot:
    """Which boot of a node was lost."""

    uid: str
    boot: str


@dataclass(frozen=True, slots=True)
class Confirming:
    """Methods raise StoreError."""

    queries: Queries
    inbox: Inbox
    senders: Senders

    def why_not(self, person: str, name: str) -> str:
        """Why this person cannot confirm here that this node is off, as a sentence; "" where they can."""
        if "event" not in self.queries.settings.fencing:
            return "VMDRIFT_FENCING does not name event, so nobody's confirmation that a node is off counts."
        if not self.senders.may(person, NODE_FENCED, _source(person)):
            entry = f"{person}'s entry in VMDRIFT_TOKENS_FILE does not name {NODE_FENCED} among its types"
            return f"{entry}, so it is no proof here. Use `vmdrift confirm-off {name}`."
        if self.lost_boot(name) is None:
            return f"Which boot of {name} was lost is not known here. Use `vmdrift confirm-off {name}`."
        return ""

    def lost_boot(self, name: str) -> Boot | None:
        """Of an open outage, by the watchers' summary or the fencing role; None where neither has it."""
        for record in self.queries.store.outages():
            ref = record.outage.node
            if ref.name == name and record.recovered_at is None:
                boots = [node.boot for node in self.queries.nodes() if (node.name, node.uid) == (name, ref.uid)]
                boots += [record.fencing.boot] if record.fencing else []
                return next((Boot(ref.uid, boot) for boot in boots if boot), None)
        return None

    def send(self, person: str, name: str, how: str) -> str:
        """What was done, as a sentence. Raises Problem, BadInput, too."""
        if not 1 <= len(how) <= _LONGEST:
            raise BadInput(f"explain in 1 to {_LONGEST} characters how you know that it is off")
        refusal, boot = self.why_not(person, name), self.lost_boot(name)
        if refusal or boot is None:
            raise Problem(403, refusal)
        now = self.queries.store.time()
        data = {"uid": boot.uid, "bootID": boot.boot, "how": how}
        self.inbox.accept([Event(NODE_FENCED, _source(person), f"{now:.6f}", name, now, data)], person)
        follows = "A worker checks that within seconds; if it counts, it is written below"
        return f"You have confirmed that boot {boot.boot} of {name} is off. {follows}."


def _source(person: str) -> str:
    return f"/page/{person}"
