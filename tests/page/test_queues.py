"""rq-dashboard: right with JSON jobs on each of its routes while jobs run, and closed where it would act."""

import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, Worker
from rq.job import Job, JobStatus
from rq_dashboard import web

from reactor.adapters.redis.coverage import RedisCoverage
from reactor.adapters.rq import RqQueue, drift_entry
from reactor.model.drift import Ended, Phase, Policy
from rehearsal.twins.cluster import ApiCluster
from simulator.world import World
from tests.contracts.samples import drift, record
from tests.page.site import NOW, PageSite
from workers.context import Tools
from workers.drift.run import run_pass
from workers.observe.cache import Surroundings

READS = [
    "/rq/",
    "/rq/0/view/workers",
    "/rq/0/view/jobs",
    "/rq/0/view/jobs/drifts/started/8/asc/1",
    "/rq/0/view/job/{job}",
    "/rq/0/data/queues.json",
    "/rq/0/data/workers.json",
    "/rq/0/data/jobs/drifts/{registry}/8/asc/1.json",
    "/rq/0/data/jobs/drifts/{registry}/8/dsc/1.json",
    "/rq/0/data/job/{job}.json",
    "/rq/static/css/main.css",
]
ACTS = [
    "/rq/requeue/drifts",
    "/rq/job/{job}/requeue",
    "/rq/job/{job}/delete",
    "/rq/queue/drifts/{registry}/empty",
    "/rq/queue/drifts/compact",
]
REGISTRIES = ("queued", "failed", "deferred", "started", "finished", "scheduled", "canceled")
JOB = drift("web").id


@pytest.fixture
def at_work(site: PageSite) -> PageSite:
    """A job that a worker runs, one that waits for its time, one that failed."""
    redis, queue = site.redis, RqQueue(site.redis, lambda: NOW, 3600)
    for name, due in (("web", NOW), ("later", NOW + 100), ("broken", NOW)):
        queue.wake(drift_entry(drift(name)), due)
    drifts = Queue("drifts", connection=redis, serializer="json")
    worker: Any = Worker([drifts], connection=redis, serializer="json", name="w-1")
    worker.register_birth()
    job: Any = Job.fetch(JOB, connection=redis, serializer="json")
    job.meta.update(phase="waiting", reason="unreachable-window", due="06:05:00Z")
    job.save_meta()
    drifts.remove(job.id)
    worker.prepare_job_execution(job, worker.prepare_execution(job))
    broken = Job.fetch(drift("broken").id, connection=redis, serializer="json")
    drifts.remove(broken.id)
    broken.set_status(JobStatus.FAILED)
    drifts.failed_job_registry.add(broken, exc_string="ValueError: a bug of ours")
    return site


def paths(*patterns: str) -> list[str]:
    return [p.format(job=JOB, registry=r) for p in patterns for r in (REGISTRIES if "{registry}" in p else ("",))]


def test_every_route_of_its_is_known_here() -> None:
    known = {name.partition("(")[0] for name in (*READS, *ACTS)}
    rules: list[Any] = web.blueprint.deferred_functions
    assert len(rules) == 18, f"rq-dashboard has other routes than those that {len(known)} tests ask for"


@pytest.mark.parametrize("path", paths(*READS))
def test_every_page_and_every_figure_is_there_while_jobs_run(at_work: PageSite, path: str) -> None:
    assert at_work.browser("bob").get(path).status_code == 200


@pytest.mark.parametrize("path", ["/rq/0/", "/rq/0/view", "/rq/0/view/queues"])
def test_its_other_names_for_the_first_page_lead_there(site: PageSite, path: str) -> None:
    assert site.browser("bob").get(path).location == "http://localhost/rq/"


def test_jobs_read_well(at_work: PageSite) -> None:
    browser = at_work.browser("bob")
    workers = browser.get("/rq/0/data/workers.json").json
    assert workers
    assert workers["workers"][0]["current_job"]["description"] == "drift shop/web from node-a"
    job = browser.get(f"/rq/0/data/job/{JOB}.json").json
    assert job
    assert '"due": "06:05:00Z"' in job["metadata"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_acts_by_default(at_work: PageSite, method: str) -> None:
    browser, before = at_work.browser("ann"), at_work.redis.dbsize()
    headers = {"X-CSRFToken": browser.token("/"), "Accept": "text/html"}
    for path in paths(*ACTS):
        answer = browser.client.open(path, method=method, headers=headers)
        assert answer.status_code in {403, 405}, path
        assert at_work.redis.dbsize() == before, path
        assert at_work.redis.zcard("rq:failed:drifts") == 1, path


class TestOpened:
    """With VMDRIFT_RQ_ACTIONS=true."""

    @pytest.fixture
    def site(self, redis: Redis, tmp_path: Path) -> PageSite:
        return PageSite(redis, tmp_path, rq_actions=True)

    def test_a_get_still_requeues_nothing(self, at_work: PageSite) -> None:
        assert at_work.browser("ann").get("/rq/requeue/drifts").status_code == 405
        assert at_work.redis.zcard("rq:failed:drifts") == 1

    def test_a_post_wants_the_csrf_token_that_its_pages_carry(self, at_work: PageSite) -> None:
        browser = at_work.browser("ann")
        assert browser.client.post("/rq/requeue/drifts").status_code == 400
        page = "/rq/0/view/jobs/drifts/failed/8/asc/1"
        assert browser.post("/rq/requeue/drifts", {"next": page}, seen=page).location == page
        assert at_work.redis.zcard("rq:failed:drifts") == 0
        assert drift("broken").id.encode() in at_work.redis.lrange("rq:queue:drifts", 0, -1)

    def test_its_buttons_do_what_they_say_and_lead_back(self, at_work: PageSite) -> None:
        browser, broken = at_work.browser("ann"), drift("broken").id
        page = f"/rq/0/view/job/{broken}"
        assert browser.post(f"/rq/job/{broken}/requeue", {"next": page}, seen=page).location == page
        assert at_work.redis.lrange("rq:queue:drifts", 0, -1) == [broken.encode()]
        queued = "/rq/0/view/jobs/drifts/queued/8/asc/1"
        assert browser.post("/rq/queue/drifts/compact", {"next": "//evil"}, seen=queued).location == "/"
        assert browser.post("/rq/queue/drifts/queued/empty", {"next": queued}, seen=queued).location == queued
        assert at_work.redis.exists("rq:queue:drifts") == 0

    def test_buttons_are_for_those_who_may_act(self, at_work: PageSite) -> None:
        for page in (f"/rq/0/view/job/{JOB}", "/rq/0/view/jobs/drifts/failed/8/asc/1"):
            assert "/rq/" in "".join(re.findall(r'action="([^"]+)"', at_work.browser("ann").get(page).text))
            assert "/rq/" not in "".join(re.findall(r'action="([^"]+)"', at_work.browser("bob").get(page).text))

    def test_who_may_only_look_may_not(self, at_work: PageSite) -> None:
        browser = at_work.browser("bob")
        headers = {"X-CSRFToken": browser.token("/")}
        assert browser.client.post("/rq/requeue/drifts", headers=headers).status_code == 403


class Bomb:
    """Goes off when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return (Path.write_text, (Path(self.where), "loaded"))  # type: ignore[return-value]

    def __init__(self, where: Path) -> None:
        self.where = where


@pytest.mark.parametrize("field", ["data", "meta", "result"])
def test_no_pickle_is_ever_loaded(at_work: PageSite, tmp_path: Path, field: str) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "gone off"))
    for name in ("web", "later", "broken"):
        at_work.redis.hset(f"rq:job:{drift(name).id}", field, bomb)
    browser = at_work.browser("bob")
    for path in paths(*READS):
        assert browser.get(path).status_code in {200, 404}, path
        assert not (tmp_path / "gone off").exists(), path


def test_a_job_that_is_gone_is_said_to_be_gone(site: PageSite) -> None:
    assert site.browser("bob").get("/rq/0/view/job/nobody").status_code == 404
    assert site.browser("bob").get("/rq/7/view").status_code == 404


def test_where_redis_is_stands_nowhere(at_work: PageSite) -> None:
    browser = at_work.browser("bob")
    for path in paths(*READS):
        assert "redis://" not in browser.get(path).text


def test_a_stock_rq_info_reads_the_same_queues(at_work: PageSite, redis_url: str) -> None:
    command = [str(Path(sys.executable).parent / "rq"), "info", "--url", redis_url, "--serializer", "json", "--raw"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert at_work.redis.exists("rq:queue:drifts") == 0
    assert "queue drifts 0" in done.stdout
    assert "worker w-1" in done.stdout


def test_a_drift_that_is_requeued_by_hand_ends_at_once_if_it_has_ended(redis: Redis, tmp_path: Path) -> None:
    site = PageSite(redis, tmp_path, rq_actions=True)
    ended = replace(record("web", phase=Phase.COMPLETED), reason="running-elsewhere")
    site.store.create(ended, [])
    world = World()
    cluster = ApiCluster(world.api, "kubectl")
    tools = Tools(
        cluster=cluster,
        store=site.store,
        coverage=RedisCoverage(redis),
        queue=RqQueue(redis, site.clock, 3600),
        policy=Policy(),
        clock=site.clock,
        source="/test",
        around=Surroundings(site.clock),
        claims=cluster,
    )
    assert run_pass(ended.drift, tools) == Ended("completed", "running-elsewhere", ended.sentence)
    assert list(world.api.audit) == []
