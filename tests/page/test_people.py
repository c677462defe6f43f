"""Who sees the page, and who may do something on it."""

from pathlib import Path

import jwt
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from tests.page.site import HTML, NOW, TOKENS, PageSite

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


@pytest.mark.parametrize("path", ["/", "/rq/", "/nowhere"])
@pytest.mark.parametrize("word", ["\xff", "=", "/w==", "Og==", "", "x, Basic \xff"])
def test_a_basic_password_that_is_none_is_refused(site: PageSite, path: str, word: str) -> None:
    answer = site.app.test_client().get(path, headers={"Authorization": f"Basic {word}", "Accept": "text/plain"})
    assert answer.status_code == (404 if path == "/nowhere" else 401)


@pytest.mark.parametrize("path", ["/nowhere", "/vm/x", "/rq/nowhere", "/events%2f"])
def test_a_wrong_password_for_what_is_not_there_is_no_mistake_of_ours(site: PageSite, path: str) -> None:
    answer = site.app.test_client().get(path, auth=("bob", "wrong"), headers=HTML)
    assert answer.status_code in {401, 404, 405}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "NONSENSE"])
def test_who_is_known_and_sends_what_only_programs_do_is_refused_as_a_program(site: PageSite, method: str) -> None:
    answer = site.app.test_client().open("/", method=method, auth=("anything", TOKENS["bob"]), headers=HTML)
    assert (answer.status_code // 100, answer.mimetype) == (4, "application/problem+json")


@pytest.mark.parametrize(("token", "status"), [("", 401), ("wrong", 401), (TOKENS["monitoring"], 403)])
def test_a_token_without_a_page_opens_no_session(site: PageSite, token: str, status: int) -> None:
    browser = site.browser()
    answer = browser.log_in(token)
    assert (answer.status_code, browser.get("/").status_code) == (status, 302)
    assert 'role="alert"' in answer.text
    assert not token or token not in answer.text


ABROAD = [
    "//evil.example",
    "https://evil.example/",
    "javascript:x",
    *(f"/{between}/evil.example" for between in ("", "\t", "\n", "\r\n", "\x00", "\\", " ", "x/")),
    "/\\evil.example",
    "\\\\evil.example",
    "\t//evil.example",
    "/\r\nX-Injected: 1",
    "/\u2044/evil.example",
    "",
]


@pytest.mark.parametrize("target", ABROAD)
def test_neither_the_login_nor_a_deed_leads_to_another_site(site: PageSite, target: str) -> None:
    browser = site.browser()
    assert browser.log_in(TOKENS["ann"], target).location == "/"
    assert browser.act("hold", "all", next=target).location == "/"


@pytest.mark.parametrize(
    "target", ["/vm/shop/web", "/history?x=1&y=%0a", "/rq/0/view/jobs/drifts/failed/8/asc/1", "/%09/x"]
)
def test_they_lead_to_every_page_of_this_one(site: PageSite, target: str) -> None:
    browser = site.browser()
    assert browser.log_in(TOKENS["ann"], target).location == target
    assert browser.act("hold", "all", next=target).location == target


def test_a_session_ends_with_log_out_for_whoever_has_its_cookie_and_no_other_does(site: PageSite) -> None:
    browser, other = site.browser("ann"), site.browser("ann")
    cookie = browser.client.get_cookie("vmdrift")
    assert cookie
    assert browser.get("/").status_code == 200
    browser.post("/logout", {}, seen="/")
    assert browser.get("/").status_code == 302
    browser.client.set_cookie("vmdrift", cookie.value)
    assert browser.get("/").status_code == 302
    assert other.get("/").status_code == 200


def test_a_session_lasts_twelve_hours_however_much_it_is_used(site: PageSite) -> None:
    browser = site.browser("ann")
    for hours in range(12):
        site.now = NOW + hours * 3600
        assert browser.get("/").status_code == 200
    site.now = NOW + 12 * 3600
    assert browser.get("/").status_code == 302


def test_one_person_keeps_no_more_than_fifty_sessions_in_redis(site: PageSite) -> None:
    first = site.browser("ann")
    for _ in range(50):
        site.now += 1
        last = site.browser("ann")
    assert site.redis.zcard("vmdrift:sessions:ann") == 50
    assert (first.get("/").status_code, last.get("/").status_code) == (302, 200)


class Issuer:
    """Whose JWTs are all good."""

    def subject(self, token: str) -> str:
        assert token
        return "user-eve"


def test_a_session_lasts_no_longer_than_the_jwt_that_it_was_opened_with(site: PageSite) -> None:
    site.issuer = Issuer()
    site.app = site.another_process()
    browser = site.browser()
    token = jwt.encode({"sub": "user-eve", "exp": NOW + 60}, "a-key-of-thirty-two-bytes-or-more")
    assert browser.log_in(token).status_code == 303
    site.now = NOW + 59
    assert browser.get("/").status_code == 200
    site.now = NOW + 60
    assert browser.get("/").status_code == 302


def test_whom_a_proxy_has_logged_in_comes_with_their_jwt_in_each_request_and_needs_no_form(site: PageSite) -> None:
    """As an ordinary auth proxy passes it on: Authorization: Bearer JWT (docs/security.md)."""
    site.issuer = Issuer()
    site.app = site.another_process()
    token = jwt.encode({"sub": "user-eve", "exp": NOW + 60}, "a-key-of-thirty-two-bytes-or-more")
    browser = site.browser()
    assert browser.get("/", Authorization=f"Bearer {token}").status_code == 200
    assert "eve" in browser.get("/", Authorization=f"Bearer {token}").text
    assert browser.get("/").status_code == 302  # without the proxy nobody is known
    answer = browser.client.post(
        "/act", data={"what": "hold", "target": "all"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code in {
        400,
        403,
    }  # another site's form comes through the proxy as well: no CSRF token, no act


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer not-one-of-ours-1234"])
def test_a_bearer_token_that_nobody_knows_is_refused(site: PageSite, header: str) -> None:
    assert site.app.test_client().get("/", headers={"Authorization": header}).status_code == 401


def test_the_login_page_links_to_where_people_log_in_otherwise(redis: Redis, tmp_path: Path) -> None:
    assert "through your organization" not in PageSite(redis, tmp_path).browser().get("/login").text
    site = PageSite(redis, tmp_path, login_url="https://login.example/oauth2/start")
    assert 'href="https://login.example/oauth2/start"' in site.browser().get("/login").text


@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_a_wrong_basic_password_is_401_and_one_line_of_the_log(site: PageSite, accept: str) -> None:
    with capture_logs() as logs:
        answer = site.app.test_client().get("/", auth=("ann", "a-wrong-password-1"), headers={"Accept": accept})
    assert answer.status_code == 401
    assert logs == [{"log_level": "warning", "event": "credentials refused", "status": 401, "why": "Unknown token."}]
    assert "a-wrong-password-1" not in answer.text


@pytest.mark.parametrize("path", ["/", "/login", "/rq/", "/rq/0/data/queues.json"])
def test_without_redis_nobody_is_known_and_that_is_said(
    site: PageSite, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = site.browser("ann")

    def away(*_: object) -> None:
        raise RedisConnectionError("refused")

    monkeypatch.setattr(site.redis.connection_pool, "get_connection", away)
    assert browser.get(path).status_code == 503
    assert browser.client.post("/logout", headers=HTML).status_code == 503


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
