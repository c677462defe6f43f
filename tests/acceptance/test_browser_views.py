"""Every page at every moment of an outage, in a real browser: nobody is kept out, and what counts comes first.

The moments are those of `make pictures`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from redis import Redis

from tests.page.site import TOKENS
from tests.pictures.__main__ import faults, log_in
from tests.pictures.scenes import VIEWS
from tests.pictures.stage import served
from tests.support.browser import browser, needs_chromium, page_of
from tests.support.chance import every_other

pytestmark = [needs_chromium, pytest.mark.long(30)]
SCREEN = 900  # pixels
# In this order, half of them are all moments once, in both looks.
LOOKS = [(name, width, dark) for width, dark in ((1280, False), (400, True)) for name in VIEWS]
BY_NIGHT = [
    pytest.param((name, width, dark), id=f"{name}-{width}-{dark}", marks=pytest.mark.nightly)
    for name in VIEWS
    for width, dark in ((1024, True), (400, False))
]
EACH = [*every_other(LOOKS, [f"{name}-{width}-{dark}" for name, width, dark in LOOKS]), *BY_NIGHT]
HEADLINES = {
    "window": "worker-1 lost 1 min 10 s ago · 6 VMs: 4 will move (first in 3 min 50 s), 2 will stay down: act now",
    "released": "worker-1 lost 5 min 45 s ago · 6 VMs: 2 run again, 2 are moving, 2 will stay down: act now",
    "done": "worker-1 lost 15 min ago · 6 VMs: 4 run again, 2 will stay down: act now",
    "blocked": "lost 5 min 30 s ago",  # two nodes at the same moment, in any order
    "held": "6 VMs: 1 runs again, 2 are moving, 1 is held, 2 will stay down: act now",
    "sixty": "60 VMs: 36 run again, 12 are moving, 12 will stay down: act now",
    "workers-dead": "6 VMs: 4 will move (45 s late: no worker is alive), 2 will stay down: act now",
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def site(redis: Redis, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The page's address at the moment that the test names."""
    with served(VIEWS[request.param].moment(redis, tmp_path).show()) as url:
        yield url


def at(moment: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("site", [moment], indirect=True)


def logged_in(chromium: Browser, url: str, width: int = 1280, *, dark: bool = False) -> Page:
    page = page_of(chromium, width=width, dark=dark)
    log_in(page, url)
    return page


def on_first_screen(found: Locator) -> None:
    """To be seen without scrolling."""
    expect(found).to_be_visible()
    box = found.bounding_box()
    assert box
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= SCREEN


@pytest.mark.parametrize("look", EACH)
def test_nobody_is_kept_out_of_any_page_and_none_is_wider_than_the_screen(
    look: tuple[str, int, bool], redis: Redis, tmp_path: Path, chromium: Browser
) -> None:
    moment, width, dark = look
    with served(VIEWS[moment].moment(redis, tmp_path).show()) as url:
        page = logged_in(chromium, url, width, dark=dark)
        for name, path in {**VIEWS[moment].pages, "nothing": "/nothing"}.items():
            page.goto(url + path)
            expect(page.get_by_role("heading", level=1)).not_to_have_text("")
            assert list(faults(page, f"{moment}-{name}")) == []


def test_nobody_is_kept_out_of_the_login(redis: Redis, tmp_path: Path, chromium: Browser) -> None:
    with served(VIEWS["quiet"].moment(redis, tmp_path).show()) as url:
        for width, dark in [(1280, False), (400, True)]:
            page = page_of(chromium, width=width, dark=dark)
            page.goto(url)
            page.get_by_label("Token").fill(TOKENS["ann"][:-1])
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_role("alert")).to_contain_text("Unknown token")
            assert list(faults(page, "login")) == []


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize(("site", "line"), HEADLINES.items(), indirect=["site"])
def test_what_becomes_of_the_vms_is_the_first_line(site: str, line: str, chromium: Browser, width: int) -> None:
    page = logged_in(chromium, site, width)
    first = page.locator("main > *:not(.hidden):visible").first
    expect(first).to_have_class("headline urgent")
    expect(first).to_contain_text(line)
    on_first_screen(first)
    on_first_screen(page.locator(".health"))


@at("window")
def test_actions_are_on_the_first_screen_of_a_telephone_and_who_stays_down_is_said_from_the_start(
    site: str, chromium: Browser
) -> None:
    page = logged_in(chromium, site, 400)
    on_first_screen(page.locator(".steps summary"))
    on_first_screen(page.get_by_role("link", name="Confirm that worker-1 is off"))
    urgent = page.locator("details.group.urgent")
    expect(urgent.locator("summary")).to_contain_text([re.compile("will stay down")] * 2)
    expect(urgent.locator("summary progress")).to_have_count(0)
    page.goto(f"{site}/vm/shop/web")
    on_first_screen(page.get_by_text("It will move."))
    expect(page.get_by_text("It can run on any of 3 nodes: worker-2, worker-3, worker-4.").first).to_be_visible()
    page.goto(f"{site}/vm/shop/licence")
    on_first_screen(page.get_by_text("It will stay down."))
    expect(page.get_by_text("Foreseen at 11:07:34Z: it stays down (pinned-to-node).")).to_be_visible()


@at("workers-dead")
def test_who_is_missing_is_red_and_no_countdown_runs(site: str, chromium: Browser) -> None:
    page = logged_in(chromium, site)
    for name in ("scheduler", "workers"):
        on_first_screen(page.locator(".health .bad", has_text=name))
    expect(page.locator("progress")).to_have_count(0)
    expect(page.locator("summary .late").last).to_have_text("45 s late: no worker is alive")


@at("quiet")
def test_a_quiet_cluster_is_green_and_says_what_is_watched(site: str, chromium: Browser) -> None:
    page = logged_in(chromium, site)
    expect(page.locator(".health .bad")).to_have_count(0)
    expect(page.locator(".health")).to_contain_text("watcher heard 2 s ago, 4 nodes")
    expect(page.get_by_text("Nothing is to be done.")).to_be_visible()
    page.set_viewport_size({"width": 400, "height": SCREEN})
    covered = "4 nodes, 8 VMs; 2 would stay down if a node were lost: vmdrift audit --any 1"
    expect(page.locator(".health .good", has_text="covered")).to_contain_text(covered)
    on_first_screen(page.locator(".health .good .words", has_text=covered))


@at("window")
def test_while_redis_is_away_an_open_page_says_so_and_no_longer_that_all_is_well(site: str, chromium: Browser) -> None:
    page = logged_in(chromium, site)
    expect(page.locator(".health")).to_be_visible()
    away = '<p id="trouble">Redis is away since 11:08:44Z; recovery goes on when it is back.</p>'
    page.route("**/*", lambda route: route.fulfill(status=503, content_type="text/html", body=away))
    alert = page.locator("#lost")
    expect(alert).to_have_text(
        "Redis is away since 11:08:44Z; recovery goes on when it is back. What you see below is older."
    )
    on_first_screen(alert)
    expect(page.locator(".health")).to_be_hidden()
    expect(page.locator(".headline")).to_be_visible()
    page.unroute("**/*")
    expect(alert).to_be_hidden()
    expect(page.locator(".health")).to_be_visible()


@at("sixty")
def test_sixty_vms_with_what_to_do_for_them_fit_one_screen_of_a_desktop(site: str, chromium: Browser) -> None:
    page = logged_in(chromium, site)
    assert page.evaluate("document.documentElement.scrollHeight") <= SCREEN
    expect(page.get_by_text("kubectl -n lab patch vm test-0 --type=merge")).to_be_visible()


@at("over")
def test_a_vm_that_is_not_back_stands_out_after_the_outage(site: str, chromium: Browser) -> None:
    page = logged_in(chromium, site)
    on_first_screen(page.locator(".note.bad", has_text="Not back after an outage that is over"))
    expect(page.get_by_text("Nothing is to be done.")).to_have_count(0)
    page.goto(f"{site}/history")
    expect(page.locator("li", has_text="shop/queue").first).to_contain_text("not back")
    expect(page.locator("li", has_text="shop/licence").first).to_contain_text("down 14 min 22 s")
    expect(page.get_by_text("ann (page) cancelled the recovery of shop/queue: a new one is there.")).to_be_visible()
    expect(page.locator("li", has_text="shop/web").first).to_contain_text("Kept: it ran on")


@at("held")
def test_what_is_held_is_seen_with_its_date_and_has_a_colour_of_its_own(site: str, chromium: Browser) -> None:
    page = logged_in(chromium, site)
    expect(page.locator("details.group", has_text="shop/web").locator(".why").first).to_contain_text(
        "Held until 2026-11-19 11:08:04Z by ann at 11:08:04Z: the backup runs."
    )
    fill = "one => getComputedStyle(one).fill"
    colours = [page.locator(f".legend .stage.{name}").evaluate(fill) for name in ("blocked", "held", "detaching")]
    assert len(set(colours)) == 3
    dashes = "one => getComputedStyle(one).strokeDasharray"
    assert page.locator(".line .stage.expected").first.evaluate(dashes) != "none"
    assert page.locator(".line .stage:not(.expected)").first.evaluate(dashes) == "none"


@at("blocked")
def test_of_two_lost_nodes_one_can_be_chosen(site: str, chromium: Browser) -> None:
    page = logged_in(chromium, site)
    expect(page.locator("main > .headline")).to_have_count(2)
    page.get_by_text("Show only some VMs").click()
    page.get_by_role("combobox", name="Node").select_option("worker-2")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("0 of 6 VMs are shown.")).to_be_visible()
    expect(page.locator("details.group")).to_have_count(1)
    expect(page.get_by_role("link", name="office/mail").first).to_be_visible()
