"""What a person's intervention is made with: where it is written down, whom it is about, who makes it."""

import getpass
import os
import socket
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from reactor.doors.cluster import KubernetesCluster, served_clock
from reactor.doors.queue import drift_entry
from reactor.doors.wishes import Wishes
from reactor.model.drift import Record
from reactor.model.errors import NotDone
from reactor.settings import Settings
from reactor.wiring import Wiring
from workers.drift import begin_anew


@dataclass(frozen=True)
class Hands:
    """What an intervention is made with. Redis is connected when it is first needed."""

    settings: Settings
    cluster: KubernetesCluster

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises SettingsError, ClusterError."""
        return cls(settings, Wiring.of(settings).cluster)

    @cached_property
    def wiring(self) -> Wiring:
        """Raises SettingsError, StoreError."""
        return Wiring.of(self.settings)

    @property
    def wishes(self) -> Wishes:
        """Where holds and cancels are written down."""
        return Wishes(self.cluster, self.settings.namespace, served_clock(self.cluster))

    def records(self, vm: str) -> list[Record]:
        """The VM's drifts in all open outages, newest last."""
        store = self.wiring.store
        found = [record for outage in store.outages() for record in store.records(outage.outage.id)]
        return sorted((r for r in found if str(r.drift.vm) == vm), key=lambda record: record.created_at)

    def wake(self, record: Record) -> None:
        """Its next look is now."""
        self.wiring.queue.wake(drift_entry(record.drift), self.wiring.clock())

    def begin_anew(self, record: Record) -> None:
        """An ended drift, under its lock, so that no pass writes over it. NotDone while one looks at it."""
        if begin_anew(record, who(), self.wiring.store) is None:
            raise NotDone(f"{record.drift.vm}: a worker looks at it right now; try again")


def who() -> str:
    """As the machine knows the person; the API server's own audit log knows better."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        name = f"user-{os.getuid()}"
    return f"{name}@{socket.gethostname()}"
