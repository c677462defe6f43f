"""Whoever asks on the page and whoever asks on the command line get the same done, and the same answer."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType

import pytest

from reactor.adapters.kubernetes.cluster import served_clock
from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.adapters.redis.inbox import RedisInbox
from reactor.model.drift import OutageRecord, Phase
from reactor.model.event import DRIFT_REQUESTED, DRIFT_RETRY
from reactor.model.receipt import Receipt, Result
from rehearsal.twins.cluster import ApiCluster
from simulator.apiserver import ApiServer, kubeconfig
from tests.contracts.samples import outage, record
from tests.page.site import NOW, PageSite
from tests.support.commands import vmdrift
from vmdrift.intervene.person import who

NODE, VM, WAYS = "node-a", "shop/web", ("page", "cli")
ANEW = MappingProxyType({"why": "new"})
MONTH = 30 * 86400.0
NO_WHY, WAITS = "no reason given", Phase.WAITING
FORCED = "so nothing was held; --force holds one that is yet to come"
GOES_ON = "Timers keep running; nothing of it is deleted while it is held."
CANCELLED = f"Recovery of {VM} is cancelled for this outage. `vmdrift retry {VM}` starts it again."
Options = Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """`code`: 0 it is done, 1 it is not so, 2 it cannot be done."""

    code: int
    text: str


@dataclass(frozen=True)
class Site:
    """A receiver with its page, and the command line, on one Redis and one cluster."""

    page: PageSite
    env: Mapping[str, str]

    def ask(self, way: str, what: str, target: str, more: Options = MappingProxyType({})) -> Answer:
        """On the page or by a command."""
        return (self._on_the_page if way == "page" else self._by_command)(what, target, more)

    def _on_the_page(self, what: str, target: str, more: Options) -> Answer:
        browser = self.page.browser("ann")
        answer = browser.act(what, target, sure="yes", **more)
        shown = browser.get("/").text if answer.status_code == 303 else answer.text
        text = unescape(shown).replace("<code>", "`").replace("</code>", "`")
        return Answer({303: 0, 409: 1}.get(answer.status_code, 2), text)

    def _by_command(self, what: str, target: str, more: Options) -> Answer:
        options = {"lasts": "--for", "why": "--why", "force": "--force"}
        words = [word for name, value in more.items() for word in (options[name], value) if word != "yes"]
        done = vmdrift(what, target, *words, env=self.env)
        return Answer(done.code, done.out + done.err)

    @contextmanager
    def worker(self, phase: Phase | None) -> Iterator[list[Receipt]]:
        """Looks at once at what comes in, which is yielded. `phase`: of the drift of VM; None: there is none."""
        if phase:
            self.page.store.save_outage(OutageRecord(outage(), NOW), done=False)
            self.page.store.create(record("web", phase=phase), [])
        inbox, taken = RedisInbox(self.page.redis, self.page.clock, 3600, fsync_wait=0.0), list[Receipt]()
        end = Event()
        thread = Thread(target=_work, args=(inbox, taken, end))
        thread.start()
        try:
            yield taken
        finally:
            end.set()
            thread.join()


def _work(inbox: RedisInbox, taken: list[Receipt], end: Event) -> None:
    last = False
    while not last:
        last = end.wait(0.02)
        for receipt in inbox.unsettled(2 * NOW):
            taken.append(receipt)
            inbox.settle(receipt.id, Result("taken", "drift", "waiting: It waits."))


@pytest.fixture
def both(site: PageSite, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    """A node and a VM that are there."""
    admin = site.world.api.client("admin")
    admin.create("nodes", {"metadata": {"name": NODE}})
    admin.create("virtualmachines", {"metadata": {"name": "web", "namespace": "shop"}})
    cluster = ApiCluster(site.world.api, "kubectl")
    site.wishes = InterventionsConfigMap(cluster, "vm-drift", served_clock(cluster))
    site.app = site.another_process()
    with ApiServer(site.world.api) as server:
        file = tmp_path / "kubeconfig"
        file.write_text(json.dumps(kubeconfig(server.url, "a token")))
        yield Site(site, {"KUBECONFIG": str(file), "VMDRIFT_REDIS_URL": redis_url})


@dataclass(frozen=True)
class Row:
    """What is asked while the drift of VM stands in `phase`, and what comes of it.

    `written`: target, why and for how long, as it stands in the ConfigMap then; `sent`: the type of the event.
    """

    what: str
    target: str
    says: str = ""
    phase: Phase | None = None
    code: int = 0
    more: Options = field(default_factory=dict)
    written: tuple[str, str, float | None] | None = None
    sent: str | None = None


TABLE = [
    Row("hold", NODE, f"{NODE} is held until it is resumed. {GOES_ON}", written=("node/node-a", NO_WHY, None)),
    Row("hold", NODE, GOES_ON, more={"lasts": "30m", "why": "new"}, written=("node/node-a", "new", 1800.0)),
    Row("hold", NODE, GOES_ON, more={"why": "x" * 600}, written=("node/node-a", "x" * 500, None)),
    Row("hold", NODE, GOES_ON, more={"why": "  "}, written=("node/node-a", NO_WHY, None)),
    Row("hold", VM, GOES_ON, written=("vm/shop/web", NO_WHY, None)),
    Row("hold", "all", GOES_ON, written=("all", NO_WHY, None)),
    Row("hold", "nodea", f"there is no node nodea (did you mean node-a?), {FORCED}", code=1),
    Row("hold", "shop/wbe", f"there is no VM shop/wbe (did you mean shop/web?), {FORCED}", code=1),
    Row("hold", "other/web", f"there is no VM other/web, {FORCED}", code=1),
    Row("hold", "node-z", "There is no node node-z now.", more={"force": "yes"}, written=("node/node-z", NO_WHY, None)),
    Row("hold", "x/y", "There is no VM x/y now.", more={"force": "yes"}, written=("vm/x/y", NO_WHY, None)),
    Row("hold", "Node A", "'Node A' is not a node's name", code=2),
    Row("hold", NODE, "invalid duration 'soon'", code=2, more={"lasts": "soon"}),
    Row("resume", NODE, f"{NODE} is not held; `vmdrift holds` shows what is", code=1),
    Row("cancel", VM, f"{VM} has no recovery in any open outage; `vmdrift status` shows them", code=1, more=ANEW),
    Row("cancel", "shop/wbe", "shop/wbe has no recovery in any open outage (did you mean shop/web?)", WAITS, 1, ANEW),
    Row("cancel", VM, f"{VM}: its recovery has already ended, completed: It waits", Phase.COMPLETED, 1, ANEW),
    Row("cancel", VM, CANCELLED, WAITS, more=ANEW, written=("vm/shop/web", "new", MONTH), sent=DRIFT_REQUESTED),
    Row("cancel", VM, phase=WAITS, code=2),
    Row("cancel", VM, phase=WAITS, code=2, more={"why": "  "}),
    Row("retry", VM, f"{VM} has no recovery in any open outage; `vmdrift status` shows them", code=1),
    Row("retry", VM, phase=WAITS, sent=DRIFT_RETRY),
    Row("retry", VM, phase=Phase.COMPLETED, sent=DRIFT_RETRY),
    Row("retry", NODE, f"{NODE!r} is not a VM as NAMESPACE/NAME", code=2),
    Row("drift", VM, sent=DRIFT_REQUESTED),
    Row("drift", NODE, f"{NODE!r} is not a VM as NAMESPACE/NAME", code=2),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.what}-{row.target}-{row.says[-12:]}")
def test_both_do_the_same_and_say_the_same(both: Site, way: str, row: Row) -> None:
    with both.worker(row.phase) as taken:
        answer = both.ask(way, row.what, row.target, row.more)
    assert (answer.code, row.says in answer.text) == (row.code, True), answer.text
    entries = both.page.wishes.written()
    written = [(entry.target, entry.why, entry.until and entry.until - entry.at) for entry in entries]
    assert written == ([row.written] if row.written else [])
    sent = [(receipt.type, receipt.subject, receipt.person) for receipt in taken]
    assert sent == ([(row.sent, VM, True)] if row.sent else [])
    by = "ann" if way == "page" else who()
    assert {entry.by for entry in entries} | {receipt.sender for receipt in taken} <= {by}


@pytest.mark.parametrize("way", WAYS)
def test_both_lift_what_the_other_wrote(both: Site, way: str) -> None:
    other = next(one for one in WAYS if one != way)
    with both.worker(Phase.WAITING):
        both.ask(other, "hold", NODE)
        both.ask(other, "cancel", VM, ANEW)
        assert "node-a is no longer held." in both.ask(way, "resume", NODE).text
        assert both.ask(way, "retry", VM).code == 0
    assert both.page.wishes.written() == ()
