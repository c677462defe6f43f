"""What people do on the page, and what is kept of it."""

from dataclasses import replace

import pytest

from reactor.adapters.redis.summaries import RedisSummaries
from reactor.model.drift import OutageRecord, Phase
from reactor.model.event import DRIFT_REQUESTED, DRIFT_RETRY
from reactor.model.identity import VmRef
from reactor.model.intervention import CANCEL, HOLD
from reactor.model.node import node_view
from reactor.model.summary import Summary
from simulator.client import ApiError
from tests.contracts.samples import node, outage, record
from tests.page.site import NOW, PageSite


def lost(site: PageSite, phase: Phase = Phase.WAITING) -> PageSite:
    site.store.save_outage(OutageRecord(outage(), NOW), done=False)
    site.store.create(record("web", phase=phase), [])
    return site


def there(site: PageSite) -> PageSite:
    """A node and a VM that the API server knows."""
    admin = site.world.api.client("admin")
    admin.create("nodes", {"metadata": {"name": "node-a"}})
    admin.create("virtualmachines", {"metadata": {"name": "web", "namespace": "shop"}})
    return site


def told(site: PageSite) -> list[tuple[str, str, str]]:
    """Type, subject and source of each event that waits to be taken in."""
    waiting = site.inbox().unsettled(NOW + 1000)
    return [(one.hint.type, one.hint.subject, one.hint.source) for one in waiting]


@pytest.mark.parametrize(("target", "kept"), [("node-a", "node/node-a"), ("shop/web", "vm/shop/web"), ("all", "all")])
def test_a_hold_is_written_down_with_who_until_when_and_why(site: PageSite, target: str, kept: str) -> None:
    there(site)
    answer = site.browser("ann").act("hold", target, lasts="30m", why="firmware")
    assert (answer.status_code, answer.location) == (303, "/")
    (one,) = site.wishes.written()
    assert (one.kind, one.target, one.by, one.why, one.until) == (HOLD, kept, "ann", "firmware", NOW + 1800)


def test_a_hold_lasts_until_it_is_resumed(site: PageSite) -> None:
    browser = there(site).browser("ann")
    browser.act("hold", "node-a")
    assert site.wishes.written()[0].until is None
    assert (
        "node-a is no longer held."
        in browser.client.post(
            "/act",
            data={"csrf_token": browser.token("/"), "what": "resume", "target": "node-a"},
            follow_redirects=True,
        ).text
    )
    assert site.wishes.written() == ()


def test_a_cancel_is_for_this_outage_and_a_worker_looks_now(site: PageSite) -> None:
    lost(site).browser("ann").act("cancel", "shop/web", why="a new one is there", sure="yes")
    (one,) = site.wishes.written()
    assert (one.kind, one.outage, one.why) == (CANCEL, outage().id, "a new one is there")
    assert told(site) == [(DRIFT_REQUESTED, "shop/web", "/page/ann")]


def test_retry_lifts_the_cancel_and_tells_the_workers(site: PageSite) -> None:
    browser = lost(site).browser("ann")
    browser.act("cancel", "shop/web", why="new", sure="yes")
    assert site.wishes.written()
    site.now += 5
    browser.act("retry", "shop/web")
    assert site.wishes.written() == ()
    assert (DRIFT_RETRY, "shop/web", "/page/ann") in told(site)


def test_a_drift_can_be_asked_for(site: PageSite) -> None:
    site.browser("ann").act("drift", "shop/web")
    assert told(site) == [(DRIFT_REQUESTED, "shop/web", "/page/ann")]


@pytest.mark.parametrize(
    ("what", "target", "status", "said"),
    [
        ("explode", "shop/web", 400, "is not one of hold, resume"),
        ("hold", "Node A", 400, "is not a node"),
        ("retry", "node-a", 400, "is not a VM as NAMESPACE/NAME"),
        ("retry", "shop/none", 409, "has no recovery in any open outage"),
        ("cancel", "shop/none", 409, "has no recovery in any open outage"),
        ("resume", "node-a", 409, "node-a is not held"),
    ],
)
def test_what_makes_no_sense_is_said_and_not_done(
    site: PageSite, what: str, target: str, status: int, said: str
) -> None:
    answer = lost(site).browser("ann").act(what, target, why="new", sure="yes")
    assert (answer.status_code, said in answer.text) == (status, True)
    assert (site.wishes.written(), told(site)) == ((), [])


def test_an_ended_drift_cannot_be_cancelled(site: PageSite) -> None:
    answer = lost(site, Phase.COMPLETED).browser("ann").act("cancel", "shop/web", why="new", sure="yes")
    assert (answer.status_code, site.wishes.written()) == (409, ())


def test_a_hold_that_lasts_for_nonsense_is_not_written(site: PageSite) -> None:
    answer = site.browser("ann").act("hold", "all", lasts="soon")
    assert (answer.status_code, site.wishes.written()) == (400, ())


@pytest.mark.parametrize(("what", "target"), [("hold", "all"), ("cancel", "shop/web"), ("retry", "shop/web")])
def test_without_the_api_server_nothing_is_done_and_that_is_said(site: PageSite, what: str, target: str) -> None:
    site.world.api.faults.append(lambda _: ApiError(503, "Unavailable", "later"))
    answer = lost(site).browser("ann").act(what, target, why="new", sure="yes")
    assert (answer.status_code, "Nothing was done" in answer.text) == (503, True)
    assert told(site) == []


def test_without_a_cluster_no_drift_is_said_to_go_on_that_may_be_cancelled(site: PageSite) -> None:
    site.wishes = None
    site.app = site.another_process()
    answer = lost(site).browser("ann").act("retry", "shop/web")
    assert (answer.status_code, "has no access to a cluster" in answer.text, told(site)) == (409, True, [])


def test_what_another_process_wrote_a_moment_ago_counts(site: PageSite) -> None:
    """The page that is shown may be two seconds old; what is done may not."""
    lost(site)
    first, second = site.browser("ann"), site.browser("ann", site.another_process())
    second.get("/")
    first.act("cancel", "shop/web", why="new", sure="yes")
    assert site.wishes.written()
    second.act("retry", "shop/web")
    assert site.wishes.written() == ()


def test_of_two_vms_of_one_name_the_one_that_is_there_now_is_meant(site: PageSite) -> None:
    old = record("web", phase=Phase.COMPLETED)
    lost(site, Phase.COMPLETED)
    for uid in ("uid-0", "uid-z"):  # on both sides of the first, whatever order they are read in
        site.store.create(replace(old, drift=replace(old.drift, vm=VmRef("shop", "web", uid)), created_at=NOW), [])
    anew = replace(record("web"), created_at=NOW + 1, drift=replace(old.drift, vm=VmRef("shop", "web", "uid-m")))
    site.store.create(anew, [])
    assert site.browser("ann").act("cancel", "shop/web", why="new", sure="yes").status_code == 303


@pytest.mark.parametrize(
    ("target", "warned"), [("node-a", False), ("shop/web", False), ("node-z", True), ("shop/wbe", True)]
)
def test_who_may_not_look_up_a_target_says_so_unless_an_open_outage_names_it(
    site: PageSite, target: str, *, warned: bool
) -> None:
    """As the receiver's ServiceAccount: it faces the network, and may read nothing but that ConfigMap."""
    site.world.api.authorize = lambda _user, _verb, resource, _namespace: resource == "configmaps"
    browser = lost(site).browser("ann")
    browser.act("hold", target)
    assert site.wishes.written()
    shown = browser.get("/").text
    assert ("could not be checked" in shown) is warned
    assert ("VM shop/wbe (did you mean shop/web?)" in shown) is (target == "shop/wbe")


def test_a_node_that_no_watcher_knows_is_surely_not_there(site: PageSite) -> None:
    """Who may not read nodes refuses a slip of the pen all the same, while watchers publish all of them."""
    site.world.api.authorize = lambda _user, _verb, resource, _namespace: resource == "configmaps"
    known = tuple(view for name in ("node-a", "node-b") if (view := node_view(node(name))))
    RedisSummaries(site.redis).publish(Summary(NOW, known, {}))
    browser = lost(site).browser("ann")
    refused = browser.act("hold", "nodeb")
    assert (refused.status_code, "did you mean node-b?" in refused.text, site.wishes.written()) == (409, True, ())
    assert browser.act("hold", "node-b").status_code == 303
    assert browser.act("hold", "nodeb", force="yes").status_code == 303
    assert [entry.target for entry in site.wishes.written()] == ["node/node-b", "node/nodeb"]


def test_a_hold_is_shown_for_as_long_as_it_holds_by_the_api_servers_clock(site: PageSite) -> None:
    site.wishes = replace(site.wishes, clock=lambda: site.now - 100)
    site.app = site.another_process()
    browser = lost(site).browser("ann")
    browser.act("hold", "all", lasts="60s", why="firmware")
    assert "firmware" in browser.get("/").text
    site.now += 61
    assert "firmware" not in browser.get("/").text


def test_each_action_is_in_the_log_with_who_and_why(site: PageSite, capsys: pytest.CaptureFixture[str]) -> None:
    there(site).browser("ann").act("hold", "node-a", why="firmware")
    said = capsys.readouterr()
    line = next(line for line in (said.out + said.err).splitlines() if "is held" in line)
    assert all(word in line for word in ("ann", "node-a", "firmware"))


def test_a_hold_is_in_the_metrics_with_how_long_it_has_been_in_force(site: PageSite) -> None:
    there(site).browser("ann").act("hold", "node-a", why="firmware")
    site.now += 90000.0
    assert (
        'vmdrift_hold_seconds{namespace="",node="node-a",target="node/node-a",vm=""} 90000.0'
        in site.app.test_client().get("/metrics").text
    )
