"""The page that `vmdrift rehearse --html` writes, in a real browser: nobody is kept out of it either."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.scene import DEMO, staged
from tests.support.browser import browser, needs_chromium, page_of, picture, violations
from tests.unit.vmdrift.plans import listed
from vmdrift.cli import main

pytestmark = [needs_chromium, pytest.mark.long(10)]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rehearsal")
    dump, page = folder / "dump.json", folder / "page.html"
    dump.write_text(json.dumps(listed(staged(DEMO))))
    words = ["rehearse", "worker-1", "-f", str(dump), "--html", str(page)]
    done = CliRunner().invoke(main, words, env={"VMDRIFT_FENCING": "", "KUBECONFIG": ""})
    assert done.exit_code == 1, done.output  # two VMs stay down
    return page


def test_nobody_is_kept_out_and_it_is_not_wider_than_the_screen(rehearsed: Path) -> None:
    with browser() as found:
        for width, dark in [(1280, False), (400, True)]:
            page = page_of(found, width=width, dark=dark)
            page.goto(rehearsed.as_uri())
            assert page.get_by_text("What would help:").count() == 2
            assert page.locator("code", has_text="kubectl -n shop edit vm licence").count() == 1
            assert page.locator("svg.timeline").count() == 6
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            picture(page, f"rehearsal-{width}")
