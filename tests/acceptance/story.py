"""One outage of the demo's cluster, lived through once, with everything at it, and what was seen on the way.

Every role runs with its own rights in the cluster and in Redis; passwords and tokens are everywhere; there are a
receiver, a sink that is unwilling at first, people who intervene, a worker that is killed, and Redis and the API server
are away for a while. Tests read what was seen (`tests.acceptance.moments`); none of them changes anything.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from redis import Redis

from tests.support.commands import Done, eventually, vmdrift
from tests.support.http import STRUCTURED, Answered, ask, free_address
from tests.support.receivers import Receiver
from tests.support.redis_users import guarded
from tests.support.sites import Site
from vmdrift.processes import Processes

SENDER, SINK, IN_URL, WRONG = (f"{name}-that-nobody-may-see" for name in ("sender", "sink", "in-url", "wrong"))
REQUEST = {
    "specversion": "1.0",
    "id": "1",
    "source": "/m",
    "type": "io.vmdrift.vm.drift.requested",
    "subject": "shop/database",
}
DRIFTS = "workers drifts"
WORKERS = ("workers intake", "workers scheduler", DRIFTS, "workers fencing")
ROLES = ("reactor watch", "reactor serve", "workers outgoing", *WORKERS)
_BASIC = b64encode(f"ann:{SENDER}".encode()).decode()


@dataclass
class Stage:
    """Where it happens. `said` by "MOMENT: WORDS": what commands answered; `seen` by name: everything else."""

    site: Site
    folder: Path
    address: str
    sink: Receiver
    said: dict[str, Done] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    moment: str = ""

    def run(self, *words: str, role: str = "operator", **env: str) -> Done:
        """A command as one of the cluster's users; remembered by the moment."""
        done = vmdrift(*words, env={**self.site.env(role), **env})
        self.said[f"{self.moment}: {' '.join(words)}"] = done
        return done

    def told(self, moment: str, *words: str) -> Any:
        """What a command answered at that moment, in JSON."""
        return orjson.loads(self.said[f"{moment}: {' '.join((*words, '--json'))}"].out)

    def post(self, event: Mapping[str, Any], path: str = "/", **headers: str) -> Answered:
        """An event of somebody who is known, or of whom the headers say."""
        known = {"Authorization": f"Bearer {SENDER}"}
        return ask(f"http://{self.address}{path}", orjson.dumps(event), STRUCTURED, **(headers or known))

    def became(self, answer: Answered) -> Any:
        """What was found of an event that was accepted."""
        place = f"http://{self.address}{answer.body['events'][0]['status']}"
        eventually("a worker has looked at it", lambda: self._state(place)["state"] == "done")
        return self._state(place)["result"]

    def _state(self, place: str) -> Any:
        return ask(place, Authorization=f"Bearer {SENDER}").body

    def page(self, path: str) -> Answered:
        """As somebody who may look at it."""
        return ask(f"http://{self.address}{path}", Authorization=f"Basic {_BASIC}")

    def heartbeat(self, role: str) -> Path:
        """Of the process that was started last."""
        return self.folder / f"{role.replace(' ', '-')}.heartbeat"

    def requests(self, user: str, since: int = 0) -> list[dict[str, Any]]:
        """What users with this in their name have asked the cluster for, after so many requests."""
        return [entry for entry in self.site.demo.ask(do="audit")[since:] if user in entry["user"]]


def staged(processes: Processes, folder: Path, sink: Receiver) -> Stage:
    """A calm cluster, and everybody at work."""
    site = Site(processes, folder, 0, guarded(processes, folder))
    stage = Stage(site, folder, free_address(), sink)
    sender = {"name": "ann", "token": SENDER, "page": "act"}
    (folder / "senders.json").write_bytes(orjson.dumps({"senders": [sender]}))
    (folder / "sink-token").write_text(SINK)
    for role in (*ROLES, DRIFTS):
        begin(stage, role)
    eventually("it receives", lambda: ask(f"http://{stage.address}/readyz").status == 200)
    with Redis.from_url(site.redis_url) as redis:
        eventually("workers are there", lambda: redis.scard("rq:workers") == 5)
        eventually("a scheduler is there", lambda: redis.exists("rq:scheduler:alive") == 1)
    eventually("everybody's heart beats", lambda: all(stage.heartbeat(role).exists() for role in beating()))
    return stage


def begin(stage: Stage, role: str) -> None:
    """A process of this role."""
    own = {
        "reactor serve": {"VMDRIFT_LISTEN": stage.address, "VMDRIFT_TOKENS_FILE": str(stage.folder / "senders.json")},
        "workers outgoing": {
            "VMDRIFT_SINK": f"{stage.sink.url}?access_token={IN_URL}",
            "VMDRIFT_SINK_TOKEN_FILE": str(stage.folder / "sink-token"),
        },
    }
    stage.site.start(role, VMDRIFT_HEARTBEAT_FILE=str(stage.heartbeat(role)), **own.get(role, {}))


def beating() -> list[str]:
    """Roles without HTTP: they show by a file that they go on."""
    return [role for role in ROLES if role != "reactor serve"]
