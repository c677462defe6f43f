"""What a change of an object's metadata means for a drift: is there a reason to look at it? Pure.

A phase or a condition is no metadata. That an instance runs shows in this: virt-handler writes it after virt-controller
has labelled the instance with its node (recorded traces).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reactor.model.drift import Record
from reactor.model.objects import Obj, number, text, texts

_NODE, _INSTANCE, _VM = "kubevirt.io/nodeName", "kubevirt.io/created-by", "vm.kubevirt.io/name"


@dataclass(frozen=True, slots=True)
class Meta:
    """Of an object's metadata what matters here. `node`, `instance` and `vm` are KubeVirt's labels, "" without them.

    `shown`: a digest of what people and controllers write: labels, annotations, generation, deletionTimestamp.
    """

    resource: str
    namespace: str
    name: str
    uid: str
    version: str
    deleting: bool
    node: str
    instance: str
    vm: str
    shown: int


def meta_of(resource: str, obj: Obj) -> Meta:
    """From an object, or its metadata alone."""
    meta = obj["metadata"]
    labels, deleting = texts(meta, "labels"), bool(meta.get("deletionTimestamp"))
    shown = (_items(labels), _items(texts(meta, "annotations")), number(meta, "generation"), deleting)
    return Meta(
        resource,
        text(meta, "namespace"),
        text(meta, "name"),
        text(meta, "uid"),
        text(meta, "resourceVersion"),
        deleting,
        labels.get(_NODE, ""),
        labels.get(_INSTANCE, ""),
        labels.get(_VM, ""),
        hash(shown),
    )


def _items(entries: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(entries.items())


def may_matter(before: Meta | None, meta: Meta, *, gone: bool) -> bool:
    """To any drift? `before`: the object as it was seen last, None if it is new."""
    if gone or meta.resource == "pods":
        return True
    if meta.resource == "virtualmachineinstances":
        return bool(meta.node) and before is not None and (before.uid, before.node) == (meta.uid, meta.node)
    return before is not None and before.shown != meta.shown


def matters(record: Record, meta: Meta, *, gone: bool) -> bool:
    """To this drift, as its record is now? Of what may matter."""
    if record.ended:
        return False
    if meta.resource == "pods":
        return _is_lost(record, meta, gone=gone)
    if meta.resource == "virtualmachineinstances":
        return record.released_at is None if gone else _is_new(record, meta)
    return True


def _is_lost(record: Record, meta: Meta, *, gone: bool) -> bool:
    """The lost launcher is evicted, or gone; or the scheduler has had another look at the new one."""
    if not record.vmi_uid or meta.instance != record.vmi_uid:
        return record.reason == "unschedulable"
    return record.released_at is None and (gone or meta.deleting)


def _is_new(record: Record, meta: Meta) -> bool:
    """Another instance than the lost one, or that one on another node."""
    return meta.uid != record.vmi_uid or meta.node != record.drift.outage.node.name
