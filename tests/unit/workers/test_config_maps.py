"""What we write to is there before anything starts, or it is said what to create."""

from typing import Any

import pytest

from reactor.model.errors import ClusterUnreachable, SettingsError
from reactor.settings import Settings
from rehearsal.twins.cluster import ApiCluster
from simulator.client import ApiError
from tests.contracts.clusters import an_api
from vmdrift.run import missing_config_maps
from workers.config_maps import writable

MISSING = ApiError(404, "NotFound", 'namespaces "vm-drift" not found', {"kind": "namespaces"})
FENCING = Settings(fencing=("event",))


def cluster(*faults: Any, objects: tuple[tuple[str, str, str], ...] = ()) -> ApiCluster:
    api = an_api()
    for resource, namespace, name in objects:
        api.client("admin").create(resource, {"metadata": {"name": name, "namespace": namespace}})
    api.faults += faults
    return ApiCluster(api, "somebody")


def test_a_place_that_can_be_written_is_well() -> None:
    writable(cluster(), "vm-drift-fencing", "vm-drift")


@pytest.mark.parametrize("error", [MISSING, ApiError(403, "Forbidden", "no"), ApiError(422, "Invalid", "no")])
def test_one_that_cannot_stops_the_process_with_what_to_create(error: ApiError) -> None:
    there = cluster(lambda request: error if request.verb in {"create", "patch"} else None)
    with pytest.raises(
        SettingsError, match="kubectl create namespace vm-drift; kubectl -n vm-drift create configmap a;"
    ):
        writable(there, "a", "vm-drift")


def test_an_api_server_that_is_away_says_nothing_of_it() -> None:
    with pytest.raises(ClusterUnreachable):
        writable(cluster(lambda _: ApiError(503, "Unavailable", "later")), "a", "vm-drift")


def test_vmdrift_run_says_what_is_missing_and_goes_on_where_nothing_stands_on_it() -> None:
    commands = [
        "  kubectl create namespace vm-drift",
        "  kubectl -n vm-drift create configmap vm-drift-interventions",
        "  kubectl -n vm-drift create configmap vm-drift-claims",
        "  kubectl -n vm-drift create configmap vm-drift-fencing",
    ]
    assert missing_config_maps(cluster(), Settings())[1:] == commands
    there = cluster(objects=(("namespaces", "", "vm-drift"), ("configmaps", "vm-drift", "vm-drift-interventions")))
    assert missing_config_maps(there, Settings())[1:] == commands[2:]


def test_it_does_not_start_where_proof_would_be_accepted_and_kept_nowhere() -> None:
    with pytest.raises(SettingsError, match="kubectl create namespace vm-drift"):
        missing_config_maps(cluster(), FENCING)
    places = ("vm-drift-interventions", "vm-drift-claims", "vm-drift-fencing")
    kept = tuple(("configmaps", "vm-drift", name) for name in places)
    assert missing_config_maps(cluster(objects=kept), FENCING) == []
    with pytest.raises(SettingsError, match="create configmap vm-drift-claims"):
        missing_config_maps(cluster(objects=(kept[0], kept[2])), FENCING)
