"""A rolling upgrade: what an earlier version kept is read, and its drifts go on where they were."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from reactor.adapters.rq import RUNS, JobEntry
from reactor.model.change import Change
from reactor.model.drift import OutageRecord, Record
from reactor.model.fencing import Heartbeat, read_fencing
from reactor.model.receipt import Receipt
from tests.support import schemas
from tests.upgrade.kept import LOST, MOMENTS, kept, play, until

FILES = sorted(Path(__file__).parent.glob("*.json"))
MOMENTS_OF = [(story, moment) for story, moments in MOMENTS.items() for moment in moments]
READERS: dict[str, Callable[[Any], Any]] = {
    "records": lambda one: Record.of(one).kept(),
    "outages": lambda one: OutageRecord.of(one).as_json(),
    "changes": lambda one: Change.of(one).as_json(),
    "receipts": lambda one: Receipt.of(one).as_json(),
}
every_version = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def _there(file: Path, story: str, moment: int) -> Any:
    return json.loads(file.read_text())[story][str(moment)]


def _as_known(value: Any, known: Any) -> Any:
    """The value without what a later version says more of it, at any depth."""
    if isinstance(value, dict) and isinstance(known, dict):
        return {name: _as_known(value.get(name), known[name]) for name in known}
    if isinstance(value, list) and isinstance(known, list) and len(value) == len(known):
        return [_as_known(item, of) for item, of in zip(value, known, strict=True)]
    return value


@every_version
@pytest.mark.parametrize(("story", "moment"), MOMENTS_OF)
def test_what_an_earlier_version_kept_says_the_same_today(file: Path, story: str, moment: int) -> None:
    old = _there(file, story, moment)
    for what, read in READERS.items():
        for one in old[what]:
            again = orjson.loads(orjson.dumps(read(one)))
            assert _as_known(again, one) == one, what
    files = [read_fencing(text) for text in old["fencings"]]
    assert [file.as_text() for file in files if file] == old["fencings"]
    for event in old["events"]:
        schemas.check(event)


@every_version
@pytest.mark.parametrize(("story", "moment"), MOMENTS_OF)
def test_a_job_of_an_earlier_version_calls_what_is_there(file: Path, story: str, moment: int) -> None:
    for job in _there(file, story, moment)["jobs"]:
        assert job["function"] in RUNS[job["queue"]]


@every_version
@pytest.mark.parametrize(("story", "moment"), MOMENTS_OF)
def test_a_drift_of_an_earlier_version_goes_on_and_its_pod_is_deleted_once(file: Path, story: str, moment: int) -> None:
    now = play(story)
    since = now.world.now
    until(now, story, since, moment)
    old = _as_here(_there(file, story, moment), kept(now)["uids"])
    store, queue = now.reactor.store, now.reactor.queue
    now.reactor.flush()
    store.records_by_drift = {record.drift.id: record for record in map(Record.of, old["records"])}
    store.outages_by_id = {record.outage.id: record for record in map(OutageRecord.of, old["outages"])}
    store.open_outages = set(old["open"])
    store.heartbeats_by_outage = {outage: Heartbeat(**one) for outage, one in old["heartbeats"].items()}
    store.last_fence = max(record.fence for record in store.records_by_drift.values())
    for job in old["jobs"]:
        if (due := job.pop("due")) is not None:
            queue.wake(JobEntry(**{**job, "args": tuple(job["args"])}), due)
    before, outages = [record.created_at for record in now.records], set(store.outages_by_id)

    until(now, story, since, max(moment, 99))
    now.world.run_for(1200)

    assert {vm: now.story(vm)[0] for vm in ("db", "web", "old")} == {
        "db": "completed",
        "web": "completed",
        "old": "refused",
    }
    assert [record.created_at for record in now.records] == before, "they were begun anew"
    assert set(store.outages_by_id) == outages, "the same outage under another identity"
    assert len(now.auditor.deleted("pods")) == 2
    assert LOST not in now.running("db") + now.running("web")
    now.check()


def _as_here(old: Any, uids: dict[str, str]) -> Any:
    """The same, of the objects of today's cluster."""
    text = json.dumps(old)
    for name, uid in old["uids"].items():
        text = text.replace(uid, uids.get(name, uid))
    return json.loads(text)
