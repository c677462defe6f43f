"""The plugs of a node through their agents: what they read, and off. Nothing else is ever asked of an agent."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

from reactor import timing
from reactor.adapters.fence_agents.options import cleaned, lines
from reactor.adapters.fence_agents.plugs import SETTING, Plug, plugs_of
from reactor.adapters.fence_agents.process import Finished, TooMuch, run
from reactor.adapters.node_files import stamp
from reactor.in_thread import begun
from reactor.model.errors import FenceError, NoAnswer, SettingsError
from reactor.model.plug import PlugReading
from reactor.settings import Settings

T = TypeVar("T")

AGENTS = Path("/usr/sbin")  # where packages put them; no file may name another place
# Both are needed: a bad argument, and an interpreter that misses its script, end with 2 as well.
_SAID = re.compile(r"(?m)^Status: (ON|OFF)[ \t\r]*$")
_READ = {(0, frozenset({"ON"})): True, (2, frozenset({"OFF"})): False}
_UNKNOWN = re.compile(r"[Uu]nknown option '([A-Za-z0-9_-]+)")
_STAMP = re.compile(r"[0-9-]+ [0-9:,.]+ (?=[A-Z]+:)")  # the same trouble is the same sentence at each look
_SHOWN = 200  # characters of what an agent wrote


class Action(StrEnum):
    """All that an agent is ever told."""

    STATUS = "status"
    OFF = "off"


class Plugs(Protocol):
    """The plugs by node. FenceError: nothing is known; NoAnswer: none came in time."""

    def read(self, node: str) -> tuple[PlugReading, ...]:
        """Each of them, in the order of the node's file; all of them were read, or it raises."""

    def off(self, node: str, ids: Sequence[str]) -> None:
        """Switch off those of the node that were read under these ids.

        That it returns proves nothing: only `read` shows whether they are off. That it raises proves nothing either:
        the order may have arrived all the same.
        """

    def credentials(self, node: str) -> str:
        """Another text once the node's file has changed; nothing of its content. FenceError where there is none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one call, in seconds."""

    status: float = timing.AGENT_STATUS
    off: float = timing.AGENT_OFF


class FenceAgents:
    """The real ones. `agents`: the folder they are in."""

    def __init__(self, settings: Settings, agents: Path = AGENTS, limits: Limits | None = None) -> None:
        """Raises SettingsError."""
        if not settings.fence_agent_dir:
            raise SettingsError(f"{SETTING}: not set; the provider fence-agent finds there what can switch nodes off")
        if not any(agents.glob("fence_*")):
            need = f"VMDRIFT_FENCING: fence-agent needs ClusterLabs' agents in {agents}"
            raise SettingsError(f"{need}: use an image with them (docs/fencing.md), or install fence-agents")
        self._folder, self._agents, self._limits = Path(settings.fence_agent_dir), agents, limits or Limits()

    def read(self, node: str) -> tuple[PlugReading, ...]:
        return tuple(_all([self._reading(plug) for plug in plugs_of(self._folder, node)]))

    def off(self, node: str, ids: Sequence[str]) -> None:
        plugs = {plug.id: plug for plug in plugs_of(self._folder, node)}
        if missing := [id_ for id_ in ids if id_ not in plugs]:
            file = next(iter(plugs.values())).file
            raise FenceError(f"{file} in {SETTING} has changed since {len(missing)} of its plugs were read; not sent")
        _all([self._order(plugs[id_]) for id_ in ids])

    def credentials(self, node: str) -> str:
        return stamp(self._folder, node, SETTING)

    def _reading(self, plug: Plug) -> Callable[[], PlugReading]:
        def read() -> PlugReading:
            return PlugReading(plug.name, plug.id, plug.feed, _is_on(plug, self._call(plug, Action.STATUS)))

        return read

    def _order(self, plug: Plug) -> Callable[[], None]:
        def order() -> None:
            finished = self._call(plug, Action.OFF)
            if finished.code != 0:
                raise FenceError(f"{plug.name} was not switched off ({_last_words(plug, finished)})")

        return order

    def _call(self, plug: Plug, action: Action) -> Finished:
        program, limit = self._agents / plug.agent, getattr(self._limits, action)
        if not program.is_file():
            raise FenceError(f"{plug.agent} of {plug.file} in {SETTING} is not in {self._agents}: install it there")
        try:
            return run(program, lines(action, plug.options), limit)
        except TimeoutError:
            raise NoAnswer(f"{plug.name} has not ended within {limit:g} s ({action})") from None
        except TooMuch:
            raise FenceError(f"{plug.name} writes without end: it was stopped ({action})") from None
        except OSError as error:
            raise FenceError(f"{plug.name} cannot be started: {error.strerror}") from None


def _is_on(plug: Plug, finished: Finished) -> bool:
    """FenceError where it does not say so beyond doubt."""
    if misspelt := _UNKNOWN.search(finished.err):
        name = misspelt[1] if misspelt[1] in plug.options else "one"
        fix = f"correct option {name} in {plug.file} in {SETTING}"
        raise FenceError(f"{plug.name} ignores an option that it does not know, so its answer is worth nothing: {fix}")
    on = _READ.get((finished.code, frozenset(_SAID.findall(finished.out))))
    if on is None:
        raise FenceError(f"{plug.name} does not say whether it is on ({_last_words(plug, finished)})")
    return on


def _last_words(plug: Plug, finished: Finished) -> str:
    """Its exit code, and the last line that it wrote as an error."""
    said = [line for line in finished.err.splitlines() if line.strip()]
    words = cleaned(_STAMP.sub("", said[-1], 1), plug.options)[:_SHOWN] if said else ""
    return f"exit code {finished.code}" + (f": {words}" if words else "")


def _all(work: Sequence[Callable[[], T]]) -> list[T]:
    """Each in a thread of its own, and the results in their order. All have ended; raises the first one's error."""
    threads = [begun(one, "fence agent") for one in work]
    errors = [error for thread in threads if (error := thread.exception())]
    if errors:
        raise errors[0]
    return [thread.result() for thread in threads]
