"""vm-drift's real processes, with a Valkey of their own."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import orjson

from reactor.adapters.redis import connection as redis_door
from reactor.adapters.redis.inbox import RedisInbox
from reactor.adapters.redis.store import RedisStore
from reactor.model.drift import Policy, Record
from reactor.model.event import NODE_FENCED
from reactor.model.identity import Outage
from reactor.settings import Settings
from tests.e2e.surroundings import Surroundings
from vmdrift.processes import Processes
from vmdrift.valkey import start as start_valkey

_ROLES = ("reactor watch", "workers intake", "workers scheduler", "workers drifts", "workers drifts", "workers fencing")
_WORKERS = sum(words.startswith("workers") and "scheduler" not in words for words in _ROLES)
_WINDOW = 10.0  # seconds; the shortest that can be set
_DETACH = 360.0  # seconds; Kubernetes' own, which cannot be set there
# virt-handler beats every 60 to 132 s, the simulated one every 60, all the faster as it lives; a beat's stamp has whole
# seconds, so there is a least grace, too.
SENDER = "e2e"  # who may say that a node is off
_GRACE, _LEAST_GRACE = 180.0, 8.0  # seconds


class Product:
    """All of it; `running` may be entered again and again, on the same records. `folder`'s path must be short."""

    def __init__(self, processes: Processes, folder: Path, around: Surroundings) -> None:
        self._folder, self._started = folder, 0
        self._outage_ids: dict[str, None] = {}  # ids, in the order in which they were seen
        url = start_valkey(processes, folder)
        redis = redis_door.connect(url)
        self._redis, self._store = redis, RedisStore(redis, 3600)
        self.inbox = RedisInbox(redis, time.time, 3600, fsync_wait=0.0)
        senders = folder / "senders.json"
        senders.write_bytes(orjson.dumps({"senders": [{"name": SENDER, "token": token_hex(), "types": [NODE_FENCED]}]}))
        self._env = {
            "VMDRIFT_TOKENS_FILE": str(senders),
            "KUBECONFIG": str(around.product),
            "VMDRIFT_REDIS_URL": url,
            "VMDRIFT_UNREACHABLE_WINDOW": f"{_WINDOW:g}",
            "VMDRIFT_VIRT_HANDLER_GRACE": f"{max(_LEAST_GRACE, _GRACE / around.times):g}",
            "VMDRIFT_DETACH_WINDOW": f"{max(10.0, _DETACH / around.times):g}",
            "VMDRIFT_DETACH_POLICY": "wait",
            "VMDRIFT_TENANTS_MAY": "detach",
            "VMDRIFT_MIN_AVAILABLE_NODES": "2",
            "VMDRIFT_RESYNC": "5",
        }

    def policy(self, **more: str) -> Policy:
        """By which it acts, with these `more` settings."""
        return Settings.read({**self._env, **more}).to_policy()

    @contextmanager
    def running(self, policy: str, **more: str) -> Iterator[Processes]:
        """With this VMDRIFT_POLICY and `more` settings, until the end of the block."""
        self._started += 1
        logs = self._folder / f"{self._started}-{policy}"
        logs.mkdir()
        with Processes(logs) as processes:
            for number, words in enumerate(_ROLES):
                command = [sys.executable, "-m", *words.split()]
                processes.start(f"{number}-{words}", command, {**self._env, "VMDRIFT_POLICY": policy, **more})
            yield processes

    def records(self, namespace: str) -> dict[str, Record]:
        """Of every outage that this has ever seen open, by VM's name; the latest one's where a VM has several."""
        self._outage_ids |= {known.outage.id: None for known in self._store.outages()}
        records = [record for outage in self._outage_ids for record in self._store.records(outage)]
        return {record.drift.vm.name: record for record in records if record.drift.vm.namespace == namespace}

    def outages(self, node: str) -> list[Outage]:
        """Those of a node that are open."""
        return [known.outage for known in self._store.outages() if known.outage.node.name == node]

    def works(self) -> bool:
        """Whether everybody who runs jobs is there."""
        return bool(self._redis.scard("rq:workers") >= _WORKERS)

    def sent_at(self, kind: str, subject: str, since: float) -> float | None:
        """When the first event of this type about `subject` was sent since then, in seconds since the epoch."""
        sent = (
            float(entry.partition("-")[0]) / 1000
            for entry, event in self._store.events()
            if (event["type"], event["subject"]) == (kind, subject)
        )
        return min((at for at in sent if at >= since), default=None)
