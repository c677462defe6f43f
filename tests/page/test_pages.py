"""What stands on the pages, at each turn of a drift."""

from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from reactor.adapters.redis.clock import redis_time
from reactor.model.drift import Check, Disk, OutageRecord, Phase, Record
from reactor.model.errors import StoreUnreachable
from reactor.model.fencing import Attempt, ChosenRelease, Confirmation, Fencing, ReleaseWay
from reactor.model.intervention import HOLD, Intervention
from reactor.model.recovery import ON_PROOF
from reactor.model.suspicion import Suspects
from reactor.model.sweep import Sweep
from tests.contracts.samples import DRILLS, SUSPICION, drift, outage
from tests.page.site import NOW, PageSite

LOST_AT = 1795499900
OUTAGE = replace(outage(), since=LOST_AT)


def record(vm: str, phase: Phase, reason: str, sentence: str) -> Record:
    return Record(drift(vm, OUTAGE), phase, reason, sentence, LOST_AT, LOST_AT)


BLOCKED = replace(
    record("db", Phase.BLOCKED, "kubelet-alive", "No node has room for it."),
    again_at=NOW + 30,
    checks=(
        Check("node", held=True, reason="", sentence="Nothing was heard of it."),
        Check("placement", held=False, reason="kubelet-alive", sentence="No node has room for it."),
    ),
    disks=(Disk("root", "persistentVolumeClaim", "db-root", "rbd.example", ("ReadWriteOnce",), ("node-a",)),),
)
WAITING = replace(record("web", Phase.WAITING, "unreachable-window", "The window runs."), again_at=NOW + 200)


@pytest.fixture
def lost(site: PageSite) -> PageSite:
    site.store.save_outage(OutageRecord(OUTAGE, LOST_AT), done=False)
    for one in (BLOCKED, WAITING):
        site.store.create(one, [])
    return site


def test_what_the_search_for_a_nodes_vms_lacks_stands_with_its_outage(site: PageSite) -> None:
    sweep = Sweep(LOST_AT, "The search for its VMs was cut short: <b>it</b>.", False, ("acme/boo: no owner",))
    site.store.save_outage(OutageRecord(OUTAGE, LOST_AT, sweep=sweep), done=False)
    for address in ("/", f"/node/{OUTAGE.node.name}"):
        shown = site.browser("bob").get(address).text
        assert "The search for its VMs was cut short: &lt;b&gt;it&lt;/b&gt;." in shown
        assert "Passed over as no VM&#39;s: acme/boo: no owner." in shown


def test_nodes_that_cannot_be_fenced_are_named_on_the_first_page_and_each_with_why_and_what_to_do(
    site: PageSite,
) -> None:
    assert "cannot be fenced" not in site.browser("bob").get("/").text
    site.store.drills.write(DRILLS)
    assert "1 node cannot be fenced, by the last drill: node-a." in site.browser("bob").get("/").text
    shown = site.browser("bob").get("/fencing").text
    assert "2 of 3 drilled nodes can be fenced" in shown
    assert "BMC x &lt;b&gt;refuses&lt;/b&gt;. <strong>Change it.</strong>" in shown
    assert "cannot be fenced</strong>: VMs wait for the windows" in shown
    assert "VMs run again in 5-22 s by redfish" in shown
    rows = [shown.index(f'">{name}') for name in ("node-a", "node-c", "node-b")]
    assert rows == sorted(rows)
    assert "Nothing is to be done." not in site.browser("bob").get("/").text
    assert "7-1" not in shown  # what stands for credentials is nobody's


def test_a_vm_that_waits_is_told_how_soon_it_runs_again_with_proof(redis: Redis, tmp_path: Path) -> None:
    for fencing, words in (((), ""), (("redfish",), "5-22 s by redfish, if it reads that the machine is off")):
        site = PageSite(redis, tmp_path, fencing=fencing)
        site.store.save_outage(OutageRecord(OUTAGE, LOST_AT), done=False)
        site.store.create(WAITING, [])
        shown = site.browser("bob").get("/vm/" + str(WAITING.drift.vm)).text
        assert ("<dt>With proof</dt>" in shown) == bool(words)
        assert words in shown


@pytest.mark.parametrize(("fencing", "words"), [((), "No provider is configured"), (("redfish",), "been drilled yet")])
def test_where_nothing_was_drilled_it_says_why(
    redis: Redis, tmp_path: Path, fencing: tuple[str, ...], words: str
) -> None:
    site = PageSite(redis, tmp_path, fencing=fencing)
    assert words in site.browser("bob").get("/fencing").text


def test_without_an_outage_it_says_that_nothing_is_to_be_done(site: PageSite) -> None:
    text = site.browser("bob").get("/").text
    assert "<h1>No node is lost</h1>" in text
    assert "Nothing is to be done." in text


def test_a_suspect_is_named_with_what_follows_and_not_for_long(site: PageSite) -> None:
    suspicion = replace(SUSPICION, since=NOW - 17.0)
    site.store.suspicions.show(Suspects((suspicion,), "5 of 10 <b>nodes</b>."))
    text = site.browser("bob").get("/").text
    assert "node-a: its Lease has not been renewed for 17 s; providers are asked." in text
    assert "5 of 10 &lt;b&gt;nodes&lt;/b&gt;." in text
    assert "Nothing is to be done." not in text
    site.redis.pexpire("vmdrift:suspects", 0)
    assert "Nothing is to be done." in site.browser("bob").get("/").text


def test_an_outage_shows_node_window_and_each_vm_with_its_reason(lost: PageSite) -> None:
    text = lost.browser("ann").get("/").text
    assert "is lost since 05:58:20Z" in text
    assert "3 min 20 s left, until <time>06:03:20Z</time>" in text
    assert "No node has room for it. <code>kubelet-alive</code>" in text
    assert "The window runs." in text
    assert "For you to do" in text
    assert text.index("/vm/shop/db") < text.index("/vm/shop/web")


def test_before_kubernetes_has_noticed_there_is_no_countdown_but_what_is_waited_for(site: PageSite) -> None:
    site.store.save_outage(OutageRecord(OUTAGE, LOST_AT), done=False)
    site.store.create(replace(record("web", Phase.WAITING, "not-noticed", "Not yet."), again_at=NOW + 30), [])
    for address in ("/", f"/node/{OUTAGE.node.name}", "/vm/shop/web"):
        text = site.browser("bob").get(address).text
        assert ON_PROOF in text
        assert 'class="countdown"' not in text
        assert "lost since" not in text.lower()
    assert "on proof" in site.browser("bob").get("/").text


def test_a_vm_has_its_checklist_volumes_and_next_look(lost: PageSite) -> None:
    text = lost.browser("bob").get("/vm/shop/db").text
    assert '<strong>node</strong> <span class="word">passed</span>' in text
    assert '<strong>placement</strong> <span class="word">failed</span> <code>kubelet-alive</code>' in text
    assert "db-root" in text
    assert "rbd.example" in text
    assert "06:00:30Z" in text


def test_a_node_has_the_checklist_of_all_of_its_vms(lost: PageSite) -> None:
    text = lost.browser("bob").get("/node/node-a").text
    assert text.count('<span class="hidden">failed</span>') == 1
    assert text.count('<span class="hidden">not checked</span>') == 2


def test_what_is_over_is_in_the_history_with_its_recovery_time(site: PageSite) -> None:
    done = replace(record("web", Phase.COMPLETED, "running-elsewhere", "It runs on node-b."), ended_at=LOST_AT + 320.0)
    site.store.create(done, [])
    site.store.save_outage(OutageRecord(OUTAGE, LOST_AT, LOST_AT + 900), done=True)
    for path in ("/", "/history", "/node/node-a", "/vm/shop/web"):
        text = site.browser("bob").get(path).text
        assert "node-a" in text
        assert "5 min 20 s" in text


@pytest.mark.parametrize("path", ["/vm/shop/none", "/node/none", "/nowhere"])
def test_what_is_not_known_is_said_as_a_page(site: PageSite, path: str) -> None:
    answer = site.browser("bob").get(path)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_a_hold_is_shown_with_who_when_and_why_and_can_be_lifted(lost: PageSite) -> None:
    lost.wishes.write(Intervention(HOLD, "node/node-a", "eve", "new switch", NOW - 60, NOW + 3600))
    text = lost.browser("ann").get("/").text
    assert "Held until 07:00:00Z by eve at 05:59:00Z: new switch." in text
    assert "Resume node-a" in text
    assert "Resume node-a" not in lost.browser("bob").get("/").text


def test_commands_in_advice_look_like_commands(site: PageSite) -> None:
    site.store.save_outage(OutageRecord(OUTAGE, LOST_AT), done=False)
    site.store.create(record("web", Phase.BLOCKED, "held", "Held by eve."), [])
    assert "<code>vmdrift holds</code> shows who" in site.browser("bob").get("/").text


def test_a_scheduler_that_is_gone_is_told_where_everybody_looks(lost: PageSite) -> None:
    lost.redis.zadd("rq:scheduled:drifts", {"x": NOW + 5})
    assert "No scheduler serves the queue drifts" in lost.browser("bob").get("/").text


def test_a_process_whose_clock_is_off_is_named_where_everybody_looks(site: PageSite) -> None:
    now = redis_time(site.redis)
    site.redis.hset("vmdrift:clocks", mapping={"drifts@a:1": f"60.0 {now}", "drifts@b:1": f"1.0 {now}"})
    shown = site.browser("bob").get("/").text
    assert "The clock of drifts@a:1 is 60 s ahead of Redis" in shown
    assert "drifts@b:1" not in shown


@pytest.mark.parametrize("heard", [None, NOW - 241])
def test_watchers_that_hear_nothing_are_told_where_everybody_looks(site: PageSite, heard: float | None) -> None:
    assert "no lost node is noticed" not in site.browser("bob").get("/").text
    site.redis.delete("vmdrift:watcher")
    if heard:
        site.redis.set("vmdrift:watcher", f"{heard}")
    assert "no lost node is noticed" in site.browser("bob").get("/").text


def test_an_installation_that_only_observes_says_so(redis: Redis, tmp_path: object) -> None:
    site = PageSite(redis, tmp_path, policy="observe")  # type: ignore[arg-type]
    assert "everything is only observed, nothing is deleted" in site.browser("bob").get("/").text


def test_while_redis_is_away_it_says_since_when_and_that_drifts_go_on(
    site: PageSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = site.browser("bob")

    def away(*_: object) -> None:
        raise StoreUnreachable("Redis is away: connection refused")

    monkeypatch.setattr(site.store, "outages", away)
    first = browser.get("/")
    site.now += 60
    later = browser.get("/")
    monkeypatch.undo()
    assert (first.status_code, later.status_code, browser.get("/").status_code) == (503, 503, 200)
    assert "Redis is away since 06:00:00Z; recovery goes on when it is back." in later.text


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_what_others_wrote_is_text_and_nothing_else(site: PageSite, hostile: str) -> None:
    site.store.save_outage(OutageRecord(OUTAGE, LOST_AT), done=False)
    site.store.create(replace(BLOCKED, sentence=hostile, target=hostile), [])
    site.wishes.write(Intervention(HOLD, "all", hostile, hostile, NOW))
    browser = site.browser("ann")
    for path in ("/", "/vm/shop/db", "/node/node-a"):
        assert hostile not in browser.get(path).text


_FILE = Fencing(
    OUTAGE,
    "boot-1",
    float(LOST_AT),
    "fenced",
    "Proven dead (redfish). It reads Off. Every VM on the node is to be moved.",
    confirmation=Confirmation("redfish", "bmc", "It reads Off.", NOW, "", ""),
    attempts=(Attempt("remediation", NOW, "It timed out.", NOW),),
    release=ChosenRelease(ReleaseWay.TAINT, "All.", NOW, tuple(f"shop/pod-{number}" for number in range(12))),
)


@pytest.mark.parametrize("path", ["/", "/node/node-a"])
def test_a_lost_node_shows_its_proof_who_failed_before_and_what_the_taint_removes(lost: PageSite, path: str) -> None:
    lost.store.save_fencing(_FILE)
    text = lost.browser("bob").get(path).text
    assert "Proof of death:" in text
    assert "Proven dead (redfish). It reads Off." in text
    assert "Failed: remediation: It timed out." in text
    assert "The taint removes shop/pod-0," in text
    assert "shop/pod-9 and 2 more." in text
    assert text.count("left, until") == (1 if path == "/" else 0)  # the VM's own window; there is none of the node


def test_what_a_provider_says_is_text_and_nothing_else(lost: PageSite) -> None:
    lost.store.save_fencing(replace(_FILE, sentence="<script>alert(1)</script>", release=None))
    text = lost.browser("bob").get("/").text
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
