"""A machine's BMC, over Redfish (DMTF DSP0266): is the machine on, which one is it, and its power switch."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, TypeVar

from reactor import timing
from reactor.adapters.redfish import connection
from reactor.adapters.redfish.bounded_call import BoundedCalls
from reactor.adapters.redfish.credentials import BmcAccess, access, stamp
from reactor.model.errors import FenceError, NoAnswer, SettingsError
from reactor.model.objects import JsonObject, part, words
from reactor.settings import Settings

T = TypeVar("T")

_SHARE = 0.9  # of the limit, for the requests: a call that ends by itself leaves no thread behind


@dataclass(frozen=True, slots=True)
class BmcReading:
    """What a BMC reports now.

    `power`: as it writes it: On, Off, PoweringOn, PoweringOff, Paused (PowerState in DMTF's Resource schema), or
    anything else; `uuid`: of the machine that it answers for, as it writes it; "" where it reports none. `expected`:
    the UUID that the node's file demands, "" if none. `address`: the BMC's, without credentials. `can_force_off`:
    False where it lists the orders that this machine takes, and ForceOff is none of them.
    """

    address: str
    power: str
    uuid: str
    expected: str = ""
    can_force_off: bool = True


class Bmc(Protocol):
    """The BMCs, by node. Each call takes a few seconds at most; FenceError: nothing is known; NoAnswer: none came."""

    def read(self, node: str) -> BmcReading:
        """The state of the node's machine."""

    def force_off(self, node: str, uuid: str) -> None:
        """Cut the power (ResetType ForceOff), if the BMC still answers for the machine of which `uuid` was read.

        That it returns proves nothing: only `read` shows whether the machine is off. That it raises proves nothing
        either: the order may have arrived all the same.
        """

    def credentials(self, node: str) -> str:
        """Another text once the node's file has changed; nothing of its content. FenceError where there is none."""


class RedfishBmc:
    """The real ones. `limit` in seconds, for one call; `before_call` runs before each (heartbeats)."""

    def __init__(
        self, settings: Settings, before_call: Callable[[], None] = lambda: None, limit: float = timing.BMC_CALL
    ) -> None:
        """Raises SettingsError."""
        if not settings.bmc_dir:
            raise SettingsError(
                "VMDRIFT_BMC_DIR: not set; the provider redfish finds the BMCs' addresses and credentials there"
            )
        if find_spec("sushy") is None:
            raise SettingsError("VMDRIFT_FENCING: redfish needs another package: pip install 'vm-drift[redfish]'")
        self._folder, self._before_call, self._limit = Path(settings.bmc_dir), before_call, limit
        self._calls = BoundedCalls(limit)

    def read(self, node: str) -> BmcReading:
        return self._call(node, _reading)

    def force_off(self, node: str, uuid: str) -> None:
        def order(bmc_access: BmcAccess, system: Any) -> None:
            if not uuid or _reading(bmc_access, system).uuid != uuid:
                raise FenceError(
                    f"{bmc_access.bmc} answers for another machine than the one checked; nothing was sent to it"
                )
            connection.force_off(system)

        self._call(node, order)

    def credentials(self, node: str) -> str:
        return stamp(self._folder, node)

    def _call(self, node: str, action: Callable[[BmcAccess, Any], T]) -> T:
        self._before_call()
        bmc_access = access(self._folder, node)
        deadline = monotonic() + _SHARE * self._limit

        def work() -> T:
            with connection.translated(bmc_access):
                return action(bmc_access, connection.system(bmc_access, deadline))

        try:
            return self._calls.call(bmc_access.address, work)
        except TimeoutError as error:
            raise NoAnswer(f"{bmc_access.bmc} does not answer in time") from error


def _reading(bmc_access: BmcAccess, system: Any) -> BmcReading:
    """From the JSON itself: sushy shows a power state that it does not know as none."""
    power, uuid = (system.json.get(name) for name in ("PowerState", "UUID"))
    return BmcReading(bmc_access.address, _text(power), _text(uuid), bmc_access.uuid, _can_force_off(system.json))


def _can_force_off(system: JsonObject) -> bool:
    """By what the action lists (DMTF's ComputerSystem schema); many BMCs list nothing there."""
    reset = part(system, "Actions", "#ComputerSystem.Reset")
    return "ResetType@Redfish.AllowableValues" not in reset or "ForceOff" in words(
        reset, "ResetType@Redfish.AllowableValues"
    )


def _text(value: Any) -> str:
    return value[:60] if isinstance(value, str) else ""
