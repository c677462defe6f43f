"""The moments of the one outage (tests.acceptance.story): what is done at each of them, and what is seen."""

import signal
from collections.abc import Iterator

import orjson
from redis import Redis

from tests.acceptance.calm import calm
from tests.acceptance.kubevents import assert_told, told
from tests.acceptance.secretive import held
from tests.acceptance.story import DRIFTS, IN_URL, REQUEST, SENDER, WRONG, Stage, beating
from tests.support.alerts import ALERT, posted
from tests.support.commands import SOON, Done, eventually, python, vmdrift
from tests.support.http import ask
from tests.support.redis_users import denied
from vmdrift.valkey import start as start_valkey

PAGES = ("/metrics", "/", "/fencing", "/history", "/vm/shop/database", "/rq/", "/rq/0/data/workers.json")
REGISTRIES = ("queued", "started", "failed", "finished", "scheduled")
REPORTED = [
    f'vmdrift_api_requests_total{{code="200",role="{role}",verb="{verb}"}}'.encode()
    for role, verb in {"watcher": "watch", "intake": "list", "drifts": "delete"}.items()
]


def lost(stage: Stage) -> None:
    """The power is cut; somebody cancels, others post what they know, rightly and wrongly, and a worker is killed."""
    site, stage.moment = stage.site, "lost"
    stage.seen["requests before"] = len(stage.requests(""))
    site.demo.cut_power()
    site.wait_for("waiting", *site.demo.expected)
    eventually("a forecast of shop/scratch", lambda: site.records()["shop/scratch"].forecast is not None)
    stage.run("status")
    stage.run("cancel", "shop/queue", "--why", "a new one is there", "--json")
    stage.seen["posted"] = _posted(stage)
    alert = posted({**ALERT, "labels": {"node": site.demo.lost}})
    stage.seen["alert"] = stage.became(stage.post(alert, "/alertmanager"))
    site.wait_for("cancelled", "shop/queue")
    stage.run("plan", site.demo.lost, "--json", role="admin")
    site.kill(DRIFTS)


def _posted(stage: Stage) -> list[int]:
    """In the header and in the query; by somebody else; to nowhere, and nothing."""
    known, wrong = f"?access_token={SENDER}", f"?access_token={WRONG}"
    there, body = f"http://{stage.address}/", orjson.dumps(REQUEST)
    return [
        stage.post(REQUEST).status,
        ask(f"{there}{known}", body).status,
        stage.post(REQUEST, Authorization=f"Bearer {WRONG}").status,
        ask(f"{there}{wrong}", body).status,
        ask(f"{there}nowhere{known}", body).status,
        ask(there, b"{", Authorization=f"Bearer {SENDER}").status,
    ]


def trouble(stage: Stage) -> None:
    """Redis is killed, the API server is away, until every role has met it and goes on all the same."""
    site, stage.moment = stage.site, "trouble"
    stage.seen["denied before"] = denied(site.redis_url)  # with Redis its memory of that is lost, too
    server = site.processes.children.pop("valkey")
    server.kill()
    server.wait()
    site.demo.ask(do="api_down")
    for role in beating():
        stage.heartbeat(role).unlink(missing_ok=True)
    for role in beating():
        probe(stage, role, 0)
    eventually("they say that Redis is away", lambda: _logged(stage).count(b"Redis is away") >= 3)
    stage.seen["served"] = [ask(f"http://{stage.address}{path}").status for path in ("/readyz", "/healthz")]
    start_valkey(site.processes, site.folder, user="tester", aclfile=str(site.folder / "users.acl"))
    site.demo.ask(do="api_up")


def probe(stage: Stage, role: str, code: int) -> None:
    """Until its liveness probe ends with this exit code."""
    name, file = f"{stage.moment}: {role}", str(stage.heartbeat(role))

    def probed() -> bool:
        stage.seen[name] = vmdrift("probe", "--within", "3", env={"VMDRIFT_HEARTBEAT_FILE": file})
        return bool(stage.seen[name].code == code)

    eventually(name, probed)


def _logged(stage: Stage) -> bytes:
    return b"".join(path.read_bytes() for path in stage.folder.glob("*-*.log"))


def judged(stage: Stage) -> None:
    """The window is over: what may move is on its way, what is held is blocked; that is then resumed and retried."""
    site, stage.moment = stage.site, "judged"
    site.wait_for("refused", "shop/scratch", "shop/licence")
    site.wait_for("blocked", "shop/web")
    site.wait_for("detaching", "shop/database")
    stage.run("status")
    stage.run("status", site.demo.lost)
    stage.seen["drifts"], stage.seen["deleted"] = site.drifts(), [entry["name"] for entry in site.deletes("pods")]
    stage.run("holds", "--json")
    stage.run("holds")
    stage.run("resume", "shop/web")
    stage.run("cancel", "shop/queue", "--why", "new")
    stage.run("retry", "shop/queue", "--json")


def ended(stage: Stage) -> None:
    """Every drift has ended: what is told of it, wherever somebody may look."""
    site, stage.moment = stage.site, "ended"
    for vm, phase in site.demo.expected.items():
        site.wait_for(phase, vm)
    stage.run("events", "--json")
    eventually("all was delivered", lambda: _told(stage) <= {event["id"] for event in stage.sink.got})
    eventually("Events tell it", lambda: any(e["reason"] == "DriftCompleted" for e in told(site, "shop", "database")))
    stage.run("holds")
    stage.run("history", "--json")
    _opened(stage)
    _resent(stage)
    with Redis.from_url(site.redis_url) as redis:
        stage.seen["kept"] = list(held(redis))
    stage.seen["refused"] = list(_refused(stage))


def _told(stage: Stage) -> set[str]:
    return {orjson.loads(line)["id"] for line in stage.said["ended: events --json"].out.splitlines()}


def _resent(stage: Stage) -> None:
    """What the sink did not want, one by name, then all."""
    stage.run("events", "--dead")
    letters = [orjson.loads(line) for line in stage.run("events", "--dead", "--json").out.splitlines()]
    stage.run("events", "--resend", "1-1")
    stage.run("events", "--resend", letters[0]["id"])
    stage.run("events", "--resend", "all", "--json")
    for letter in letters:
        eventually("it comes again", lambda event=letter["event"]: stage.sink.got.count(event) > 1)  # type: ignore[misc]


def _opened(stage: Stage) -> None:
    """The page, what RQ's own shows of every job, and what Prometheus reads."""
    drift = stage.site.records()["shop/database"].drift.id
    jobs = {f"/rq/0/data/jobs/drifts/{registry}/8/asc/1.json" for registry in REGISTRIES}
    job = f"/rq/0/data/job/{drift}.json"
    eventually("all have reported", lambda: all(line in stage.page("/metrics").body for line in REPORTED))
    stage.seen["pages"] = {path: stage.page(path) for path in (*PAGES, *jobs, job)}
    stage.seen["job"] = stage.seen["pages"][job].body


def _refused(stage: Stage) -> Iterator[tuple[str, Done]]:
    """What is said by roles that cannot start, one of them as a process of its own, and by who may only read."""
    site = stage.site
    wrong = {"VMDRIFT_REDIS_URL": site.urls["drifts"].partition("?")[0] + f"?password={WRONG}"}
    starts = {
        "work drifts": wrong,
        "work scheduler": {"VMDRIFT_REDIS_URL": f"redis://:{WRONG}/x@127.0.0.1:1"},
        "work outgoing": {"VMDRIFT_SINK": f"ftp://x?access_token={IN_URL}"},
        "serve": {"VMDRIFT_LISTEN": stage.address, "VMDRIFT_REDIS_URL": site.urls["receiver"]},
        "status": {"VMDRIFT_REDIS_URL": site.urls["drifts"]},
        "events": {"VMDRIFT_REDIS_URL": site.urls["drifts"]},
    }
    for words, env in starts.items():
        yield words, stage.run(*words.split(), **env)
    yield "workers drifts", python("-m", "workers", "drifts", env={**site.env(), **wrong})


def over(stage: Stage) -> None:
    """The node is back: the outage is history."""
    site, stage.moment = stage.site, "over"
    site.demo.ask(do="power_on", node=site.demo.lost)
    eventually("it is over", lambda: not site.store.outages())
    stage.run("history", "--json")
    stage.run("history")
    eventually("no letter is dead", lambda: "every event" in stage.run("events", "--dead").out.lower())
    stage.seen["truth"], stage.seen["deletes"] = site.truth(), site.deletes("pods")
    stage.seen["requests"] = stage.requests("vm-drift", stage.seen["requests before"])
    stage.seen["denied"] = denied(site.redis_url)
    assert_told(site)


def broken(stage: Stage) -> None:
    """Afterwards somebody breaks it: no scheduler, a setting that is none, roles that hang, no API server."""
    site, stage.moment = stage.site, "broken"
    scheduler = site.take("workers scheduler")
    scheduler.terminate()
    assert scheduler.wait(SOON) == 0
    stage.run("doctor", "--json", VMDRIFT_RESYNC="soon")
    running = [child for name, child in site.processes.children.items() if " " in name]
    for child in running:
        child.send_signal(signal.SIGSTOP)
    site.demo.ask(do="api_down")
    stage.run("doctor")
    for role in beating():
        probe(stage, role, 1)
    for child in running:
        child.send_signal(signal.SIGCONT)


MOMENTS = (calm, lost, trouble, judged, ended, over, broken)
