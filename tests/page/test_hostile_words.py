"""Whatever stands in Redis is text on /rq and on the page, and whatever is asked for there is answered."""

from dataclasses import replace
from threading import Thread
from typing import Any

import orjson
import pytest
from playwright.sync_api import expect
from rq import Queue
from rq.job import Job, JobStatus
from rq.results import Result
from werkzeug.serving import make_server

from reactor.model.deed import Deed
from reactor.model.drift import OutageRecord, Phase
from reactor.model.intervention import HOLD, Intervention
from reactor.model.sweep import Sweep
from tests.contracts.samples import LOST_AT, outage, record
from tests.page.site import TOKENS, PageSite
from tests.support.browser import browser, complaints, needs_chromium, page_of, picture, violations

XSS = "<img src=x onerror=document.title='XSS'><script>document.title='XSS'</script>'\"&{{7*7}} \u202e\x1b[31mrtl"
NAME, JOB = XSS.replace("/", "-"), "a-job"


@pytest.fixture
def written(site: PageSite) -> PageSite:
    """Every string that somebody may write into Redis is hostile: ids, names, words, meta, exceptions, results."""
    redis, queue = site.redis, Queue(NAME, connection=site.redis, serializer="json")
    job = Job.create(XSS, id=JOB, connection=redis, serializer="json", origin=queue.name, description=XSS)
    job.meta = {"sentence": XSS, XSS: XSS}
    queue.enqueue_job(job)
    queue.remove(job.id)
    job.set_status(JobStatus.FAILED)
    queue.failed_job_registry.add(job)
    Result.create_failure(job, 3600, XSS)
    redis.zadd(f"rq:failed:{NAME}", {XSS: 1})
    redis.hset(f"rq:job:{JOB}", mapping={"dependency_ids": orjson.dumps([XSS]), "worker_name": XSS, "group_id": XSS})
    redis.sadd("rq:workers", f"rq:worker:{NAME}")
    at = "2026-11-28T00:00:00.000000Z"
    worker = {"queues": queue.name, "state": XSS, "birth": at, "last_heartbeat": at, "current_job": JOB, "version": XSS}
    for field, value in worker.items():
        redis.hset(f"rq:worker:{NAME}", field, value)
    lost = OutageRecord(outage(), LOST_AT, sweep=Sweep(LOST_AT, XSS, False, (XSS,)))
    site.store.save_outage(lost, done=False)
    site.store.create(replace(record("web", XSS, Phase.BLOCKED), target=XSS), [])
    for target in ("node/node-a", "vm/shop/web"):
        site.wishes.write(Intervention(HOLD, target, XSS, XSS, LOST_AT))
        site.store.deeds.note(Deed("hold", target, XSS, XSS, XSS, LOST_AT, None, (outage().id,)))
    return site


def addresses(site: PageSite) -> list[str]:
    with site.app.test_request_context():
        build = site.app.url_for
        jobs = {"queue_name": NAME, "registry_name": "failed", "per_page": 8, "order": "asc", "page": 1}
        rq: dict[str, dict[str, Any]] = {
            "rq_dashboard.jobs_overview": jobs,
            "rq_dashboard.job_view": {"job_id": JOB},
            "rq_dashboard.workers_overview": {},
        }
        own = ["/", "/node/node-a", "/vm/shop/web", "/history", "/rq/"]
        asked = ["/confirm/cancel/shop/web", "/confirm/confirm-off/node-a"]
        return own + [build(name, instance_number=0, **parts) for name, parts in rq.items()] + asked


def test_words_of_others_are_text_in_every_page_as_the_server_makes_it(written: PageSite) -> None:
    seen = written.browser("ann")
    for path in addresses(written):
        answer = seen.get(path)
        assert answer.status_code == 200, path
        assert "<img" not in answer.text, path
        assert answer.text.count("<script") == 1, path  # the page's own
        assert "\u202e" not in answer.text, path
        assert "\x1b" not in answer.text, path
    for path in addresses(written)[5:7]:
        assert "&#39;XSS&#39;&gt;" in written.browser("ann").get(path).text.partition("<pre")[2], path


@pytest.mark.nightly
@needs_chromium
@pytest.mark.long(15)
def test_no_word_of_others_runs_in_a_browser(written: PageSite) -> None:
    server = make_server("127.0.0.1", 0, written.app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        with browser() as chromium:
            page = page_of(chromium)
            page.goto(f"http://127.0.0.1:{server.port}/")
            page.get_by_label("Token").fill(TOKENS["ann"])
            page.get_by_role("button", name="Log in").click()
            said = complaints(page)
            for at, path in enumerate(addresses(written)):
                page.goto(f"http://127.0.0.1:{server.port}{path}")
                expect(page.locator("footer")).to_contain_text("As of")
                assert page.title() != "XSS", path
                assert page.locator("img, main script").count() == 0, path
                picture(page, f"hostile-{at}")
                assert violations(page) == [], path
            assert said == []
    finally:
        server.shutdown()
        thread.join()


ODD = [
    "/rq/0/view/jobs/drifts/nonsense/8/asc/1",
    "/rq/0/data/jobs/drifts/nonsense/8/asc/1.json",
    "/rq/0/view/jobs/nobodys/failed/8/asc/1",
    "/rq/0/data/jobs/nobodys/failed/8/asc/1.json",
    "/rq/0/data/jobs/drifts/failed/0/asc/1.json",
    "/rq/0/data/jobs/drifts/failed/-1/asc/1.json",
    "/rq/0/data/jobs/drifts/failed/x/asc/1.json",
    "/rq/0/data/jobs/drifts/failed/\u00b2/asc/1.json",
    "/rq/0/data/jobs/drifts/failed/201/asc/1.json",
    "/rq/0/data/jobs/drifts/failed/8/sideways/1.json",
    "/rq/0/data/jobs/drifts/failed/8/asc/0.json",
    f"/rq/0/data/jobs/drifts/failed/8/asc/{'9' * 5000}.json",
    f"/rq/0/view/jobs/drifts/failed/8/asc/{'9' * 5000}",
    f"/rq/{'9' * 5000}/view/workers",
    "/rq/1/data/queues.json",
    "/rq/0/view/job/nobody",
    "/rq/0/data/job/%00.json",
    "/rq/0/view/job/%ff%fe",
    "/rq/0/view/job/drifts:dependents",
    "/rq/static/%00",
    "/rq/nonsense",
]


@pytest.mark.parametrize("path", ODD)
def test_what_is_not_there_is_a_404(site: PageSite, path: str) -> None:
    site.redis.sadd("rq:queues", "rq:queue:drifts")
    site.redis.sadd("rq:job:drifts:dependents", "x")
    assert site.browser("bob").get(path).status_code == 404


@pytest.mark.parametrize("key", ["rq:queues", "rq:workers", "rq:queue:drifts", "rq:failed:drifts", f"rq:job:{JOB}"])
def test_who_looks_changes_nothing_and_is_not_told_500_whatever_stands_there(written: PageSite, key: str) -> None:
    written.redis.sadd("rq:queues", "rq:queue:drifts")
    for kind in ("string", "odd members"):
        written.redis.delete(key)
        if kind == "string":
            written.redis.set(key, b"\xff")
        elif key in {"rq:queues", "rq:workers"}:
            written.redis.sadd(key, b"\xff", "", "x:y")
        elif key == "rq:failed:drifts":
            written.redis.zadd(key, {b"\xff": 1, JOB.encode(): 2, b"a:b:c": 3})
        elif key == "rq:queue:drifts":
            written.redis.rpush(key, JOB, "gone", "no job id")
        else:
            written.redis.hset(key, mapping={"data": b"\xff", "created_at": b"\xff", "status": "none"})
        before, seen = written.redis.dump(key), written.browser("ann")
        for path in [*addresses(written), "/rq/0/view/jobs/drifts/queued/8/asc/1", "/rq/0/data/queues.json"]:
            assert seen.get(path).status_code in {200, 404, 503}, path
        assert written.redis.dump(key) == before
