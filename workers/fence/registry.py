"""A provider by its name. Each is imported when it is asked for, with all that it needs itself."""

from typing import Protocol

from reactor.doors.cluster import Cluster, Writer
from reactor.settings import Settings
from workers.fence.event import Event
from workers.fence.provider import Provider


class FencingCluster(Cluster, Writer, Protocol):
    """A cluster that can be asked and changed."""


def provider(name: str, cluster: FencingCluster, settings: Settings) -> Provider:
    """By one of the names of VMDRIFT_FENCING. SettingsError where it lacks a setting."""
    match name:
        case "event":
            return Event(cluster, settings.namespace)
        case _:
            raise KeyError(name)
