"""A provider by its name. Each is imported when it is asked for, with all that it needs itself."""

from collections.abc import Callable
from typing import Protocol

from reactor.doors.bmc import RedfishBmc
from reactor.doors.cluster import Cluster, Writer
from reactor.settings import Settings
from workers.fence.event import Event
from workers.fence.provider import Provider
from workers.fence.redfish import Redfish


class FencingCluster(Cluster, Writer, Protocol):
    """A cluster that can be asked and changed."""


def provider(
    name: str, cluster: FencingCluster, settings: Settings, before_call: Callable[[], None] = lambda: None
) -> Provider:
    """By one of the names of VMDRIFT_FENCING. SettingsError where it lacks a setting.

    `before_call` runs before each call to anybody but the API server (heartbeats).
    """
    match name:
        case "event":
            return Event(cluster, settings.namespace)
        case "redfish":
            return Redfish(RedfishBmc(settings, before_call))
        case _:
            raise KeyError(name)
