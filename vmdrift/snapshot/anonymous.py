"""Names in a dump -> made-up ones, the same for the same, so that it is judged as before.

Whatever is no word of Kubernetes' or KubeVirt's own is replaced: no name gets out that nobody thought of.
Pseudonyms sort as the names did, because VMs find room one after the other.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from reactor.model.objects import JsonObject

Objects = Mapping[str, list[JsonObject]]

# Fields that hold words and numbers, and no names.
_WORDS = frozenset(
    {
        *("apiVersion", "kind", "type", "status", "phase", "reason", "state", "action", "uid", "resourceVersion"),
        *("effect", "operator", "whenUnsatisfiable", "nodeAffinityPolicy", "nodeTaintsPolicy", "restartPolicy"),
        *("accessModes", "architecture", "preferredArchitecture", "runStrategy", "updateVolumesStrategy"),
        "startStrategy",  # always Paused
        *("printableStatus", "bootID", "systemUUID", "attachPodUID", "deviceName", "ioThreadsPolicy", "dataLocality"),
        *("renewTime", "acquireTime", "timeAdded", "lastTransitionTime", "lastHeartbeatTime", "creationTimestamp"),
        *("deletionTimestamp", "retryAfterTimestamp"),
    }
)
# Objects that hold nothing else.
_PLAIN = frozenset(
    {
        *("domain", "cpu", "memory", "features", "machine", "firmware", "devices", "clock", "launchSecurity"),
        *("requirements", "requests", "limits", "overhead", "allocatable"),
    }
)
_LABEL_MAPS = frozenset({"labels", "matchLabels", "nodeSelector"})
_KEYS = frozenset({"finalizers", "key", "topologyKey", "matchLabelKeys"})  # fields that hold what labels are called
_DRIVERS = frozenset({"attacher", "driver"})
_OWN_ANNOTATIONS = frozenset(
    {"vmdrift.io/detach", "vmdrift.io/fencing", "vmdrift.io/policy", "vmdrift.io/require-fence"}
)
_OWN_KEY = re.compile(
    r"(.*\.)?(kubernetes|k8s|kubevirt|openshift)\.io/.*|kubevirt\.io|cpumanager|persistent-state-for|metadata\.name(space)?"
    r"|foregroundDeleteVirtualMachine|"
)
# Never a name, in whatever field it is.
_NO_NAME = re.compile(
    r"-?[0-9.]+([eE][+-]?[0-9]+|[numkMGTPE]i?)?|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)"
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|default(-scheduler)?|kube-(node-lease|public|system|controller-manager)"
    r"|nodeshutdown|virt-launcher|hotplug-disk|true|false|amd64|arm64|s390x|linux|"
)
_SYSTEM = frozenset({"default", "kube-node-lease", "kube-public", "kube-system", "kube-controller-manager"})
_CEPH = re.compile(r"(.+)(\.(?:rbd|cephfs|nfs)\.csi\.ceph\.com)")
_HANDLE = re.compile(r"0001-([0-9a-f]{4})-(.+)")
_STATE, _ATTACHER = "persistent-state-for-", "external-attacher/"
# What a pseudonym begins with, by the first kind that has the name.
_PREFIXES = {
    "nodes": "node",
    "namespaces": "namespace",
    "virtualmachines": "vm",
    "virtualmachineinstances": "vm",
    "pods": "pod",
    "persistentvolumeclaims": "claim",
    "persistentvolumes": "volume",
}

Rename = Callable[[str], str]


def anonymous(objects: Objects) -> Objects:
    """The same cluster, with made-up names."""
    texts: set[str] = set()

    def collect(text: str) -> str:
        texts.add(text)
        return text

    _renamed_all(objects, collect)
    names = _pseudonyms(objects, texts)
    renamed = _renamed_all(objects, lambda text: names.get(text, text))
    _rename_attachments(objects, renamed)
    return renamed


def _renamed_all(objects: Objects, rename: Rename) -> Objects:
    return {resource: [_object(resource, obj, rename) for obj in of_kind] for resource, of_kind in objects.items()}


def _object(resource: str, obj: JsonObject, rename: Rename) -> JsonObject:
    renamed: JsonObject = _renamed(obj, "", rename)
    if resource == "csidrivers":
        renamed["metadata"]["name"] = _driver(obj["metadata"]["name"], rename)
    for condition in (renamed.get("status") or {}).get("conditions") or ():
        condition.pop("message", None)
    return renamed


def _renamed(value: Any, field: str, rename: Rename) -> Any:
    """`field`: the key under which it stands."""
    if isinstance(value, Mapping):
        return _mapping(value, field, rename)
    if isinstance(value, list):
        return [_renamed(item, field, rename) for item in value]
    if not isinstance(value, str) or field in _WORDS:
        return value
    if field in _KEYS:
        return _key(value, rename)
    return _driver(value, rename) if field in _DRIVERS else _name(value, rename)


def _mapping(mapping: Mapping[str, Any], field: str, rename: Rename) -> JsonObject:
    if field in _PLAIN:
        return dict(mapping)
    if field in _LABEL_MAPS:
        return {_key(key, rename): _renamed(value, "", rename) for key, value in mapping.items()}
    if field == "annotations":
        return {key: _annotation(key, value, rename) for key, value in mapping.items()}
    renamed = {key: _renamed(value, key, rename) for key, value in mapping.items()}
    if field == "csi" and (cluster_id := _cluster_id(mapping)):
        renamed["volumeAttributes"] = {**renamed.get("volumeAttributes", {}), "clusterID": _name(cluster_id, rename)}
    return renamed


def _name(text: str, rename: Rename) -> str:
    """Of a state claim the beginning is KubeVirt's."""
    return _STATE + rename(text.removeprefix(_STATE)) if text.startswith(_STATE) else rename(text)


def _key(text: str, rename: Rename) -> str:
    """Of an attacher's finalizer the beginning is the same for every driver."""
    if text.startswith(_ATTACHER):
        return _ATTACHER + rename(text.removeprefix(_ATTACHER))
    return text if _OWN_KEY.fullmatch(text) else f"example.com/{rename(text)}"


def _driver(text: str, rename: Rename) -> str:
    """Rook puts its namespace in front of Ceph's."""
    match = _CEPH.fullmatch(text)
    return _name(match[1], rename) + match[2] if match else text


def _annotation(key: str, value: Any, rename: Rename) -> Any:
    """A namespace's selector is written as a text."""
    if not key.endswith("node-selector") or not isinstance(value, str):
        return value if key in _OWN_ANNOTATIONS else _renamed(value, "", rename)
    pairs = (pair.strip().partition("=") for pair in value.split(","))
    return ",".join(f"{_key(label, rename)}{sign}{_name(text, rename)}" for label, sign, text in pairs)


def _cluster_id(csi: Mapping[str, Any]) -> str:
    """Where it stands in the handle only, which is replaced as a whole: see `workers.observe.volumes`."""
    handle = _HANDLE.match(str(csi.get("volumeHandle")))
    explicit = (csi.get("volumeAttributes") or {}).get("clusterID")
    return str(explicit or (handle[2][: int(handle[1], 16)] if handle else ""))


def _pseudonyms(objects: Objects, texts: Iterable[str]) -> Mapping[str, str]:
    """A namespace sorts before a "/", in front of its VMs."""
    prefixes = {
        _name_of(obj): prefix for resource, prefix in reversed(_PREFIXES.items()) for obj in objects.get(resource, ())
    }
    object_names = {_name_of(obj) for of_kind in objects.values() for obj in of_kind} - _SYSTEM
    names = [name for name in texts if name in object_names or not _NO_NAME.fullmatch(name)]
    names.sort(key=lambda name: f"{name}/" if prefixes.get(name) == "namespace" else name)
    mark = ""
    while not (pseudonyms := _numbered(names, prefixes, mark)).keys().isdisjoint(pseudonyms.values()):
        mark += "x"  # no pseudonym is a name that was replaced
    return pseudonyms


def _numbered(names: Sequence[str], prefixes: Mapping[str, str], mark: str) -> Mapping[str, str]:
    width = len(str(len(names)))
    return {name: f"{prefixes.get(name, 'name')}-{mark}{number:0{width}}" for number, name in enumerate(names, 1)}


def _name_of(obj: JsonObject) -> str:
    return str(obj["metadata"]["name"])


def _rename_attachments(objects: Objects, renamed: Objects) -> None:
    """A VolumeAttachment's name is made of handle, driver and node: `workers.observe` finds it by that."""
    before, after = _handles(objects), _handles(renamed)
    for old, new in zip(objects.get("volumeattachments", ()), renamed.get("volumeattachments", ()), strict=True):
        if old["metadata"]["name"] == _attachment_name(old, before):
            new["metadata"]["name"] = _attachment_name(new, after)


def _handles(objects: Objects) -> Mapping[str, str]:
    """Handle and driver by the volume's name."""
    csi = {pv["metadata"]["name"]: pv.get("spec", {}).get("csi") or {} for pv in objects.get("persistentvolumes", ())}
    return {name: f"{source.get('volumeHandle')}{source.get('driver')}" for name, source in csi.items()}


def _attachment_name(obj: JsonObject, handles: Mapping[str, str]) -> str:
    spec = obj.get("spec") or {}
    volume, node = (spec.get("source") or {}).get("persistentVolumeName"), spec.get("nodeName")
    return f"csi-{sha256(f'{handles.get(str(volume))}{node}'.encode()).hexdigest()}"
