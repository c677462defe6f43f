"""A whole outage as somebody follows it in a browser, who holds a VM, lifts that, and loses Redis on the way."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import browser, complaints, needs_chromium, page_of, picture, violations
from tests.support.commands import eventually, vmdrift
from tests.support.http import ask, free_address
from tests.support.sites import Site

pytestmark = needs_chromium
TOKEN = "a-token-of-anns-own"
ROLES = ("reactor watch", "workers intake", "workers scheduler", "workers drifts", "workers drifts")
WINDOW = "20"  # seconds, long enough to be looked at
PAGES = {"node": "/node/worker-1", "fencing": "/fencing", "history": "/history", "queues": "/rq/"}
SECONDS = 60000.0  # milliseconds, as Playwright counts


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def served(site: Callable[[int], Site], folder: Path) -> tuple[Site, str]:
    """A cluster, all roles, and the page's address."""
    place, address = site(0), free_address()
    senders = folder / "senders.json"
    senders.write_bytes(orjson.dumps({"senders": [{"name": "ann", "token": TOKEN, "page": "act"}]}))
    longer = {"VMDRIFT_UNREACHABLE_WINDOW": WINDOW}
    place.start(*ROLES, **longer)
    place.start("reactor serve", VMDRIFT_LISTEN=address, VMDRIFT_TOKENS_FILE=str(senders), **longer)
    eventually("it answers", lambda: ask(f"http://{address}/readyz").status == 200)
    return place, f"http://{address}"


def log_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Outages")).to_be_visible()


def row(page: Page, vm: str) -> str:
    """What its group says of a VM; the picture refreshes itself meanwhile."""
    return page.locator("details.group", has=page.locator(f'a[href="/vm/{vm}"]')).inner_text()


@pytest.mark.long(60)
@pytest.mark.timeout(300)
def test_a_whole_outage_also_on_a_telephone_by_keyboard_and_without_scripts_or_redis(
    served: tuple[Site, str], chromium: Browser
) -> None:
    cluster, url = served
    page = page_of(chromium)
    page.goto(url)
    assert violations(page) == []
    picture(page, "login")
    log_in(page, url)
    said = complaints(page)
    expect(page.get_by_role("heading", name="No node is lost")).to_be_visible()
    picture(page, "calm")

    # The browser may be slow: nothing is released before shop/web is held by it.
    assert vmdrift("hold", cluster.demo.lost, env=cluster.env("operator")).code == 0
    cluster.demo.cut_power()  # nobody touches the browser: the page comes to know by itself
    expect(page.get_by_role("heading", name=re.compile("Node worker-1 is lost"))).to_be_visible(timeout=SECONDS)
    expect(page.locator("progress").first).to_be_visible()
    picture(page, "window")
    assert violations(page) == []

    page.get_by_role("link", name="shop/web").first.click()
    page.get_by_text("Hold, cancel or retry").click()
    page.get_by_label("Why").fill("the backup runs")
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("status")).to_contain_text("shop/web is held until")
    assert vmdrift("resume", cluster.demo.lost, env=cluster.env("operator")).code == 0
    expect(page.locator(".sentence code")).to_have_text("held", timeout=SECONDS)
    picture(page, "held")
    assert violations(page) == []

    plain = page_of(chromium, width=360, dark=True, scripts=False)
    log_in(plain, url)
    _complete_without_scripts(plain)
    _complete_on_a_telephone_in_the_dark(page_of(chromium, width=360, dark=True), url)
    page.goto(url)
    _complete_by_keyboard(page)

    page.goto(url)
    expect(page.locator(".todo")).to_contain_text("shop/scratch", timeout=SECONDS)
    cluster.wait_for("completed", "shop/files")
    assert not any("-web-" in entry["name"] for entry in cluster.deletes("pods"))
    expect(page.locator("details.group", has_text="shop/files")).to_contain_text("completed")
    picture(page, "outage")
    assert violations(page) == []
    page.goto(f"{url}/vm/shop/web")
    page.get_by_role("button", name="Resume shop/web").click()
    expect(page.get_by_role("status")).to_contain_text("is no longer held")
    expect(page.locator("h2 .phase").first).to_contain_text("completed", timeout=SECONDS)
    picture(page, "completed")
    assert violations(page) == []

    _look_around(page, url)
    assert said == []
    assert cluster.truth()["twice"] == []

    page.goto(url)
    _while_redis_is_away(cluster, page, url)


def _look_around(page: Page, url: str) -> None:
    for name, path in PAGES.items():
        page.goto(url + path)
        expect(page.locator("body")).to_contain_text("vm-drift")
        picture(page, name)
        assert violations(page) == []


def _complete_without_scripts(page: Page) -> None:
    assert re.search("waiting|blocked", row(page, "shop/web"))  # it is held
    page.locator("summary", has_text="Pause all recovery").click()
    page.locator("details[open]").get_by_role("button", name="Hold").click()
    expect(page.locator(".note.held").first).to_contain_text("everything: Held until")
    picture(page, "telephone")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Resume everything").click()
    expect(page.get_by_role("status")).to_contain_text("is no longer held")


def _complete_on_a_telephone_in_the_dark(page: Page, url: str) -> None:
    log_in(page, url)
    expect(page.get_by_role("heading", name=re.compile("Node worker-1"))).to_be_visible()
    assert violations(page) == []


def _complete_by_keyboard(page: Page) -> None:
    page.locator("body").press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    link = page.locator('a[href="/vm/shop/web"]').first
    link.focus()
    as_of = page.locator("#as-of").inner_text()
    expect(page.locator("#as-of")).not_to_have_text(as_of)  # it has refreshed itself
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="shop/web")).to_be_visible()


def _while_redis_is_away(cluster: Site, page: Page, url: str) -> None:
    """The last picture stays, and says so; a fresh page says it, too."""
    expect(page.locator('a[href="/vm/shop/web"]').first).to_be_visible()
    cluster.processes.children["valkey"].kill()
    expect(page.locator("#lost")).to_contain_text("Redis is away since", timeout=SECONDS)
    expect(page.locator('a[href="/vm/shop/web"]').first).to_be_visible()
    picture(page, "redis-away")
    assert violations(page) == []
    page.goto(url)
    expect(page.get_by_role("alert")).to_contain_text("recovery goes on when it is back")
    picture(page, "redis-away-fresh")
