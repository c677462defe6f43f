"""In whose name `make e2e` plays kubelets and virt-handlers, and what an API server makes of it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.api.api import Api
from simulator.api.node_restriction import HANDLER
from simulator.apiserver import ApiServer, kubeconfig
from simulator.client import ApiError
from simulator.store.store import Store
from tests.e2e.surroundings import Access, Surroundings

VMIS = "virtualmachineinstances"
LABELS = {"metadata": {"labels": {"seen": "yes"}}}
RUNNING = {"status": {"phase": "Running"}}


@pytest.fixture
def api() -> Api:
    api = Api(Store(time.time), tokens={"": "admin"})
    api.store.create(VMIS, {"metadata": {"name": "vm", "namespace": "shop"}, "status": {"nodeName": "node-a"}})
    return api


@pytest.fixture(params=["yes", "no"])
def impersonate(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def access(api: Api, tmp_path: Path, impersonate: str) -> Iterator[Access]:
    with ApiServer(api) as server:
        (file := tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig(server.url, "")))
        access = Access(Surroundings.of({"KUBECONFIG": str(file), "IMPERSONATE": impersonate}))
        yield access
        access.close()


def test_a_virt_handler_writes_in_its_own_name_and_says_its_node(access: Access, api: Api, impersonate: str) -> None:
    written = access.of(HANDLER, "node-a").patch(VMIS, "vm", LABELS | RUNNING, "shop")
    assert written["metadata"]["labels"] == {"seen": "yes"}
    speaking = impersonate == "yes"
    assert api.audit[-1].user == (HANDLER if speaking else "admin")
    # What is not KubeVirt's is dropped, silently.
    assert written["status"].get("phase") == ("Running" if speaking else None)


@pytest.mark.parametrize("impersonate", ["yes"], indirect=True)
@pytest.mark.parametrize("node", ["", "node-b"])
def test_a_virt_handler_that_does_not_say_it_is_refused(access: Access, node: str) -> None:
    with pytest.raises(ApiError, match="Node restriction"):
        access.of(HANDLER, node).patch(VMIS, "vm", LABELS, "shop")


@pytest.mark.parametrize("impersonate", ["yes"], indirect=True)
def test_who_may_not_impersonate_is_refused(access: Access, api: Api) -> None:
    api.authorize = lambda user, verb, *_: (user, verb) != ("admin", "impersonate")
    with pytest.raises(ApiError, match=r'403 .* User "admin" cannot impersonate resource "users"'):
        access.of(HANDLER, "node-a").get(VMIS, "vm", "shop")
    assert access.own.get(VMIS, "vm", "shop")
