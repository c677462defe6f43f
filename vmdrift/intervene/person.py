"""What a person's intervention is made with on the command line, and who makes it."""

import getpass
import os
import socket
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from reactor.adapters.kubernetes.cluster import KubernetesCluster, served_clock
from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.interventions import Interventions, Person
from reactor.settings import Settings
from reactor.wiring import Wiring


@dataclass(frozen=True)
class CommandLine:
    """What an intervention is made with. Redis is connected when it is first needed: a hold does without."""

    settings: Settings
    cluster: KubernetesCluster

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises SettingsError, ClusterError."""
        return cls(settings, Wiring.of(settings).cluster)

    @cached_property
    def wiring(self) -> Wiring:
        """Redis, and what is built on it."""
        return Wiring.of(self.settings)

    @cached_property
    def wishes(self) -> InterventionsConfigMap:
        """The ConfigMap in which holds and cancels are written."""
        return InterventionsConfigMap(self.cluster, self.settings.namespace, served_clock(self.cluster))

    @cached_property
    def interventions(self) -> Interventions:
        """The interventions of this person."""
        return Interventions(Person(who(), "cli"), self.wishes, lambda: self.wiring.store, lambda: self.wiring.inbox)


def who() -> str:
    """As the machine knows the person; the API server's own audit log knows better."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        name = f"user-{os.getuid()}"
    return f"{name}@{socket.gethostname()}"
