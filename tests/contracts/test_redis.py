"""Connecting to Redis: one server, or whoever the Sentinels call primary."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from shutil import which

import pytest
import trustme
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from reactor.adapters.redis.connection import connect
from reactor.adapters.redis.store import RedisStore
from reactor.model.errors import SettingsError, StoreError, StoreRefused, StoreUnreachable
from tests.contracts.samples import outage_record
from tests.support.ports import free_port
from tests.support.sentinels import NAME, Sentinels
from vmdrift.processes import Processes, wait_for

AT_ONCE = Retry(NoBackoff(), 0)
_WITH_TLS = which("redis-check-rdb")


@pytest.fixture
def secured() -> Iterator[tuple[int, int, Path]]:
    """A server and a Sentinel that both speak TLS only: their ports, and who has signed their certificates."""
    with tempfile.TemporaryDirectory(prefix="vmd-") as name, Processes(Path(name)) as processes:
        folder, port, sentinel = Path(name), free_port(), free_port()
        # Debian's package redis-tools, which starts no server of its own, has all of it under this name.
        (folder / "redis-server").symlink_to(_WITH_TLS or "/nowhere")
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        tls = f"port 0\nbind 127.0.0.1\ndir {folder}\ntls-auth-clients no\ntls-replication yes\n"
        tls += (
            f"tls-ca-cert-file {folder}/ca.pem\ntls-cert-file {folder}/server.pem\ntls-key-file {folder}/server.pem\n"
        )
        (folder / "valkey.conf").write_text(f"{tls}tls-port {port}\nrequirepass one\n")
        watched = f"sentinel monitor main 127.0.0.1 {port} 1\nsentinel auth-pass main one\n"
        (folder / "sentinel.conf").write_text(f"{tls}tls-port {sentinel}\nrequirepass two\n{watched}")
        processes.start("server", [str(folder / "redis-server"), str(folder / "valkey.conf")])
        processes.start("sentinel", [str(folder / "redis-server"), str(folder / "sentinel.conf"), "--sentinel"])
        yield port, sentinel, folder / "ca.pem"


@pytest.mark.nightly
@pytest.mark.skipif(not _WITH_TLS, reason="no Redis server with TLS: make tools NIGHT=1")
def test_over_tls_the_server_and_its_sentinels_are_believed_by_their_certificates_only(
    secured: tuple[int, int, Path],
) -> None:
    port, sentinel, authority = secured
    signed, unsigned = f"?ssl_ca_certs={authority}", "?"
    urls = (f"rediss://:one@127.0.0.1:{port}/0{{}}", f"rediss+sentinel://:one@127.0.0.1:{sentinel}/main/0{{}}")
    for url in urls:
        more = "&sentinel_password=two" if "sentinel" in url else ""
        assert wait_for(partial(_connects, url.format(signed) + more), 60)
        with pytest.raises(StoreUnreachable):
            connect(url.format(unsigned) + more.removeprefix("&"), AT_ONCE)
    with pytest.raises(StoreError):
        connect(f"redis://:one@127.0.0.1:{port}/0", AT_ONCE)


def _connects(url: str) -> bool:
    try:
        return bool(connect(url, AT_ONCE).ping())
    except StoreError:
        return False


@pytest.fixture
def sentinels() -> Iterator[Sentinels]:
    with tempfile.TemporaryDirectory(prefix="vmd-") as folder, Processes(Path(folder)) as processes:
        yield Sentinels(processes, Path(folder))


@pytest.mark.long(10)
def test_when_the_primary_is_killed_the_next_one_is_found_with_what_it_held(sentinels: Sentinels) -> None:
    redis = connect(sentinels.url)
    store = RedisStore(redis, 3600)
    store.save_outage(outage_record(), done=False)
    redis.wait(1, 5000)
    killed = sentinels.kill_primary()

    def goes_on() -> bool:
        try:
            return [record.outage for record in store.outages()] == [outage_record().outage]
        except StoreError:
            return False

    assert wait_for(goes_on, 60)
    assert wait_for(lambda: sentinels.primary() != killed, 60)  # the one that is asked here learns it from the others
    store.save_outage(outage_record("node-b"), done=False)
    assert len(store.outages()) == 2

    sentinels.serve(killed)  # it comes back as a replica, and nobody writes to it
    assert sentinels.primary() != killed
    assert connect(sentinels.url).info("replication")["role"] == "master"


def test_a_wrong_password_is_told_as_that(sentinels: Sentinels) -> None:
    with pytest.raises((StoreRefused, StoreUnreachable)) as caught:
        connect(sentinels.url.replace("pass%2Fword%231", "wrong-secret"), AT_ONCE)
    assert "secret" not in str(caught.value)
    with pytest.raises((StoreRefused, StoreUnreachable)) as caught:
        connect(sentinels.url.replace("sentinel-secret", "wrong-secret"), AT_ONCE)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis+sentinel://127.0.0.1:1,127.0.0.1:2/main", "rediss+sentinel://[::1]:1/main/3"])
def test_without_a_sentinel_that_answers_redis_is_away(url: str) -> None:
    with pytest.raises(StoreUnreachable):
        connect(url, AT_ONCE)


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "a:26379",
        "a:26379/",
        "a:x/main",
        ":26379/main",
        "a,,b/main",
        "a:26379/main/first",
        "a:26379/main?password=secret",
        "a:26379/main#secret",
        "u:sec/ret@a:26379/main",
    ],
)
def test_a_malformed_url_is_refused_with_the_form_that_is_expected_and_without_showing_it(rest: str) -> None:
    with pytest.raises(SettingsError) as caught:
        connect(f"redis+sentinel://{rest}")
    assert "expected redis+sentinel://[USER:PASSWORD@]HOST" in str(caught.value)
    assert "sec" not in str(caught.value).replace("special", "").split("expected")[0]
    assert caught.value.__cause__ is None


def test_a_replica_that_was_a_primary_is_left(sentinels: Sentinels) -> None:
    """Nobody died: the Sentinels were asked to change places."""
    redis = connect(sentinels.url)
    redis.set("vmdrift:x", 1)
    before = sentinels.primary()
    with sentinels.sentinel(sentinels.ports[0]) as sentinel:
        assert wait_for(lambda: _handed_over(sentinel), 60)
    assert wait_for(lambda: sentinels.primary() != before, 60)

    def written() -> bool:
        """What the old primary took in before it stepped down is lost, as docs/operations.md says: so once more."""
        try:
            redis.set("vmdrift:x", 2)
            return bool(connect(sentinels.url).get("vmdrift:x") == b"2")
        except (RedisError, StoreError):
            return False

    assert wait_for(written, 60)


def _handed_over(sentinel: Redis) -> bool:
    """Refused until the replica has been heard of lately."""
    try:
        return bool(sentinel.sentinel_failover(NAME))
    except ResponseError:
        return False
