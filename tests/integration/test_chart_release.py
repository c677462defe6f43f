"""Helm itself installs, upgrades, rolls back and uninstalls the chart, on the simulated API server."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from simulator.api.api import Api
from simulator.apiserver import ApiServer, kubeconfig
from simulator.store.store import Store
from tests.support.applying import INSTALLED, ApplyingHandler
from tests.support.helm import Helm, Refused, rendered
from tests.support.manifests import Obj, built, kubectl, without_place

pytestmark = pytest.mark.long(10)
SPACE = "vm-drift"
PLURALS = {(kind.api_version, kind.kind): kind for kind in INSTALLED}
HOLD = {"hold_all": '{"by": "ann", "why": "a look at it"}'}
PROOF = {"fence_node-a": '{"confirmation": {}}'}
BEFORE: Mapping[str, Any] = {"settings": {"VMDRIFT_POLICY": "observe", "VMDRIFT_RESYNC": 30}}
AFTER: Mapping[str, Any] = {
    "settings": {"VMDRIFT_POLICY": "auto", "VMDRIFT_FENCING": "event"},
    "fencing": {"enabled": True},
    "redis": {"sentinel": {"enabled": True}},
    "roles": {"drifts": {"replicas": 4}},
}


class Cluster:
    """With the namespace and the Secrets that people make first."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(time.time, resources=INSTALLED)
        self.api = Api(self.store, tokens={"": "system:admin"})
        self.admin = self.api.client("system:admin")
        self.server = ApiServer(self.api, skin=ApplyingHandler)
        self.kubeconfig = folder / "kubeconfig"
        self.admin.create("namespaces", {"metadata": {"name": SPACE}})
        for name in ("redis", "senders"):
            self.admin.create("secrets", {"metadata": {"name": name, "namespace": SPACE}})

    def found(self, obj: Obj) -> Obj | None:
        """The same object as it is stored."""
        kind = PLURALS[obj["apiVersion"], obj["kind"]]
        return self.store.find(kind.plural, obj["metadata"]["name"], SPACE if kind.namespaced else "")

    def differs(self, objects: tuple[Obj, ...]) -> list[str]:
        """Which of these are not there as they should be; all else that is there is not looked at."""
        return [f"{obj['kind']} {obj['metadata']['name']}" for obj in objects if not _within(obj, self.found(obj))]

    def there(self) -> set[str]:
        """Everything that Helm has made, but for its own records."""
        return {
            f"{kind.kind} {obj['metadata']['name']}"
            for kind in INSTALLED
            for obj in self.store.objects(kind.plural).values()
            if obj["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "Helm"
        }

    def ask(self) -> None:
        """Somebody holds everything, and a node is proven dead."""
        self.admin.patch("configmaps", "vm-drift-interventions", {"data": HOLD}, SPACE)
        self.admin.patch("configmaps", "vm-drift-fencing", {"data": PROOF}, SPACE)

    def uids(self) -> Mapping[str, str]:
        """Of everything that is stored."""
        stored = [(kind, obj) for kind in INSTALLED for obj in self.store.objects(kind.plural).values()]
        return {f"{kind.kind} {obj['metadata']['name']}": obj["metadata"]["uid"] for kind, obj in stored}

    def data(self, name: str) -> Any:
        return self.store.get("configmaps", name, SPACE).get("data")


def _within(wanted: Any, there: Any) -> bool:
    """All that is wanted is there; Kubernetes and Helm may have written more.

    In lists nothing more, in any order: the simulated API server does not put a patched list in order, as real ones do.
    """
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(_within(value, there.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        known = isinstance(there, list) and len(there) == len(wanted)
        return known and all(any(_within(one, other) for other in there) for one in wanted)
    return bool(wanted == there)


def names(objects: tuple[Obj, ...]) -> set[str]:
    return {f"{obj['kind']} {obj['metadata']['name']}" for obj in objects}


@pytest.fixture
def helm(cluster: Cluster) -> Iterator[Helm]:
    with Helm(cluster.kubeconfig) as helm:
        yield helm


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    with made.server:
        made.kubeconfig.write_text(json.dumps(kubeconfig(made.server.url, "")))
        yield made


# The simulated API server knows the ports of pods only: it would merge those of Services wrongly.
@pytest.mark.parametrize(
    ("applied", "after"),
    [("true", AFTER), ("false", {key: AFTER[key] for key in AFTER if key != "redis"})],
    ids=["server-side", "client-side"],
)
def test_a_release_is_installed_changed_and_rolled_back_and_leaves_alone_what_people_ask_for(
    cluster: Cluster, helm: Helm, applied: str, after: Mapping[str, Any]
) -> None:
    """As Helm 4 does it, and as Helm 3."""
    before, changed = rendered(BEFORE), rendered(after)
    helm.run("install", BEFORE, server_side_apply=applied == "true")
    assert (cluster.differs(before), cluster.there()) == ([], names(before))

    cluster.ask()
    helm.run("upgrade", after, server_side_apply=applied)
    assert (cluster.differs(changed), cluster.there()) == ([], names(changed))
    assert cluster.data("settings") == {"VMDRIFT_POLICY": "auto", "VMDRIFT_FENCING": "event"}

    helm.run("rollback", server_side_apply=applied)
    assert (cluster.differs(before), cluster.there()) == ([], names(before))
    assert cluster.data("settings") == {"VMDRIFT_POLICY": "observe", "VMDRIFT_RESYNC": "30"}  # so it observes again
    assert (cluster.data("vm-drift-interventions"), cluster.data("vm-drift-fencing")) == (HOLD, PROOF)


def test_a_forced_replacement_lifts_every_hold_and_forgets_every_proof_as_the_docs_warn(
    cluster: Cluster, helm: Helm
) -> None:
    helm.run("install", BEFORE, server_side_apply=False)
    cluster.ask()
    helm.run("upgrade", AFTER, server_side_apply="false", force_replace=True)
    assert (cluster.data("vm-drift-interventions"), cluster.data("vm-drift-fencing")) == (None, None)


@kubectl
def test_what_kustomize_installed_becomes_a_release_without_anything_being_deleted(
    cluster: Cluster, helm: Helm
) -> None:
    for obj in without_place(built("plain")):
        if obj["kind"] != "Namespace":
            cluster.admin.create(PLURALS[obj["apiVersion"], obj["kind"]].plural, dict(obj))
    cluster.ask()
    uids = cluster.uids()
    with pytest.raises(Refused, match="cannot be imported into the current release"):
        helm.run("install")
    helm.run("install", take_ownership=True)
    assert cluster.differs(rendered({})) == []
    assert cluster.uids() == uids
    assert cluster.data("vm-drift-interventions") == HOLD


def test_what_is_uninstalled_leaves_the_namespace_and_its_secrets_and_nothing_else(
    cluster: Cluster, helm: Helm
) -> None:
    helm.run("install", AFTER)
    helm.run("uninstall")
    assert cluster.there() == set()
    assert [meta["name"] for meta in _metas(cluster, "secrets")] == ["redis", "senders"]
    assert [meta["name"] for meta in _metas(cluster, "namespaces")] == [SPACE]
    assert list(_metas(cluster, "clusterroles")) == []


def _metas(cluster: Cluster, resource: str) -> Iterator[Obj]:
    yield from (obj["metadata"] for obj in cluster.admin.list(resource))


def test_whoever_installs_it_is_told_what_is_missing(cluster: Cluster, helm: Helm) -> None:
    cluster.admin.delete("secrets", "senders", SPACE)
    told = helm.run("install")["notes"]
    assert "MISSING: the Secret senders (who may log in to the page and post events)." in told
    assert "MISSING: the Secret redis" not in told
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    assert "does not enforce restricted pods" in told
    cluster.admin.patch("namespaces", SPACE, label)
    assert "does not enforce restricted pods" not in helm.run("upgrade")["notes"]
