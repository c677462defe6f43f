"""The page that `vmdrift rehearse --html` writes fits a screen and a telephone, and can be used by all."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, expect

from tests.rehearsals.golden import ENV, PLACE
from tests.support.browser import browser, complaints, needs_chromium, page_of, picture, violations
from vmdrift.cli import main

pytestmark = [needs_chromium, pytest.mark.xdist_group("rehearsal page")]
_PCI = {"hostDevices": [{"name": "card", "deviceName": "example.com/card"}]}


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a full cluster, with a VM that is not played whole."""
    folder = tmp_path_factory.mktemp("rehearsal")
    dump = json.loads((PLACE / "full.json").read_text())
    for obj in dump["items"]:
        if obj["kind"] == "VirtualMachineInstance" and obj["metadata"]["name"] == "vm-0":
            obj["spec"]["domain"]["devices"] = {**obj["spec"]["domain"].get("devices", {}), **_PCI}
    (folder / "dump.json").write_text(json.dumps(dump))
    words = ["rehearse", "--each", "-f", str(folder / "dump.json"), "--html", str(folder / "page.html")]
    assert CliRunner().invoke(main, words, env=ENV).exit_code == 1
    return folder / "page.html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_it_fits_and_can_be_used_by_all(page_file: Path, chromium: Browser, width: int, dark: bool) -> None:
    page = page_of(chromium, width=width, dark=dark)
    said = complaints(page)
    page.goto(page_file.as_uri())
    picture(page, f"rehearsal-{width}{'-dark' if dark else ''}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (violations(page), said) == ([], [])


def test_it_leads_to_each_loss_that_leaves_vms_down_and_says_what_was_not_played(
    page_file: Path, chromium: Browser
) -> None:
    page = page_of(chromium)
    page.goto(page_file.as_uri())
    page.get_by_role("navigation").get_by_role("link", name="full-2").click()
    expect(page.locator("section:target h2")).to_have_text("full-2 lost: none of 3 VMs runs again, for want of room.")
    expect(page.get_by_text("Not played: PCI device (only how many a node has).")).to_have_count(1)
    expect(page.get_by_role("img", name="Timeline of default/small")).to_have_count(1)
