"""The admission policies that k8s/ ships, of all roles."""

from simulator.api.api import Admit
from simulator.api.policies import policies
from simulator.client import Obj
from simulator.store.store import Store
from tests.support.places import K8S

FILES = (K8S / "base" / "admission.yaml", K8S / "components" / "fencing" / "admission.yaml")
SHIPPED = "\n---\n".join(file.read_text() for file in FILES)


def admission(store: Store, manifest: str = SHIPPED) -> Admit:
    """Of a cluster in which they are installed: the ConfigMap is there from the start, and empty."""

    def find(resource: str, name: str, namespace: str) -> Obj | None:
        return store.find(resource, name, namespace) or {"metadata": {"name": name, "namespace": namespace}}

    return policies(manifest, find)
