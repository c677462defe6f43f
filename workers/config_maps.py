"""The ConfigMaps that we write to: do they exist, may we write, and what is to be created if not.

Where one cannot be written, nothing that others report is kept; so this is checked at start.
"""

from reactor.adapters.kubernetes.cluster import ConfigMapWriter
from reactor.model.errors import Forbidden, NotFound, Rejected, SettingsError


def creating(name: str, namespace: str) -> str:
    """What an administrator has to do, as a sentence."""
    commands = f"kubectl create namespace {namespace}; kubectl -n {namespace} create configmap {name}"
    return f"Create what is missing: {commands}; and allow the account that runs this to patch it."


def writable(writer: ConfigMapWriter, name: str, namespace: str) -> None:
    """SettingsError where nothing can be written there, with what to do. Raises ClusterError."""
    try:
        writer.rehearse(name, namespace)
    except (Forbidden, NotFound, Rejected) as error:
        problem = f"ConfigMap {name} in namespace {namespace} (VMDRIFT_NAMESPACE) cannot be written: {error}."
        raise SettingsError(f"{problem} {creating(name, namespace)}") from error
