"""A real API server compiles the admission policies that we ship, in a dry run: nothing is made."""

from collections.abc import Iterator

import pytest
import yaml

from simulator.http.client import HttpClient
from tests.e2e.surroundings import Access, Surroundings
from tests.support.policies import SHIPPED

pytestmark = pytest.mark.e2e
PLURALS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}


@pytest.fixture
def client(around: Surroundings) -> Iterator[HttpClient]:
    access = Access(around)
    yield access.own
    access.close()


def test_every_policy_and_binding_is_taken_and_none_is_made(client: HttpClient) -> None:
    before = client.list(PLURALS["ValidatingAdmissionPolicy"])
    for document in yaml.safe_load_all(SHIPPED):
        taken = client.create(PLURALS[document["kind"]], document, dry=True)
        assert taken["spec"].keys() >= document["spec"].keys()
    assert client.list(PLURALS["ValidatingAdmissionPolicy"]) == before
