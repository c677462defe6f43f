"""The page as an app in this process: a real Redis behind it, a simulated API server's ConfigMap, an injected clock."""

import re
from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from redis import Redis
from werkzeug.test import TestResponse

from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.adapters.redis.audits import RedisAudits
from reactor.adapters.redis.clock_offsets import clocks
from reactor.adapters.redis.inbox import RedisInbox
from reactor.adapters.redis.outbox import RedisOutbox
from reactor.adapters.redis.process_reports import reports
from reactor.adapters.redis.queue_metrics import figures
from reactor.adapters.redis.store import RedisStore
from reactor.settings import Settings
from reactor.web import page
from reactor.web.app import application
from reactor.web.auth.senders import Senders, TokensFile
from reactor.web.events.accept import Reception
from reactor.web.held import HeldNow
from reactor.web.metrics import Sources
from rehearsal.twins.cluster import ApiCluster
from simulator.world import World

NOW = 1795500000.0
TOKENS = {"ann": "ann-may-act-1234", "bob": "bob-may-look-1234", "monitoring": "no-page-for-him-1"}
PAGES = {"ann": "act", "bob": "look"}
HTML = {"Accept": "text/html"}


class _Compiled(BytecodeCache):
    """Templates that were compiled once: else each app compiles its own, which is most of what a test takes."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class PageSite:
    """`folder` gets the tokens file. `now` may be changed. `world`: the cluster, where it is not an empty one."""

    def __init__(
        self, redis: Redis, folder: Path, *, guarded: bool = True, world: World | None = None, **settings: Any
    ) -> None:
        self.now, self.redis, self.world = NOW, redis, world or World()
        self.issuer: Any = None  # of JWTs
        if guarded:
            self.file = folder / "senders.json"
            self.name(TOKENS)
            settings["tokens_file"] = str(self.file)
        self.settings = Settings(**settings)
        self.store = RedisStore(redis, 3600)
        self.wishes: Any = InterventionsConfigMap(ApiCluster(self.world.api, "kubectl"), "vm-drift", self.clock)
        redis.set("vmdrift:watcher", f"{NOW}")
        self.app = self.another_process()

    def another_process(self) -> Flask:
        """One more receiver, with the same Redis and cluster, that remembers nothing yet."""
        inbox = self.inbox()
        senders = Senders(TokensFile(self.file), self.issuer) if self.issuer else Senders.of(self.settings)
        reception = Reception(inbox, senders, self.settings, self.clock)
        outbox = RedisOutbox(self.redis, 3600)
        sources = Sources(
            inbox,
            outbox,
            self.store,
            lambda: figures(self.redis, self.now),
            lambda: reports(self.redis),
            self.clock,
            lambda: clocks(self.redis),
            HeldNow(lambda: self.wishes, self.clock),
            RedisAudits(self.redis).last,
        )
        app = application(reception, sources, self.settings)
        page.mount(app, page.Parts(self.redis, reception, sources, self.wishes, self.settings))
        app.jinja_env.bytecode_cache = _COMPILED
        return app

    def inbox(self) -> RedisInbox:
        """The one of all processes, for one more."""
        return RedisInbox(self.redis, self.clock, 3600, fsync_wait=0.0)

    def clock(self) -> float:
        return self.now

    def name(self, tokens: dict[str, str]) -> None:
        """Write the tokens file."""
        entries = [{"name": name, "token": token, "page": PAGES.get(name, "")} for name, token in tokens.items()]
        entries.append({"name": "eve", "subject": "user-eve", "page": "look"})
        self.file.write_bytes(orjson.dumps({"senders": entries}))

    def browser(self, who: str = "", app: Flask | None = None) -> "Browser":
        """Somebody's browser; logged in if they are named."""
        browser = Browser((app or self.app).test_client())
        if who:
            assert browser.log_in(TOKENS[who]).status_code == 303
        return browser


class Browser:
    """A browser as far as a form needs one: it keeps cookies, and sends the hidden fields of what it shows."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={**HTML, **headers}, buffered=True)

    def post(self, path: str, form: dict[str, str], seen: str = "/login") -> TestResponse:
        """Send a form from the page `seen`, with that page's CSRF token."""
        return self.client.post(path, data={"csrf_token": self.token(seen), **form}, headers=HTML)

    def token(self, seen: str = "/login") -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(seen).text)
        assert found, f"no form on {seen}"
        return found[1]

    def log_in(self, token: str, then: str = "/") -> TestResponse:
        return self.post("/login", {"token": token, "next": then})

    def act(self, what: str, target: str, **more: str) -> TestResponse:
        return self.post("/act", {"what": what, "target": target, "next": "/", **more})
