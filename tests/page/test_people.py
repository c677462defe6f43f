"""Who sees the page, and who may do something on it."""

from pathlib import Path

import pytest
from redis import Redis

from tests.page.site import TOKENS, PageSite

PATHS = ["/", "/history", "/vm/shop/web", "/node/node-a", "/rq/", "/rq/0/data/workers.json"]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_is_led_to_the_login_and_back(site: PageSite, path: str) -> None:
    answer = site.browser().get(path)
    assert (answer.status_code, answer.location) == (302, f"/login?next={path}")
    assert site.browser().log_in(TOKENS["bob"], path).location == path


@pytest.mark.parametrize("path", PATHS)
def test_a_program_without_a_token_is_told_401(site: PageSite, path: str) -> None:
    assert site.app.test_client().get(path, headers={"Accept": "application/json"}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/history", "/rq/", "/rq/0/data/workers.json"])
def test_http_basic_with_a_token_as_the_password_is_enough(site: PageSite, path: str) -> None:
    assert site.app.test_client().get(path, auth=("anything", TOKENS["bob"])).status_code == 200
    assert site.app.test_client().get(path, auth=("bob", "wrong")).status_code == 401


@pytest.mark.parametrize(("token", "status"), [("", 401), ("wrong", 401), (TOKENS["monitoring"], 403)])
def test_a_token_without_a_page_opens_no_session(site: PageSite, token: str, status: int) -> None:
    browser = site.browser()
    answer = browser.log_in(token)
    assert (answer.status_code, browser.get("/").status_code) == (status, 302)
    assert 'role="alert"' in answer.text
    assert not token or token not in answer.text


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x"])
def test_the_login_leads_nowhere_else(site: PageSite, target: str) -> None:
    assert site.browser().log_in(TOKENS["ann"], target).location == "/"


def test_a_session_ends_with_log_out(site: PageSite) -> None:
    browser = site.browser("ann")
    assert browser.get("/").status_code == 200
    browser.post("/logout", {}, seen="/")
    assert browser.get("/").status_code == 302


@pytest.mark.parametrize("tokens", [{"bob": TOKENS["bob"]}, {**TOKENS, "ann": "ann-has-a-new-one"}])
def test_a_session_ends_when_its_token_is_changed_or_taken_away(site: PageSite, tokens: dict[str, str]) -> None:
    browser = site.browser("ann")
    site.name(tokens)
    assert browser.get("/").status_code == 302


def test_a_session_is_known_to_every_process_and_signed(site: PageSite, redis: Redis, tmp_path: Path) -> None:
    browser = site.browser("ann")
    cookie = browser.client.get_cookie("vmdrift")
    assert cookie
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert TOKENS["ann"] not in cookie.value
    other = PageSite(redis, tmp_path).browser()
    other.client.set_cookie("vmdrift", cookie.value)
    assert other.get("/").status_code == 200
    other.client.set_cookie("vmdrift", cookie.value[:-2] + ("AA" if cookie.value[-2:] != "AA" else "BB"))
    assert other.get("/").status_code == 302


@pytest.mark.parametrize(("proto", "secure"), [("https", True), ("http", False)])
def test_the_cookie_is_for_https_only_where_there_is_https(site: PageSite, proto: str, *, secure: bool) -> None:
    browser = site.browser()
    form = {"csrf_token": browser.token(), "token": TOKENS["ann"]}
    answer = browser.client.post("/login", data=form, headers={"X-Forwarded-Proto": proto})
    assert ("Secure" in answer.headers["Set-Cookie"]) is secure


def test_who_may_only_look_sees_no_button_and_can_press_none(site: PageSite) -> None:
    browser = site.browser("bob")
    assert 'value="hold"' not in browser.get("/").text
    assert browser.act("hold", "all").status_code == 403
    assert site.wishes.written() == ()


def test_a_form_without_its_csrf_token_does_nothing(site: PageSite) -> None:
    browser = site.browser("ann")
    form = {"what": "hold", "target": "all"}
    assert browser.client.post("/act", data=form).status_code == 400
    assert site.app.test_client().post("/act", data=form, auth=("ann", TOKENS["ann"])).status_code == 400
    assert site.wishes.written() == ()


def test_where_nobody_is_named_anybody_on_this_machine_may_act_but_under_no_other_name(
    redis: Redis, tmp_path: Path
) -> None:
    site = PageSite(redis, tmp_path, guarded=False)
    browser = site.browser()
    assert browser.get("/").status_code == 200
    assert browser.act("hold", "all").status_code == 303
    assert browser.get("/", Host="evil.example").status_code == 400


def test_every_page_forbids_scripts_and_frames_of_others(site: PageSite) -> None:
    headers = site.browser("ann").get("/").headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
