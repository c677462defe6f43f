"""Passwords and tokens everywhere, and trouble with all of them: none is in a log, in Redis, or on a page."""

import zlib
from urllib.parse import quote

from redis import Redis

from tests.acceptance.secretive import found_in, held
from tests.acceptance.story import IN_URL, ROLES, SINK, WRONG, Stage


def test_no_secret_is_in_a_log_in_redis_or_on_a_page(story: Stage) -> None:
    logs = [(path.name, path.read_bytes()) for path in story.folder.glob("*.log")]
    assert {name.split("-", 1)[-1].removesuffix(".log") for name, _ in logs} >= set(ROLES)
    pages = [(path, bytes(answer.raw)) for path, answer in story.seen["pages"].items()]
    said = [(words, (done.out + done.err).encode()) for words, done in story.seen["refused"]]
    told = [(words, (done.out + done.err).encode()) for words, done in story.said.items()]
    kept = story.seen["kept"]
    assert any(place.startswith("rq:job:") and b"shop" in text for place, text in kept), "no job could be read"
    assert found_in([*logs, *pages, *said, *told, *kept]) == []


def test_every_role_met_the_trouble_and_every_secret_was_used(story: Stage) -> None:
    text = b"".join(path.read_bytes() for path in story.folder.glob("*-*.log"))
    assert text.count(b"Redis is away") >= 3
    assert f"Bearer {SINK}" in {headers.get("authorization") for headers in story.sink.headers}
    assert any(IN_URL in path for path in story.sink.paths)
    assert story.seen["posted"] == [202, 202, 401, 401, 404, 400]


def test_what_cannot_start_ends_with_exit_code_2_and_says_why_in_one_line(story: Stage) -> None:
    refused = dict(story.seen["refused"])
    assert {words: done.code for words, done in refused.items() if done.code} == {
        "work drifts": 2,
        "work scheduler": 2,
        "work outgoing": 2,
        "serve": 2,
        "workers drifts": 2,
    }
    assert {done.err.count("\n") for done in refused.values() if done.code} == {1}
    assert f"VMDRIFT_LISTEN: {story.address}" in refused["serve"].err


def test_the_net_catches_each_spelling_in_plain_text_and_in_a_job(redis: Redis) -> None:
    redis.hset("rq:job:x", "data", zlib.compress(f'["f", ["{WRONG}"]]'.encode()))
    redis.xadd("vmdrift:events", {"event": quote('drifts\'s "pass\\word" $1 %', safe="")})
    assert len(found_in(held(redis))) == 2
