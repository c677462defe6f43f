"""What the tests are given from outside, as environment variables, and the way into the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from reactor.adapters.kubernetes.cluster import connect
from simulator.actors.cast import MACHINERY
from simulator.api.node_restriction import HANDLER
from simulator.http.client import HttpClient
from simulator.http.informer import Listener

_TIMEOUT = 10.0  # seconds, for one call
_NODE = "system:node:"
_ALL_RIGHTS = "system:masters"  # we want to be taken for the user, not to have its rights, which may not be set up


@dataclass(frozen=True)
class Surroundings:
    """Where, and how.

    `kubeconfig` and `product`: the files that the actors and vm-drift use. `actors`: who is played by us.
    `impersonate`: whether those speak as the users that the real ones are. `times`: how many times faster than a real
    one this control plane lives; another number than 1 only where it is simulated.
    """

    kubeconfig: Path
    product: Path
    actors: tuple[str, ...] = MACHINERY
    impersonate: bool = True
    times: float = 1.0

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Self:
        """From KUBECONFIG, PRODUCT_KUBECONFIG, ACTORS, IMPERSONATE, TIMES; ValueError is a sentence."""
        kubeconfig = env.get("KUBECONFIG", "")
        if not kubeconfig:
            raise ValueError("KUBECONFIG is not set: it says against which API server this runs")
        actors = tuple(filter(None, env.get("ACTORS", ",".join(MACHINERY)).replace(" ", "").split(",")))
        if unknown := set(actors) - set(MACHINERY):
            raise ValueError(f"ACTORS: {', '.join(sorted(unknown))} cannot be played; {', '.join(MACHINERY)} can")
        return cls(
            Path(kubeconfig).absolute(),
            Path(env.get("PRODUCT_KUBECONFIG") or kubeconfig).absolute(),
            actors,
            env.get("IMPERSONATE", "yes") != "no",
            float(env.get("TIMES", "1")),
        )


class Access:
    """Every actor's way to the API server. `listeners` are told what has changed there."""

    def __init__(self, around: Surroundings) -> None:
        self._door, self._impersonate = connect(str(around.kubeconfig), _TIMEOUT), around.impersonate
        self._clients: dict[tuple[str, str], HttpClient] = {}
        self.listeners: list[Listener] = []

    @property
    def own(self) -> HttpClient:
        """As the kubeconfig's own user."""
        return self._client("", ())

    def of(self, user: str, node: str = "") -> HttpClient:
        """As one of the cast's users (with a token bound to a node), where the API server makes a difference."""
        if not self._impersonate:
            return self.own
        if user.startswith(_NODE):
            return self._client(user, ("system:nodes", _ALL_RIGHTS))
        # KubeVirt takes a VMI's status from its own accounts only, and from virt-handler that of its node's VMIs.
        return self._client(user, (_ALL_RIGHTS,), node) if user == HANDLER else self.own

    def close(self) -> None:
        """End every watch and connection."""
        for client in self._clients.values():
            client.close()
        self._door.api.rest_client.pool_manager.clear()

    def _client(self, user: str, groups: tuple[str, ...], node: str = "") -> HttpClient:
        if (user, node) not in self._clients:
            made = HttpClient(self._door.api, user, groups, listeners=self.listeners, node=node)
            self._clients[user, node] = made
        return self._clients[user, node]
