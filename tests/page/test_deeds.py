"""Who did what when: on the page of the node and of the VM, in history, and for as long as the outage is remembered."""

import json

import pytest
from redis import Redis

from reactor.interventions import Interventions, Person
from reactor.model.deed import Deed
from reactor.model.drift import OutageRecord
from reactor.model.errors import StoreUnreachable
from reactor.model.intervention import HOLD
from tests.contracts.samples import LOST_AT, outage, record
from tests.page.site import NOW, PageSite
from tests.support.commands import vmdrift

ID = outage().id


@pytest.fixture
def lost(site: PageSite) -> PageSite:
    site.now = LOST_AT + 60.0
    site.store.save_outage(OutageRecord(outage(), LOST_AT), done=False)
    for vm in ("web", "db"):
        site.store.create(record(vm), [])
    return site


def log_of(site: PageSite) -> list[tuple[str, str, str, str]]:
    return [(deed.what, deed.target, deed.by, deed.channel) for deed in site.store.deeds.of([ID])[ID]]


def test_the_log_outlives_what_was_done(lost: PageSite) -> None:
    browser = lost.browser("ann")
    browser.act("hold", "node-a", why="firmware")
    browser.act("resume", "node-a")
    browser.act("cancel", "shop/web", why="a new one is there", sure="yes")
    assert log_of(lost) == [
        ("hold", "node/node-a", "ann", "page"),
        ("resume", "node/node-a", "ann", "page"),
        ("cancel", "vm/shop/web", "ann", "page"),
    ]
    for path in ("/node/node-a", "/vm/shop/web"):
        shown = lost.browser("bob").get(path).text
        assert "ann (page) held node-a: firmware." in shown
        assert "ann (page) resumed node-a." in shown
        assert "ann (page) cancelled the recovery of shop/web: a new one is there." in shown
    other = lost.browser("bob").get("/vm/shop/db").text
    assert "held node-a" in other
    assert "cancelled the recovery of" not in other


def test_history_has_it_when_all_is_over(lost: PageSite, redis_url: str) -> None:
    lost.browser("ann").act("hold", "node-a", why="firmware")
    lost.store.save_outage(OutageRecord(outage(), LOST_AT, LOST_AT + 900.0), done=True)
    assert "ann (page) held node-a: firmware." in lost.browser("bob").get("/history").text
    env = {"VMDRIFT_REDIS_URL": redis_url, "COLUMNS": "200"}
    assert "ann (page) held node-a: firmware." in vmdrift("history", env=env).out
    (past,) = json.loads(vmdrift("history", "--json", env=env).out)["outages"]
    (deed,) = past["deeds"]
    assert (deed["what"], deed["by"], deed["why"], deed["target"]) == ("hold", "ann", "firmware", "node/node-a")


def test_what_was_held_before_the_node_was_lost_is_there_too(lost: PageSite) -> None:
    for target in ("node/node-a", "node/node-b"):
        lost.store.deeds.note(Deed("hold", target, "bob", "cli", "maintenance", LOST_AT - 60.0))
    shown = lost.browser("bob").get("/node/node-a").text
    assert "bob (cli) held node-a: maintenance." in shown
    assert "node-b" not in shown


def test_reasons_are_shown_as_the_text_that_they_are(lost: PageSite) -> None:
    lost.store.deeds.note(Deed("hold", "node/node-a", "<b>ann</b>", "cli", "<script>\u202ex", NOW, None, (ID,)))
    shown = lost.browser("bob").get("/node/node-a").text
    assert "&lt;b&gt;ann&lt;/b&gt;" in shown
    assert "<script>\\u202e" not in shown
    assert "\u202e" not in shown


def test_a_hold_needs_no_redis_and_only_the_log_lacks_it(
    lost: PageSite, redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    def away() -> None:
        raise StoreUnreachable("Redis is away: it is off")

    ann = Interventions(Person("ann", "cli"), lost.wishes, away, lost.inbox)  # type: ignore[arg-type]
    ann.hold("all", None, "firmware")
    assert [entry.kind for entry in lost.wishes.written()] == [HOLD]
    assert "intervention not in the log of deeds" in capsys.readouterr().out
    assert not redis.exists("vmdrift:deeds")
