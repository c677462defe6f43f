"""Where the API server serves each kind and object."""

from urllib.parse import quote

from reactor.model.names import named

# The API group of each kind; exactly those that are used, besides what a setting names as "group/version/plural".
_GROUPS = {
    "api/v1": ("configmaps", "events", "namespaces", "nodes", "pods", "persistentvolumeclaims", "persistentvolumes"),
    "apis/apps/v1": ("controllerrevisions",),
    "apis/coordination.k8s.io/v1": ("leases",),
    "apis/csiaddons.openshift.io/v1alpha1": ("csiaddonsnodes", "networkfenceclasses", "networkfences"),
    "apis/hwameistor.io/v1alpha1": ("localvolumes", "localvolumereplicas"),
    "apis/metal3.io/v1alpha1": ("baremetalhosts",),
    "apis/storage.k8s.io/v1": ("csidrivers", "storageclasses", "volumeattachments"),
    "apis/kubevirt.io/v1": (
        "kubevirts",
        "virtualmachines",
        "virtualmachineinstances",
        "virtualmachineinstancereplicasets",
    ),
}
# The VM as KubeVirt expands it with its instance type and preference; requested by the VM's name.
EXPAND_SPEC = "virtualmachines/expand-spec"
_SUBRESOURCES = {EXPAND_SPEC: "apis/subresources.kubevirt.io/v1"}
_PREFIX = {resource: prefix for prefix, resources in _GROUPS.items() for resource in resources}


def plural(resource: str) -> str:
    """As RBAC names it: the last word of "group/version/plural"; a kind known here is only that word."""
    return resource if resource in _SUBRESOURCES else resource.rpartition("/")[2]


def api_prefix(resource: str) -> str:
    """Where its paths begin: "api/v1", "apis/GROUP/VERSION"."""
    if resource in _SUBRESOURCES:
        return _SUBRESOURCES[resource]
    version, _, kind = resource.rpartition("/")
    return f"apis/{version}" if version else _PREFIX[kind]


def list_path(resource: str, namespace: str = "") -> str:
    """Of the list of a kind."""
    return "/".join([api_prefix(resource), *_place(namespace), plural(resource)])


def object_path(resource: str, namespace: str, name: str) -> str:
    """Of an object, and never of a list. Raises InvalidName."""
    kind, *part = plural(resource).split("/")
    return "/".join([api_prefix(resource), *_place(namespace), kind, quote(named(name), safe=""), *part])


def _place(namespace: str) -> list[str]:
    return ["namespaces", quote(named(namespace), safe="")] if namespace else []
