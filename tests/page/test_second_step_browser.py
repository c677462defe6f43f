"""In a browser, by keyboard alone: from a lost node to a deed that was confirmed, and to who did it."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import orjson
import pytest
from playwright.sync_api import Browser, Page, expect
from redis import Redis
from werkzeug.serving import make_server

from reactor.adapters.redis.summaries import RedisSummaries
from reactor.model.drift import OutageRecord
from reactor.model.event import NODE_FENCED
from reactor.model.node import node_view
from reactor.model.summary import Summary
from tests.contracts.samples import LOST_AT, node, outage, record
from tests.page.site import TOKENS, PageSite
from tests.support.browser import browser, complaints, needs_chromium, page_of, picture, violations

pytestmark = [needs_chromium, pytest.mark.long(20)]
_MANY = 80  # presses of Tab; there are fewer places to go to on any of these pages


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def served(redis: Redis, tmp_path: Path) -> Iterator[tuple[PageSite, str]]:
    """A node is lost with two VMs; ann may act, and confirm."""
    site = PageSite(redis, tmp_path, fencing=("event",))
    site.now = LOST_AT + 60.0
    entry = {"name": "ann", "token": TOKENS["ann"], "page": "act", "types": [NODE_FENCED]}
    site.file.write_bytes(orjson.dumps({"senders": [entry]}))
    site.store.save_outage(OutageRecord(outage(), LOST_AT), done=False)
    for vm in ("web", "db"):
        site.store.create(record(vm), [])
    view = node_view({**node(ready="Unknown"), "status": {**node()["status"], "nodeInfo": {"bootID": "boot-1"}}})
    assert view
    RedisSummaries(redis).publish(Summary(site.now, (view,), {}))
    redis.persist("vmdrift:summary")
    for key in redis.scan_iter("vmdrift:summary:*"):
        redis.persist(key)
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield site, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def reach(page: Page, selector: str) -> None:
    """By Tab alone."""
    for _ in range(_MANY):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{selector} cannot be reached by Tab on {page.url}")


def press(page: Page, selector: str, then: str = "") -> None:
    """By Enter; `then`: the heading of the page that it leads to."""
    reach(page, selector)
    page.keyboard.press("Enter")
    if then:
        expect(page.get_by_role("heading", name=then, level=1)).to_be_visible()


def log_in(page: Page, url: str) -> None:
    page.goto(url)
    reach(page, "[name=token]")
    page.keyboard.type(TOKENS["ann"])
    page.keyboard.press("Enter")
    expect(page.locator(".outage").first).to_be_visible()


def test_without_scripts_a_drift_is_cancelled_on_a_telephone(served: tuple[PageSite, str], chromium: Browser) -> None:
    site, url = served
    page = page_of(chromium, width=390, scripts=False)
    page.goto(url)
    page.get_by_label("Token").fill(TOKENS["ann"])
    page.keyboard.press("Enter")
    page.get_by_role("link", name="shop/web").first.click()
    page.locator(".acts summary").click()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_label("Reason").fill("a new one is there")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is cancelled for this outage")
    picture(page, "cancelled-phone")
    assert [entry.why for entry in site.wishes.written()] == ["a new one is there"]


def test_a_drift_is_cancelled_by_keyboard(served: tuple[PageSite, str], chromium: Browser) -> None:
    site, url = served
    page = page_of(chromium)
    said = complaints(page)
    log_in(page, url)
    press(page, 'a[href="/vm/shop/web"]', "shop/web")
    press(page, ".acts summary")
    press(page, 'a[href="/confirm/cancel/shop/web"]', "Cancel the recovery of shop/web?")
    assert violations(page) == []
    picture(page, "cancel")
    reach(page, "[name=why]")
    page.keyboard.press("Enter")  # without a reason the browser does not send it
    assert site.wishes.written() == ()
    page.keyboard.type("a new one is there")
    press(page, "button[value=cancel]")
    expect(page.get_by_role("status")).to_contain_text("is cancelled for this outage")
    expect(page.locator(".deeds")).to_contain_text("ann (page) cancelled the recovery of shop/web: a new one is there.")
    assert violations(page) == []
    picture(page, "cancelled")
    assert [entry.why for entry in site.wishes.written()] == ["a new one is there"]
    assert said == []


def test_a_node_is_confirmed_to_be_off_by_keyboard(served: tuple[PageSite, str], chromium: Browser) -> None:
    site, url = served
    page = page_of(chromium)
    log_in(page, url)
    press(page, 'a[href="/node/node-a"]', "Node node-a")
    press(page, 'a[href="/confirm/confirm-off/node-a"]', "Is node-a off?")
    expect(page.get_by_label("Node")).to_have_value("node-a")
    assert violations(page) == []
    picture(page, "confirm-off")
    reach(page, "[name=why]")
    page.keyboard.type("I pulled both plugs")
    press(page, "button[value=confirm-off]")
    expect(page.get_by_role("status")).to_contain_text("You have confirmed that boot boot-1 of node-a is off")
    (receipt,) = site.inbox().unsettled(site.now + 1000)
    assert (receipt.type, receipt.data["how"]) == (NODE_FENCED, "I pulled both plugs")


def test_what_is_held_is_resumed_and_that_shows_at_once(served: tuple[PageSite, str], chromium: Browser) -> None:
    _, url = served
    page = page_of(chromium, width=390, dark=True)
    log_in(page, url)
    page.goto(f"{url}/vm/shop/web")
    press(page, ".acts summary")
    press(page, "button[value=hold]")
    expect(page.locator(".note.held")).to_contain_text("Held until")
    page.goto(f"{url}/node/node-a")
    expect(page.locator("tr", has_text="shop/web").locator(".deed")).to_contain_text("Held until")
    assert violations(page) == []
    picture(page, "held-dark-phone")
    page.goto(f"{url}/vm/shop/web")
    press(page, "button[value=resume]")
    expect(page.get_by_role("status")).to_contain_text("is no longer held")
    expect(page.locator(".note.held")).to_have_count(0)
    assert violations(page) == []
