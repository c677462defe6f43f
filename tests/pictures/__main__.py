"""`python -m tests.pictures [--docs] [MOMENT ...]`: every page of every moment, in every width, light and dark.

They go to `screenshots/`, which git ignores; `--docs` puts those that the documentation shows where it has them. The
exit code is 1 where axe finds what keeps somebody from using a page, or a page is wider than the screen.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page
from redis import Redis

from tests.page.site import TOKENS
from tests.pictures.scenes import VIEWS, window
from tests.pictures.stage import served
from tests.support.browser import PICTURES, browser, page_of, picture, violations
from tests.support.places import DOCS
from vmdrift.processes import Processes
from vmdrift.valkey import start

WIDTHS = (1280, 1024, 400)
# What the documentation shows, by the picture's name: moment, page, and which part of it; "" is the first screen.
SHOWN = {"outage": ("window", "/", ""), "blocked": ("held", "/vm/shop/web", "section[aria-labelledby=checks]")}
GONE = "redis-gone"


def looks() -> list[tuple[int, bool]]:
    """Width, and whether it is dark."""
    return [(width, dark) for width in WIDTHS for dark in (False, True)]


def log_in(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_label("Token").fill(TOKENS["ann"])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Outages").wait_for()


def faults(page: Page, name: str) -> Iterator[str]:
    """What keeps somebody from using what is shown."""
    yield from (f"{name}: {rule}: {html}" for rule, html in violations(page))
    if not page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
        yield f"{name}: wider than the screen"
    cut = page.evaluate(
        "[...document.querySelectorAll('.group .wide')].filter((one) => one.scrollWidth > one.clientWidth).length"
    )
    if cut:
        yield f"{name}: {cut} groups are wider than there is room for"


def taken(found: Browser, url: str, pages: dict[str, str], moment: str) -> Iterator[str]:
    """All pages of a moment, each a picture; what is wrong with them."""
    for width, dark in looks():
        page = page_of(found, width=width, dark=dark)
        log_in(page, url)
        for name, path in pages.items():
            page.goto(url + path)
            whole = "-".join(filter(None, (moment, name, f"{width}", "dark" if dark else "light")))
            picture(page, whole)
            yield from faults(page, whole)
        page.context.close()


def without_redis(found: Browser, redis: Redis, folder: Path, processes: Processes) -> Iterator[str]:
    """Open pages keep their last picture and say so; one that is opened now says what is wrong."""
    with served(window(redis, folder).show()) as url:
        pages = {look: page_of(found, width=look[0], dark=look[1]) for look in looks()}
        for page in pages.values():
            log_in(page, url)
        processes.children.pop("valkey").kill()
        for (width, dark), page in pages.items():
            page.get_by_text("Redis is away since").first.wait_for()
            for name in ("", "fresh"):
                if name:
                    page.goto(url)
                whole = "-".join(filter(None, (GONE, name, f"{width}", "dark" if dark else "light")))
                picture(page, whole)
                yield from faults(page, whole)
            page.context.close()


def for_docs(found: Browser, redis: Redis, folder: Path) -> None:
    """Those that the documentation shows."""
    for name, (moment, path, part) in SHOWN.items():
        with served(VIEWS[moment].moment(redis, folder).show()) as url:
            page, file = page_of(found, width=1100), str(DOCS / "images" / f"{name}.png")
            log_in(page, url)
            page.goto(url + path)
            if part:
                page.locator(part).screenshot(path=file)
            else:
                page.screenshot(path=file)
            page.context.close()


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def main(words: list[str]) -> int:
    """The exit code."""
    wanted = [word for word in words if not word.startswith("-")] or [*VIEWS, GONE]
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="vmd-") as name, Processes(Path(name)) as processes, browser() as found:
        folder = Path(name)
        redis = Redis.from_url(start(processes, folder))
        if "--docs" in words:
            for_docs(found, redis, folder)
        for moment in (one for one in wanted if one != GONE):
            _say(moment)
            with served(VIEWS[moment].moment(redis, folder).show()) as url:
                wrong += taken(found, url, VIEWS[moment].pages, moment)
        if GONE in wanted:
            wrong += without_redis(found, redis, folder, processes)
    _say(*wrong, f"{PICTURES}: {len(list(PICTURES.glob('*.png')))} pictures")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
