"""What can happen to a worker in the middle of its work, at a chosen one of its requests."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.api.api import Api
from simulator.audit import Request
from simulator.client import ApiError
from simulator.world import World
from tests.support.auditor import OURS
from tests.support.virtual import KilledError

_LOCK = 12.0  # seconds that a worker's lock lives


@dataclass
class Blow:
    """At the worker's next request of `verb` ("" for any) after `skip` others, or the next `times` of them.

    `kind`: kill, error, pause, forget. `late`: after the request took effect. `size`: the HTTP status of an error, the
    seconds of a pause.
    """

    kind: str
    verb: str = ""
    skip: int = 0
    times: int = 1
    late: bool = False
    size: int = 0


@dataclass
class Fate:
    """Deals the blows that it is given, each once, and counts them. `forget`: Redis loses its last second."""

    world: World
    forget: Callable[[], None]
    blows: list[Blow] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    _paused: tuple[float, float] = (0.0, 0.0)

    def hold(self, api: Api) -> None:
        """From now on; before the judge, who looks at what is there when the request is carried out."""
        api.faults.insert(0, lambda request: self._strike(request, late=False))
        api.late_faults.append(lambda request: self._strike(request, late=True))

    def known_until(self) -> float:
        """A worker that was paused until this very moment knows nothing of what happened meanwhile."""
        begin, end = self._paused
        return begin if end == self.world.now else float("inf")

    def _strike(self, request: Request, *, late: bool) -> ApiError | None:
        if request.user not in OURS:
            return None
        for blow in self.blows:
            if blow.late == late and blow.verb in {"", request.verb}:
                if blow.skip:
                    blow.skip -= 1
                    return None
                return self._deal(blow, request)
        return None

    def _deal(self, blow: Blow, request: Request) -> ApiError | None:
        self.struck[f"{blow.kind} at an API request"] += 1
        blow.times -= 1
        if blow.times <= 0:
            self.blows.remove(blow)
        match blow.kind:
            case "kill":
                raise KilledError(f"at {request.verb} {request.resource}")
            case "error":
                return ApiError(blow.size, "Fault", "a fault of the test's")
            case "forget":
                self.forget()
            case _:
                self._pause(blow, request)
        return None

    def _pause(self, blow: Blow, request: Request) -> None:
        """The worker stands still while the world goes on; others take over its jobs when its lock has expired.

        At a read the pause is no excuse once the lock has expired: then the worker has to notice.
        """
        begin = self.world.now
        self.world.run_for(blow.size)
        if blow.size < _LOCK if request.verb != "delete" else not blow.late:
            self._paused = (begin, self.world.now)
