"""Names in a dump -> made-up ones, the same for the same, so that it is judged as before.

Whatever is no word of Kubernetes' or KubeVirt's own is replaced: a name that nobody thought of never comes out.
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
        *("printableStatus", "bootID", "systemUUID", "attachPodUID", "deviceName", "ioThreadsPolicy", "dataLocality"),
        *("renewTime", "acquireTime", "timeAdded", "lastTransitionTime", "lastHeartbeatTime", "creationTimestamp"),
        *("deletionTimestamp", "retryAfterTimestamp"),
    }
)
# Objects of nothing else.
_PLAIN = frozenset(
    {
        *("domain", "cpu", "memory", "features", "machine", "firmware", "devices", "clock", "launchSecurity"),
        *("requirements", "requests", "limits", "overhead", "allocatable"),
    }
)
_LABEL_MAPS = frozenset({"labels", "matchLabels", "nodeSelector"})
_KEYS = frozenset({"finalizers", "key", "topologyKey", "matchLabelKeys"})  # fields that hold what labels are called
_DRIVERS = frozenset({"attacher", "driver"})
_SAID = frozenset({"vmdrift.io/detach", "vmdrift.io/fencing", "vmdrift.io/policy", "vmdrift.io/require-fence"})
_OWN_KEY = re.compile(
    r"(.*\.)?(kubernetes|k8s|kubevirt|openshift)\.io/.*|kubevirt\.io|cpumanager|persistent-state-for|metadata\.name(space)?|"
)
# Whatever field it stands in, this is nobody's name.
_NO_NAME = re.compile(
    r"-?[0-9.]+([eE][+-]?[0-9]+|[numkMGTPE]i?)?|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)"
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|default(-scheduler)?|kube-(node-lease|public|system|controller-manager)"
    r"|nodeshutdown|virt-launcher|hotplug-disk|true|false|amd64|arm64|s390x|linux|"
)
_SYSTEM = frozenset({"default", "kube-node-lease", "kube-public", "kube-system", "kube-controller-manager"})
_CEPH = re.compile(r"(.+)(\.(?:rbd|cephfs|nfs)\.csi\.ceph\.com)")
_HANDLE = re.compile(r"0001-([0-9a-f]{4})-(.+)")
_STATE = "persistent-state-for-"
# What a name is called by, by the first kind that has it.
_CALLED = {
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
    """The same cluster, of nobody."""
    found: set[str] = set()

    def collect(text: str) -> str:
        found.add(text)
        return text

    _all(objects, collect)
    names = _pseudonyms(objects, found)
    made = _all(objects, lambda text: names.get(text, text))
    _attached(objects, made)
    return made


def _all(objects: Objects, rename: Rename) -> Objects:
    return {resource: [_object(resource, obj, rename) for obj in some] for resource, some in objects.items()}


def _object(resource: str, obj: JsonObject, rename: Rename) -> JsonObject:
    made: JsonObject = _renamed(obj, "", rename)
    if resource == "csidrivers":
        made["metadata"]["name"] = _driver(obj["metadata"]["name"], rename)
    for condition in (made.get("status") or {}).get("conditions") or ():
        condition.pop("message", None)
    return made


def _renamed(value: Any, field: str, rename: Rename) -> Any:
    """`field`: the key under which it stands."""
    if isinstance(value, Mapping):
        return _mapping(value, field, rename)
    if isinstance(value, list):
        return [_renamed(one, field, rename) for one in value]
    if not isinstance(value, str) or field in _WORDS:
        return value
    if field in _KEYS:
        return _key(value, rename)
    return _driver(value, rename) if field in _DRIVERS else _name(value, rename)


def _mapping(found: Mapping[str, Any], field: str, rename: Rename) -> JsonObject:
    if field in _PLAIN:
        return dict(found)
    if field in _LABEL_MAPS:
        return {_key(key, rename): _renamed(value, "", rename) for key, value in found.items()}
    if field == "annotations":
        return {key: _annotation(key, value, rename) for key, value in found.items()}
    made = {key: _renamed(value, key, rename) for key, value in found.items()}
    if field == "csi" and (known := _cluster_id(found)):
        made["volumeAttributes"] = {**made.get("volumeAttributes", {}), "clusterID": _name(known, rename)}
    return made


def _name(text: str, rename: Rename) -> str:
    """Of a state claim the beginning is KubeVirt's."""
    return _STATE + rename(text.removeprefix(_STATE)) if text.startswith(_STATE) else rename(text)


def _key(text: str, rename: Rename) -> str:
    return text if _OWN_KEY.fullmatch(text) else f"example.com/{rename(text)}"


def _driver(text: str, rename: Rename) -> str:
    """Rook puts its namespace in front of Ceph's."""
    found = _CEPH.fullmatch(text)
    return _name(found[1], rename) + found[2] if found else text


def _annotation(key: str, value: Any, rename: Rename) -> Any:
    """A namespace's selector is written as a text."""
    if not key.endswith("node-selector") or not isinstance(value, str):
        return value if key in _SAID else _renamed(value, "", rename)
    pairs = (pair.strip().partition("=") for pair in value.split(","))
    return ",".join(f"{_key(one, rename)}{sign}{_name(other, rename)}" for one, sign, other in pairs)


def _cluster_id(csi: Mapping[str, Any]) -> str:
    """Where it stands in the handle only, which is replaced as a whole: see `workers.observe.volumes`."""
    handle = _HANDLE.match(str(csi.get("volumeHandle")))
    named = (csi.get("volumeAttributes") or {}).get("clusterID")
    return str(named or (handle[2][: int(handle[1], 16)] if handle else ""))


def _pseudonyms(objects: Objects, found: Iterable[str]) -> Mapping[str, str]:
    """A namespace sorts before a "/", in front of its VMs."""
    kinds = {_named(obj): called for what, called in reversed(_CALLED.items()) for obj in objects.get(what, ())}
    taken = {_named(obj) for some in objects.values() for obj in some} - _SYSTEM
    names = [name for name in found if name in taken or not _NO_NAME.fullmatch(name)]
    names.sort(key=lambda name: f"{name}/" if kinds.get(name) == "namespace" else name)
    mark = ""
    while not (made := _numbered(names, kinds, mark)).keys().isdisjoint(made.values()):
        mark += "x"  # nothing is called what something else was called
    return made


def _numbered(names: Sequence[str], kinds: Mapping[str, str], mark: str) -> Mapping[str, str]:
    width = len(str(len(names)))
    return {name: f"{kinds.get(name, 'name')}-{mark}{number:0{width}}" for number, name in enumerate(names, 1)}


def _named(obj: JsonObject) -> str:
    return str(obj["metadata"]["name"])


def _attached(objects: Objects, made: Objects) -> None:
    """A VolumeAttachment's name is made of handle, driver and node: `workers.observe` finds it by that."""
    before, after = _handles(objects), _handles(made)
    for old, new in zip(objects.get("volumeattachments", ()), made.get("volumeattachments", ()), strict=True):
        if old["metadata"]["name"] == _attachment(old, before):
            new["metadata"]["name"] = _attachment(new, after)


def _handles(objects: Objects) -> Mapping[str, str]:
    """Handle and driver by the volume's name."""
    csi = {pv["metadata"]["name"]: pv.get("spec", {}).get("csi") or {} for pv in objects.get("persistentvolumes", ())}
    return {name: f"{one.get('volumeHandle')}{one.get('driver')}" for name, one in csi.items()}


def _attachment(obj: JsonObject, handles: Mapping[str, str]) -> str:
    spec = obj.get("spec") or {}
    volume, node = (spec.get("source") or {}).get("persistentVolumeName"), spec.get("nodeName")
    return f"csi-{sha256(f'{handles.get(str(volume))}{node}'.encode()).hexdigest()}"
