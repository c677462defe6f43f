"""Rights that are taken away: at the first request that a rule allows, a copy of the story goes on without the rule."""

from collections.abc import Collection, Mapping

from reactor.model.errors import ClusterError
from simulator.api.api import Authorize
from simulator.api.rbac import Rule, allows
from simulator.audit import AuditEntry
from simulator.world import World
from tests.support.branches import Forks

_MINUTE = 60.0  # in which whoever was refused asks again


def whole(entry: AuditEntry) -> str:
    """As RBAC names what was asked for: with a subresource after a slash."""
    return "/".join(filter(None, (entry.resource, entry.subresource)))


class EnoughError(Exception):
    """It was refused, everybody lived on for a minute, and nobody fell over it."""


class Refusals(Forks):
    """Holds a world's users to `allowed`; `asked` are the rules that a request needed, by user.

    `spare` are those without which all ends well, only later.
    """

    def __init__(
        self, rules: Mapping[str, frozenset[Rule]], allowed: Authorize, spare: Collection[tuple[str, Rule]] = ()
    ) -> None:
        super().__init__()
        self._spare = spare
        self.asked = {user: set[Rule]() for user in rules}
        self._rules, self._allowed = rules, allowed
        self._missing: tuple[str, Rule] | None = None

    def hold(self, world: World) -> None:
        """From now on."""
        self._world, world.api.authorize = world, self._authorize

    def wrong(self, error: BaseException | None) -> BaseException | None:
        """A copy has failed where it ended well, or by what is not the answer to a refusal."""
        if isinstance(error, ClusterError | AssertionError | EnoughError):
            return None
        return error or (None if self._missing in self._spare else AssertionError("it ended well"))

    def _authorize(self, user: str, verb: str, resource: str, namespace: str) -> bool:
        needed = {rule for rule in self._rules.get(user, ()) if allows(rule, resource, verb, namespace)}
        for rule in sorted(needed - self.asked.get(user, needed)):
            self.asked[user].add(rule)
            if not self.copy and self.fork(f"{user} without {rule}"):
                self._missing = (user, rule)
                self._world.add(_End(self._world.now + _MINUTE))
        refused = self._missing and self._missing[0] == user and self._missing[1] in needed
        return not refused and self._allowed(user, verb, resource, namespace)


class _End:
    """An actor that ends the copy."""

    name, watches = "end", ()

    def __init__(self, at: float) -> None:
        self._at = at

    def step(self, now: float) -> float:
        if now >= self._at:
            raise EnoughError
        return self._at
