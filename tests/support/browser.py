"""A headless browser, as people's are: Debian's Chromium, driven by Playwright. Pictures go to `screenshots/`."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.places import ROOT

PICTURES = ROOT / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; on Debian: apt-get install chromium")


@contextmanager
def browser() -> Iterator[Browser]:
    """Ends with the block. Its own sandbox does not start for root; a graphics card that is only played costs most."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-software-rasterizer"]
        )
        yield found
        found.close()


def page_of(found: Browser, *, width: int = 1280, dark: bool = False, scripts: bool = True) -> Page:
    """A window. A script of ours that goes wrong, or a policy that it breaks, fails the test (`complaints`)."""
    context = found.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
    )
    page = context.new_page()
    page.set_default_timeout(30000)
    return page


def complaints(page: Page) -> list[str]:
    """What the browser has to say of the page's scripts from now on."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    return said


def picture(page: Page, name: str) -> None:
    """All of the page, for people to look at."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)


def violations(page: Page) -> list[tuple[str, str]]:
    """What keeps somebody from using it, by WCAG 2.2 AA as far as axe can tell: rule, and the first element."""
    found: dict[str, Any] = Axe().run(page, options=_RULES)
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]]
