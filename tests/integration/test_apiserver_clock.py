"""Every answer bears the API's own time, so that a client can tell how far off other clocks are."""

from collections.abc import Iterator

import pytest
import urllib3

from simulator.api.api import Api
from simulator.apiserver import ApiServer
from simulator.store.store import Store


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(Api(Store(lambda: 1_795_000_000.5))) as running:
        yield running


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nodes", "/api/v1/nodes/none", "/apis", "/readyz", "/api/v1/nodes?watch=true&timeoutSeconds=1"],
)
def test_every_answer_bears_the_time_of_the_apis_clock(server: ApiServer, path: str) -> None:
    with urllib3.PoolManager() as pool:
        response = pool.request("GET", server.url + path, preload_content=False)
        response.close()
    assert response.headers["Date"] == "Wed, 18 Nov 2026 11:06:40 GMT"
