"""The first screen: what becomes of the VMs, in one line; groups that open; what is late; who is missing."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from reactor.adapters.redis.audits import RedisAudits
from reactor.adapters.redis.summaries import RedisSummaries
from reactor.interventions import Interventions, Person
from reactor.model.audit import Audit, Loss
from reactor.model.drift import Check, OutageRecord, Phase, Record
from reactor.model.forecast import Forecast
from reactor.model.identity import Drift, VmRef
from reactor.model.node import node_view
from reactor.model.summary import Summary
from tests.contracts.samples import DRILLS, node, outage
from tests.page.site import NOW, PageSite

LOST_AT = NOW - 100
OUTAGE = replace(outage(), since=int(LOST_AT))
PASSED = (Check("placement", held=True, reason="", sentence="It can run on node-b."),)


def vm(name: str, phase: Phase, reason: str, sentence: str = "It is so.", space: str = "shop") -> Record:
    drift = Drift(VmRef(space, name, f"uid-of-{name}"), OUTAGE)
    first = Record(drift, phase, reason, sentence, LOST_AT, LOST_AT, again_at=NOW + 33.0)
    return replace(first, checks=PASSED if phase is Phase.WAITING else ())


def lose(site: PageSite, *records: Record, done: bool = False) -> None:
    site.store.save_outage(OutageRecord(OUTAGE, LOST_AT, LOST_AT + 900 if done else None), done=done)
    for record in records:
        site.store.create(record, [])


def shown(site: PageSite, address: str = "/") -> str:
    return site.browser("bob").get(address).text


def sixty() -> list[Record]:
    moving = [vm(f"web-{number:02}", Phase.RELEASED, "force-deleted", f"Pod {number} is gone.") for number in range(56)]
    stuck = [vm(f"old-{number}", Phase.REFUSED, "pinned-to-node", "Only there.", "bank") for number in range(4)]
    return moving + stuck


def test_the_first_line_says_what_becomes_of_the_vms(site: PageSite) -> None:
    lose(site, vm("web", Phase.WAITING, "watching-for-life"), vm("old", Phase.REFUSED, "pinned-to-node"))
    line = "node-a lost 1 min 40 s ago · 2 VMs: 1 will move (first in 33 s), 1 will stay down: act now"
    for address in ("/", "/node/node-a"):
        text = shown(site, address)
        assert f'<p class="headline urgent">{line}</p>' in text


def test_what_is_foreseen_within_the_window_is_said_with_its_own_reason_and_advice(site: PageSite) -> None:
    foreseen = Forecast(LOST_AT, moves=False, reason="run-strategy", sentence="Nobody starts it: Manual.")
    waiting = replace(vm("web", Phase.WAITING, "unreachable-window", "The window runs."), checks=())
    lose(site, waiting, replace(waiting, drift=vm("old", Phase.WAITING, "x").drift, forecast=foreseen))
    text = shown(site)
    assert "2 VMs: 1 not foreseen yet (first in 33 s), 1 will stay down: act now" in text
    assert "Nobody starts it: Manual. <code>run-strategy</code>" in text
    assert "kubectl -n shop patch vm old --type=merge" in text
    assert "For you to do" in shown(site, "/vm/shop/old")


def test_sixty_vms_are_two_groups_those_first_that_need_somebody_and_closed(site: PageSite) -> None:
    lose(site, *sixty())
    text = shown(site)
    summaries = re.findall(r"<details class=\"group[^>]*>\s*<summary>(.*?)</summary>", text, re.DOTALL)
    assert ["4 VMs" in summaries[0], "56 VMs" in summaries[1], len(summaries)] == [True, True, 2]
    assert "Only there." in summaries[0]
    assert "The launcher pod was force-deleted" in summaries[1]  # each says it with names of its own
    assert "Pod 7 is gone." not in summaries[1]
    assert "Pod 7 is gone." in text
    assert not re.search(r'<details class="group[^>]* open>', text)


def test_of_a_group_of_hundreds_the_first_hundred_are_listed_and_it_says_so(site: PageSite) -> None:
    lose(site, *(vm(f"web-{number:03}", Phase.RELEASED, "force-deleted") for number in range(120)))
    text = shown(site)
    assert "The first 100 of 120." in text
    assert ("/vm/shop/web-099" in text, "/vm/shop/web-100" in text) == (True, False)
    assert "/vm/shop/web-100" in shown(site, "/?name=web-10")


def test_few_vms_are_open_at_once(site: PageSite) -> None:
    lose(site, *sixty()[50:58])
    assert len(re.findall(r'<details class="group[^>]* open>', shown(site))) == 2


@pytest.mark.parametrize(
    ("query", "there", "gone", "said"),
    [
        ("name=WEB-5", "shop/<wbr>web-51", "old-1", "6 of 60 VMs are shown."),
        ("namespace=bank", "bank/<wbr>old-1", "web-51", "4 of 60 VMs are shown."),
        ("phase=refused&name=old-2", "bank/<wbr>old-2", "old-1", "1 of 60 VMs are shown."),
        ("name=%3Cb%3E", "&lt;b&gt;", "web-51", "0 of 60 VMs are shown."),
    ],
)
def test_a_filter_works_by_the_address_alone(site: PageSite, query: str, there: str, gone: str, said: str) -> None:
    lose(site, *sixty())
    text = shown(site, f"/?{query}")
    assert there in text
    assert gone not in text
    assert said in text
    assert "60 VMs: 56 are moving, 4 will stay down: act now" in text  # the headline counts all


def test_with_all_workers_dead_no_countdown_goes_on_and_it_says_so(site: PageSite) -> None:
    lose(site, replace(vm("web", Phase.WAITING, "unreachable-window"), again_at=LOST_AT + 300))
    site.redis.set("rq:scheduler:alive", 1)
    assert "3 min 20 s left, until" in shown(site)
    site.now = LOST_AT + 345
    for address in ("/", "/vm/shop/web"):
        text = shown(site, address)
        assert "45 s late: no worker is alive" in text
        assert 'class="countdown"' not in text


def test_a_vm_that_is_foreseen_to_stay_down_is_late_like_the_others(site: PageSite) -> None:
    foreseen = Forecast(LOST_AT, moves=False, reason="run-strategy", sentence="Nobody starts it: Manual.")
    waiting = replace(vm("old", Phase.WAITING, "unreachable-window"), again_at=LOST_AT + 300, checks=())
    lose(site, replace(waiting, forecast=foreseen))
    site.now = LOST_AT + 345
    next_check = re.search(r'data-label="Next check">(.*?)</td>', shown(site))
    assert next_check
    assert next_check[1] == '<strong class="late">45 s late: no worker is alive</strong>'


def test_the_nodes_page_says_on_each_row_who_holds_it_and_what_there_is_to_do(site: PageSite) -> None:
    held = vm("web", Phase.BLOCKED, "held", "Held by ann at 05:58:30Z: firmware.")
    lose(site, held, vm("old", Phase.REFUSED, "pinned-to-node"))
    ann = Person("ann", "cli")
    Interventions(ann, site.wishes, lambda: site.store, site.inbox).hold("shop/web", None, "firmware")
    text = shown(site, "/node/node-a")
    assert "For you to do" in text
    assert "kubectl -n shop edit vm old" in text
    row = next(line for line in text.split("<tr>") if ">shop/<wbr>web</a></th>" in line)
    assert re.search(r'class="deed">.*Held by ann at \d\d:\d\d:\d\dZ: firmware\.', row, re.DOTALL)


def test_a_vm_is_down_until_it_runs_and_one_that_is_not_back_stands_out(site: PageSite) -> None:
    gone = replace(vm("web", Phase.CANCELLED, "cancelled-by-hand"), again_at=None, ended_at=LOST_AT + 60)
    back = replace(vm("old", Phase.REFUSED, "pinned-to-node"), again_at=None, ended_at=LOST_AT + 90)
    lose(site, gone, back, done=True)
    text = shown(site, "/history")
    assert '<strong class="late">1 not back</strong>' in text
    assert 'data-label="Down, all VMs">3 min 10 s, and counting</td>' in text
    assert '<strong class="late">not back: 1 min 40 s</strong>' in text
    assert re.search(r"refused</span> down 1 min 30 s: ", text)
    assert '<strong class="late">not back: 1 min 40 s</strong>' in shown(site, "/vm/shop/web")


def test_what_was_foreseen_and_how_it_came_is_said_of_the_vm_and_in_the_history(site: PageSite) -> None:
    foreseen = Forecast(LOST_AT, moves=False, reason="pinned-to-node", sentence="Only there.")
    moved = replace(vm("web", Phase.COMPLETED, "running-elsewhere"), again_at=None, ended_at=LOST_AT + 50)
    lose(site, replace(moved, forecast=foreseen, target="node-b"), done=True)
    for address in ("/history", "/vm/shop/web"):
        assert "it stays down (pinned-to-node). Missed: it ran on node-b after 50 s." in shown(site, address)


def row(level: str, name: str, words: str) -> str:
    """A row of the health strip, as a pattern."""
    return rf'<li class="{level}">.*<strong>{name}</strong> <span class="words">{words}'


def test_the_health_strip_is_green_when_all_is_well_and_names_who_is_missing(site: PageSite) -> None:
    text = shown(site)
    assert re.search(row("good", "watcher", "heard 0 s ago</span>"), text)
    assert re.search(row("bad", "scheduler", "missing: nothing starts that has a due time"), text)
    assert re.search(row("bad", "workers", "missing for events, drifts"), text)
    RedisSummaries(site.redis).publish(Summary(NOW, (node_view(node()),), {}))
    site.redis.set("rq:scheduler:alive", 1)
    text = shown(site)
    assert "heard 0 s ago, 1 node</span></li>" in text
    assert re.search(row("good", "scheduler", "alive</span>"), text)


def test_the_strip_says_what_is_covered_and_turns_amber_when_no_audit_comes(site: PageSite) -> None:
    assert "<strong>covered</strong>" not in shown(site)
    audit = Audit(NOW - 540.0, NOW + 3060.0, 2.0, "auto", 12, 340, 0, (Loss("any-1", 12, 12, 7),))
    RedisAudits(site.redis).write(audit)
    words = r"12 nodes, 340 VMs; 7 would stay down if a node were lost: vmdrift audit --any 1 \(9 min ago\)"
    assert re.search(row("good", "covered", f"{words}</span>"), shown(site))
    RedisAudits(site.redis).write(replace(audit, next_at=NOW - 700.0))
    assert re.search(row("warn", "covered", r"[^<]*: is vmdrift work audit alive\?"), shown(site))


def test_the_strip_says_for_how_many_nodes_fencing_is_armed(redis: Redis, tmp_path: Path) -> None:
    site = PageSite(redis, tmp_path, fencing=("redfish",), policy="observe")
    site.store.drills.write(DRILLS)
    text = shown(site)
    assert '<strong>fencing</strong> <span class="words">armed: redfish; 2 of 3 nodes' in text
    assert re.search(row("warn", "policy", "observe: nothing is deleted</span>"), text)


def test_all_timelines_of_an_outage_have_one_scale_and_one_legend(site: PageSite) -> None:
    blocked = replace(vm("db", Phase.BLOCKED, "kubelet-alive"), created_at=LOST_AT + 1)
    held = replace(vm("pin", Phase.BLOCKED, "held"), created_at=LOST_AT + 1)
    lose(site, vm("web", Phase.WAITING, "unreachable-window"), blocked, held)
    text = shown(site)
    legend = re.findall(r'<p class="legend.*?</p>', text, re.DOTALL)
    assert len(legend) == 1
    assert re.findall(r'class="stage (\w+)"', legend[0]) == ["waiting", "blocked", "held", "expected"]
    assert len(set(re.findall(r'<line class="now" x1="([\d.]+)"', text))) == 2  # the legend's, and one of all timelines


def test_times_of_an_outage_have_dates_once_a_day_lies_between(site: PageSite) -> None:
    lose(site, vm("old", Phase.REFUSED, "pinned-to-node"))
    assert "is lost since 05:58:20Z" in shown(site)
    site.now = NOW + 2 * 86400
    site.redis.set("vmdrift:watcher", f"{site.now}")
    for address in ("/", "/vm/shop/old"):
        assert "2026-11-24 05:58:20Z" in shown(site, address)
