"""`make e2e` makes the namespace in which a proof is written, where there is none, and leaves what there was."""

import pytest

from simulator.api.api import Api
from simulator.api.refusing import unplaced
from simulator.client import ApiError, Client, Obj
from simulator.store.store import Store
from tests.e2e.home import NAMESPACE, home

PROOF = {"metadata": {"name": "vm-drift-fencing", "namespace": NAMESPACE}}


@pytest.fixture
def client() -> Client:
    api = Api(Store(lambda: 0.0))
    unplaced(api)
    return api.client("system:admin")


def _there(client: Client) -> list[Obj]:
    return [*client.list("namespaces"), *client.list("configmaps")]


def test_nothing_is_created_in_a_namespace_that_is_not_there(client: Client) -> None:
    with pytest.raises(ApiError, match='404 NotFound: namespaces "vm-drift" not found'):
        client.create("configmaps", PROOF)


def test_a_proof_can_be_written_and_nothing_of_it_stays(client: Client) -> None:
    with home(client):
        written = client.patch("configmaps", "vm-drift-fencing", {"data": {"node-a": "off"}}, NAMESPACE)
        assert written["data"] == {"node-a": "off"}
        assert client.get("configmaps", "vm-drift-interventions", NAMESPACE)
    assert _there(client) == []


def test_what_was_there_before_stays_as_it_was(client: Client) -> None:
    client.create("namespaces", {"metadata": {"name": NAMESPACE}})
    client.create("configmaps", PROOF | {"data": {"node-b": "off"}})
    before = _there(client)
    with home(client), home(client):
        assert len(_there(client)) == 4
    assert _there(client) == before
