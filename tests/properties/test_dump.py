"""The dump of any cluster is judged as that cluster, with and without names."""

from hypothesis import HealthCheck, assume, given, settings

from rehearsal.twins.cluster import ApiCluster
from tests.properties.furnished import Cluster
from tests.properties.placements import clusters
from tests.unit.vmdrift.dumps import alike
from vmdrift.snapshot import everything


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(clusters(marked=False))
def test_the_dump_of_any_cluster_is_judged_as_that_cluster(cluster: Cluster) -> None:
    world = cluster.world()
    assume(world is not None)
    assert world
    alike(everything(ApiCluster(world.api, "admin"), world.now))
