"""What other sites can make a browser do here: nothing that acts, and nothing of this page shows there."""

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pytest
from redis import Redis

from tests.page.site import HTML, TOKENS, PageSite
from tests.support.alerts import ALERT, posted

CLOUDEVENT = {"Content-Type": "application/cloudevents+json"}
EVENT = {"specversion": "1.0", "id": "1", "source": "/m", "type": "io.vmdrift.node.unreachable", "subject": "node-a"}
ALIEN: list[Mapping[str, str]] = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://[evil"},
    {"Origin": ""},
    {"Origin": "http://localhost:1"},  # another program of this machine
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
]
OURS: list[Mapping[str, str]] = [
    {},
    {"Origin": "http://localhost"},
    {"Origin": "https://localhost"},  # a proxy ends TLS
    {"Origin": "https://drift.example", "Sec-Fetch-Site": "same-origin"},  # and does not tell its name
    {"Sec-Fetch-Site": "none"},
]
ANSWERS = ["/", "/login", "/rq/", "/rq/static/css/main.css", "/static/page.css", "/rq/0/data/queues.json", "/nowhere"]
ANSWERS += ["/healthz", "/metrics", "/openapi.json", "/events/x", "/rq", "//x", "/act", "/favicon.ico", "/rq/7/view"]


@pytest.fixture
def open_site(redis: Redis, tmp_path: Path) -> PageSite:
    """Where nobody is named: whoever reaches it may act and post."""
    return PageSite(redis, tmp_path, guarded=False, rq_actions=True)


@pytest.mark.parametrize("path", ["/act", "/logout", "/login", "/rq/requeue/drifts"])
def test_a_deed_that_another_site_sends_is_refused_although_it_has_the_token_of_the_form(
    site: PageSite, path: str
) -> None:
    browser = site.browser("ann")
    form = {"csrf_token": browser.token("/"), "what": "hold", "target": "all", "token": TOKENS["ann"]}
    for headers in ALIEN:
        assert browser.client.post(path, data=form, headers={**HTML, **headers}).status_code == 403, headers
    assert site.wishes.written() == ()
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize("headers", OURS)
def test_a_deed_of_the_page_itself_is_done(site: PageSite, headers: Mapping[str, str]) -> None:
    browser = site.browser("ann")
    form = {"csrf_token": browser.token("/"), "what": "hold", "target": "all"}
    assert browser.client.post("/act", data=form, headers=headers).status_code == 303


def test_a_deed_without_a_token_is_refused_whatever_its_origin(site: PageSite) -> None:
    form = {"what": "hold", "target": "all"}
    answer = site.browser("ann").client.post("/act", data=form, headers={"Origin": "http://localhost"})
    assert (answer.status_code, site.wishes.written()) == (400, ())


@pytest.mark.parametrize("path", ["/", "/events", "/alertmanager"])
def test_what_a_browser_sends_unasked_is_no_event_also_where_nobody_needs_a_token(
    open_site: PageSite, path: str
) -> None:
    body = json.dumps(posted(ALERT)) if path == "/alertmanager" else json.dumps(EVENT)
    forms = ["application/x-www-form-urlencoded", "multipart/form-data"]
    for kind in ("text/plain", "text/plain;charset=UTF-8", *forms, None):
        headers = {"Content-Type": kind} if kind else {}
        assert open_site.app.test_client().post(path, data=body, headers=headers).status_code == 415, kind
    assert open_site.redis.zcard("vmdrift:unsettled") == 0


@pytest.mark.parametrize("headers", ALIEN)
def test_no_site_posts_events_through_a_browser(open_site: PageSite, headers: Mapping[str, str]) -> None:
    client = open_site.app.test_client()
    binary = {f"ce-{name}": value for name, value in EVENT.items()}
    for path, body, kind in (
        ("/events", json.dumps(EVENT), CLOUDEVENT),
        ("/", "", binary),
        ("/alertmanager", json.dumps(posted(ALERT)), {"Content-Type": "application/json"}),
    ):
        assert client.post(path, data=body, headers={**kind, **headers}).status_code == 403, path
        assert client.post(path, data=body, headers=kind).status_code == 202, path


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_forbids_scripts_and_frames_of_others(site: PageSite, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        for asked, accept in product((site.browser("ann").client, site.app.test_client()), ("text/html", "*/*")):
            headers = asked.open(path, method=method, headers={"Accept": accept}, buffered=True).headers
            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'; ")
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Cache-Control"] == "no-store" or ("static" in path and headers["ETag"])
            assert "Access-Control-Allow-Origin" not in headers
