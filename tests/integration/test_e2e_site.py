"""A site of `make e2e` on the simulated control plane, over HTTP, and a story on it that breaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reactor.model.fencing import CONFIG_MAP
from simulator.process import Cluster
from simulator.scene import Storage, Vm
from tests.e2e.home import NAMESPACE
from tests.e2e.once import once
from tests.e2e.site import Site
from tests.e2e.site import site as a_site
from tests.e2e.surroundings import Surroundings

TIMES = 30.0
LEFT = ("nodes", "virtualmachineinstances", "persistentvolumes", "configmaps")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A simulated control plane without machines."""
    cluster = Cluster(tmp_path, TIMES, None)
    cluster.start()
    yield cluster
    cluster.stop()


@contextmanager
def _breaks(around: Surroundings) -> Iterator[Site]:
    """With a VM whose claim and volume the control plane binds, and whose disk it plugs; then its node is lost."""
    with a_site(around) as site:
        site.add(Vm("plugged", Storage.RBD_HOTPLUGGED, node=site.nodes[0]))
        site.client.patch("configmaps", CONFIG_MAP, {"data": {"proof": "can be written"}}, NAMESPACE)
        site.hypervisor.power_cut(site.nodes[0])
        site.until("the node is lost", lambda: site.ready(site.nodes[0]) == "Unknown")
        assert site.plane.endswith("+simulated")
        site.until("what never comes", lambda: False, 0.0)
        yield site


@pytest.mark.timeout(200)
def test_a_story_that_breaks_leaves_no_lost_node_for_the_next(cluster: Cluster, tmp_path: Path) -> None:
    around = Surroundings(tmp_path / "e2e.kubeconfig", tmp_path / "e2e.kubeconfig", times=TIMES)
    with once(_breaks(around)) as played:
        admin = cluster.api.client("system:admin")
        assert [obj for kind in LEFT for obj in admin.list(kind)] == []
        with pytest.raises(AssertionError, match="not within 0 s: what never comes"):
            played.get()
