"""What the last audit found, in Redis: what is read is what was written, and nothing else is ever in the way."""

from dataclasses import replace

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from reactor.adapters.redis.audits import RedisAudits
from reactor.model.audit import Audit, Loss, WorstLoss

WORST = WorstLoss("node-a, node-b", ("node-a", "node-b"), 3, 1, ("shop/web", "shop/db"))
LOSSES = (Loss("own-node", 12, 12, 7), Loss("any-2", 66, 40, 9, 2, 1, (WORST,)))
AUDIT = Audit(1000.0, 4600.0, 2.5, "auto", 12, 340, 4, LOSSES, ("volumeattachments",))
KEY, WEEK = "vmdrift:audit", 7 * 86400


def test_what_is_read_is_what_was_written_last(redis: Redis) -> None:
    audits = RedisAudits(redis)
    assert audits.last() is None
    audits.write(replace(AUDIT, vms=1))
    audits.write(AUDIT)
    assert audits.last() == AUDIT


def test_it_is_forgotten_after_a_week(redis: Redis) -> None:
    RedisAudits(redis).write(AUDIT)
    assert redis.ttl(KEY) == WEEK


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"[]", b"\xff", b'{"version": 1}', b'{"version": 2, "losses": []}'),
        *(b'{"version": 1, "losses": 5}', b'{"version": 1, "losses": [5], "absent": []}'),
        *(
            b'{"version": 1, "losses": [{"worst": [{}]}], "absent": []}',
            b'{"version": 1, "losses": [], "absent": [], "at": 1}',
        ),
    ],
)
def test_what_this_version_cannot_read_is_none(redis: Redis, text: bytes) -> None:
    redis.set(KEY, text)
    assert RedisAudits(redis).last() is None


@pytest.mark.parametrize(
    "wrong", [{"vms": "many"}, {"at": 1e300}, {"losses": [{"lost": 5, "sets": 1, "judged": 1, "worst": []}]}]
)
def test_a_field_of_another_type_makes_it_none(redis: Redis, wrong: dict[str, object]) -> None:
    import orjson

    redis.set(KEY, orjson.dumps({**AUDIT.as_json(), **wrong}))
    assert RedisAudits(redis).last() is None


def test_who_may_not_read_it_is_no_worse_off_than_without(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: str) -> None:
        raise NoPermissionError("No permissions to access a key")

    monkeypatch.setattr(redis, "get", refused)
    assert RedisAudits(redis).last() is None
