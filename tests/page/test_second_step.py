"""What is asked twice on the page: to cancel, and to confirm that a node is off. Both work without any script."""

import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path

import orjson
import pytest
from redis import Redis

from reactor.adapters.redis.summaries import RedisSummaries
from reactor.model.drift import OutageRecord, Phase
from reactor.model.event import NODE_FENCED
from reactor.model.node import node_view
from reactor.model.summary import Summary
from tests.contracts.samples import node, outage, record
from tests.page.site import NOW, TOKENS, Browser, PageSite

HOW = "I pulled both plugs"


def lost(site: PageSite, phase: Phase = Phase.WAITING) -> PageSite:
    site.store.save_outage(OutageRecord(outage(), NOW), done=False)
    site.store.create(record("web", phase=phase), [])
    return site


def fields(text: str) -> Mapping[str, str]:
    """Of the form in the page's main part that is posted to act."""
    form = text.partition('action="/act"')[2].partition("</form>")[0]
    named = {match[1]: match[0] for match in re.finditer(r'<(?:input|button)[^>]*name="([^"]+)"[^>]*>', form)}
    values = {name: re.search(r'value="([^"]*)"', tag) for name, tag in named.items()}
    return {name: unescape(value[1]) if value else "" for name, value in values.items()}


def sent(browser: Browser, path: str, **typed: str) -> int:
    """The form of this page, as a browser sends it."""
    form = {**fields(browser.get(path).text), **typed}
    return browser.client.post("/act", data=form, headers={"Accept": "text/html"}).status_code


def test_cancel_is_a_link_to_a_page_that_says_what_it_means_and_asks_why(site: PageSite) -> None:
    browser = lost(site).browser("ann")
    assert 'href="/confirm/cancel/shop/web"' in browser.get("/vm/shop/web").text
    assert 'value="cancel"' not in browser.get("/vm/shop/web").text
    shown = browser.get("/confirm/cancel/shop/web").text
    assert "It stays down" in shown
    assert "vmdrift retry shop/web" in shown
    assert re.search(r'name="why"[^>]* required', shown)
    assert sent(browser, "/confirm/cancel/shop/web", why="a new one is there") == 303
    assert [(entry.target, entry.why) for entry in site.wishes.written()] == [("vm/shop/web", "a new one is there")]


@pytest.mark.parametrize("form", [{"why": "x"}, {"sure": "yes"}, {"sure": "yes", "why": "  "}])
def test_without_the_second_step_or_a_reason_nothing_is_cancelled(site: PageSite, form: dict[str, str]) -> None:
    assert lost(site).browser("ann").act("cancel", "shop/web", **form).status_code == 400
    assert site.wishes.written() == ()


def test_what_has_ended_cannot_be_cancelled_and_the_page_says_so(site: PageSite) -> None:
    site.store.save_outage(OutageRecord(outage(), NOW), done=False)
    site.store.create(replace(record("web", phase=Phase.COMPLETED), ended_at=NOW), [])
    shown = site.browser("ann").get("/confirm/cancel/shop/web").text
    assert ("nothing to cancel" in shown, 'action="/act"' in shown) == (True, False)


@pytest.mark.parametrize("path", ["/confirm/cancel/shop/web", "/confirm/confirm-off/node-a"])
def test_who_may_only_look_is_asked_nothing(site: PageSite, path: str) -> None:
    assert lost(site).browser("bob").get(path).status_code == 403
    assert lost(site).browser("ann").get(path.replace("a", "q")).status_code == 404


@pytest.fixture
def entitled(redis: Redis, tmp_path: Path) -> PageSite:
    """Ann's entry names the event; watchers know which boot was lost."""
    site = lost(PageSite(redis, tmp_path, fencing=("event",)))
    entry = {"name": "ann", "token": TOKENS["ann"], "page": "act", "types": ["*", NODE_FENCED]}
    site.file.write_bytes(orjson.dumps({"senders": [entry]}))
    knows(site, "boot-1")
    return site


def knows(site: PageSite, boot: str) -> None:
    obj = {**node(ready="Unknown"), "status": {**node()["status"], "nodeInfo": {"bootID": boot}}}
    view = node_view(obj)
    assert view
    RedisSummaries(site.redis).publish(Summary(NOW, (view,), {}))


def test_an_entitled_person_confirms_that_a_node_is_off_as_their_own_event_would(entitled: PageSite) -> None:
    browser = entitled.browser("ann")
    assert 'href="/confirm/confirm-off/node-a"' in browser.get("/node/node-a").text
    shown = browser.get("/confirm/confirm-off/node-a").text
    assert "two machines write to one disk" in shown
    assert fields(shown)["target"] == "node-a"
    assert re.search(r'name="why"[^>]* required', shown)
    assert sent(browser, "/confirm/confirm-off/node-a", why=HOW) == 303
    (receipt,) = entitled.inbox().unsettled(NOW + 1000)
    assert (receipt.type, receipt.subject, receipt.sender, receipt.source) == (
        NODE_FENCED,
        "node-a",
        "ann",
        "/page/ann",
    )
    assert dict(receipt.data) == {"uid": "uid-of-node-a", "bootID": "boot-1", "how": HOW}
    assert receipt.person is False, "it would be checked by nobody, and the receiver may not write it"
    assert not receipt.id.startswith("person")


@pytest.mark.parametrize("form", [{"why": HOW}, {"sure": "yes", "why": " "}, {"sure": "yes", "why": "x" * 501}])
def test_without_the_second_step_or_how_they_know_nothing_is_confirmed(
    entitled: PageSite, form: dict[str, str]
) -> None:
    assert entitled.browser("ann").act("confirm-off", "node-a", **form).status_code == 400
    assert entitled.inbox().unsettled(NOW + 1000) == []


def test_whose_entry_does_not_name_the_event_is_told_what_to_do_instead(site: PageSite) -> None:
    lost(site)
    knows(site, "boot-1")
    site.settings = replace(site.settings, fencing=("event",))
    site.app = site.another_process()
    refused_to_confirm(site, "does not name io.vmdrift.node.fenced among its types")


def test_a_boot_that_nobody_knows_is_not_confirmed(entitled: PageSite) -> None:
    knows(entitled, "")
    refused_to_confirm(entitled, "Which boot of node-a was lost is not known here")


def test_where_confirmations_do_not_count_none_is_taken(entitled: PageSite) -> None:
    entitled.settings = replace(entitled.settings, fencing=("redfish",))
    entitled.app = entitled.another_process()
    refused_to_confirm(entitled, "VMDRIFT_FENCING does not name event")


def refused_to_confirm(site: PageSite, why: str) -> None:
    browser = site.browser("ann")
    shown = browser.get("/confirm/confirm-off/node-a").text
    assert (why in shown, 'action="/act"' in shown) == (True, False)
    answer = browser.act("confirm-off", "node-a", sure="yes", why=HOW)
    assert (answer.status_code, why in answer.text) == (403, True)
    assert site.inbox().unsettled(NOW + 1000) == []


def test_a_resume_shows_at_once_whichever_process_answers(site: PageSite) -> None:
    """Each process knows the holds of two seconds ago; whoever has just acted sees what is so now."""
    lost(site)
    first, second = site.browser("ann"), site.another_process()
    first.act("hold", "node-a", why="firmware")
    other = Browser(second.test_client())
    assert other.log_in(TOKENS["ann"]).status_code == 303
    assert "firmware" in other.get("/").text
    form = {"csrf_token": first.token("/"), "what": "resume", "target": "node-a"}
    assert first.client.post("/act", data=form).status_code == 303
    cookie = first.client.get_cookie("vmdrift")
    assert cookie
    other.client.set_cookie("vmdrift", cookie.value)
    assert "firmware" not in other.get("/").text
