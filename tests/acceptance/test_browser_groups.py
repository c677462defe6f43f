"""Sixty VMs in a real browser: they fit one screen, groups open by keyboard and stay open, and nobody is kept out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from reactor.model.drift import Phase
from tests.page.site import NOW, TOKENS, PageSite
from tests.page.test_headline import lose, sixty, vm
from tests.pictures.stage import served
from tests.support.browser import browser, complaints, needs_chromium, page_of, violations

pytestmark = needs_chromium
SCREEN = 1000  # pixels; a desktop's browser shows about as many


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def crowd(redis: Redis, tmp_path: Path) -> Iterator[tuple[PageSite, str]]:
    """A page on which a node with sixty VMs is lost."""
    site = PageSite(redis, tmp_path)
    lose(site, *sixty())
    with served(site) as url:
        yield site, url


def logged_in(page: Page, url: str) -> Page:
    page.goto(url)
    page.get_by_label("Token").fill(TOKENS["bob"])
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".headline")).to_contain_text("60 VMs: 56 are moving, 4 will stay down: act now")
    page.wait_for_load_state()
    return page


def height(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollHeight"))


def test_a_group_opens_by_keyboard_and_stays_open_and_focused_when_the_page_refreshes(
    crowd: tuple[PageSite, str], chromium: Browser
) -> None:
    site, url = crowd
    page = logged_in(page_of(chromium), url)
    said = complaints(page)
    assert height(page) <= SCREEN
    group = page.locator("details.group", has_text="56 VMs")
    group.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(group.get_by_role("link", name="shop/web-07")).to_be_visible()
    assert violations(page) == []
    site.now = NOW + 5
    expect(page.locator("#as-of")).to_contain_text("06:00:05Z")  # it has refreshed itself
    expect(group.get_by_role("link", name="shop/web-07")).to_be_visible()
    expect(group.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(group.get_by_role("link", name="shop/web-07")).to_be_hidden()
    site.now = NOW + 9
    expect(page.locator("#as-of")).to_contain_text("06:00:09Z")
    expect(group.get_by_role("link", name="shop/web-07")).to_be_hidden()
    assert said == []


def test_on_a_telephone_without_scripts_the_filter_finds_a_vm(crowd: tuple[PageSite, str], chromium: Browser) -> None:
    page = logged_in(page_of(chromium, width=400, scripts=False), crowd[1])
    page.get_by_text("Show only some VMs").click()
    page.get_by_label("Name has").fill("web-42")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("1 of 60 VMs are shown.")).to_be_visible()
    expect(page.locator("details.group").get_by_role("link", name="shop/web-42")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("details.group")).to_have_count(2)


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (400, False), (400, True)])
def test_nobody_is_kept_out_and_nothing_is_wider_than_the_screen(
    crowd: tuple[PageSite, str], chromium: Browser, *, width: int, dark: bool
) -> None:
    page = logged_in(page_of(chromium, width=width, dark=dark), crowd[1])
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_six_hundred_vms_are_one_screen_and_a_group_shows_its_first_hundred(
    redis: Redis, tmp_path: Path, chromium: Browser
) -> None:
    site = PageSite(redis, tmp_path)
    lose(site, *(vm(f"web-{number:03}", Phase.RELEASED, "force-deleted") for number in range(600)))
    with served(site) as url:
        page = page_of(chromium)
        page.goto(url)
        page.get_by_label("Token").fill(TOKENS["bob"])
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".headline")).to_contain_text("600 VMs: 600 are moving")
        assert height(page) <= SCREEN
        page.locator("details.group summary").click()
        expect(page.locator("details.group tbody tr")).to_have_count(100)
        expect(page.get_by_text("The first 100 of 600.")).to_be_visible()
        page.goto(f"{url}/?name=web-599")
        expect(page.get_by_role("link", name="shop/web-599")).to_be_visible()
