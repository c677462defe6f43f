"""The ConfigMaps that we write to: do they exist, may we write, and what is to be created if not.

Where one cannot be written nothing that is said to us lasts, so it shows at start, and not in the night.
"""

from reactor.adapters.kubernetes.cluster import ConfigMapWriter
from reactor.model.errors import Forbidden, NotFound, Rejected, SettingsError


def creating(name: str, namespace: str) -> str:
    """What a person has to do, as a sentence."""
    commands = f"kubectl create namespace {namespace}; kubectl -n {namespace} create configmap {name}"
    return f"Create what is missing of it: {commands}; and give whoever runs this the right to patch it."


def writable(notebook: ConfigMapWriter, name: str, namespace: str) -> None:
    """SettingsError where nothing can be written there, with what to do. Raises ClusterError."""
    try:
        notebook.rehearse(name, namespace)
    except (Forbidden, NotFound, Rejected) as error:
        told = f"ConfigMap {name} in namespace {namespace} (VMDRIFT_NAMESPACE) cannot be written: {error}."
        raise SettingsError(f"{told} {creating(name, namespace)}") from error
