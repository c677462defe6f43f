"""A hold lasts as long as it says, whatever the clock of the machine shows on which somebody asked for it."""

from pathlib import Path

import pytest

from reactor.adapters.kubernetes.cluster import served_clock
from reactor.adapters.kubernetes.interventions import InterventionsConfigMap
from reactor.model.errors import Rejected
from reactor.model.intervention import CONFIG_MAP, interventions
from reactor.settings import Settings
from rehearsal.twins.cluster import ApiCluster
from simulator.apiserver import ApiServer
from tests.contracts.clusters import USER, an_api, over_http
from vmdrift.intervene.person import CommandLine

NOW = 1_795_000_000.0  # seconds since the epoch; no machine's clock shows it


def test_vmdrift_hold_reckons_by_the_api_servers_clock(tmp_path: Path) -> None:
    api = an_api()
    api.store.clock = lambda: NOW
    with ApiServer(api) as server, over_http(server.url, tmp_path) as cluster:
        person = CommandLine(Settings(), cluster).interventions
        person.hold("node-a", 1800.0, "why not", force=True)
        person.hold("node-b", None, "why not", force=True)
    kept = interventions(api.store.get("configmaps", CONFIG_MAP, "vm-drift"))
    assert [(one.target, one.at, one.until) for one in kept] == [
        ("node/node-a", NOW, NOW + 1800.0),
        ("node/node-b", NOW, None),
    ]


def test_and_takes_out_what_is_over_there_and_nothing_else(tmp_path: Path) -> None:
    api = an_api()
    api.store.clock = lambda: NOW
    with ApiServer(api) as server, over_http(server.url, tmp_path) as cluster:
        person = CommandLine(Settings(), cluster).interventions
        person.hold("node-a", 60.0, "why not", force=True)
        person.hold("node-b", 3600.0, "why not", force=True)
        api.store.clock = lambda: NOW + 60.0
        person.hold("all", 60.0, "why not")
    kept = interventions(api.store.get("configmaps", CONFIG_MAP, "vm-drift"))
    assert [one.target for one in kept] == ["all", "node/node-b"]


def test_an_api_server_that_told_no_time_yet_ends_nothing() -> None:
    cluster = ApiCluster(an_api(), USER)
    with pytest.raises(Rejected, match="no Date header"):
        InterventionsConfigMap(cluster, "vm-drift", served_clock(cluster)).clock()
