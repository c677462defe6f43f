"""Which machine is it? By the UUIDs that nodes and BMCs report, however they write them."""

from collections.abc import Iterator, Mapping
from uuid import UUID


def ways(text: str) -> Iterator[UUID | str]:
    """How a UUID may be written: in SMBIOS the first three fields are little-endian, and some read them as they stand.

    DMTF DSP0134, 7.2.1; kubernetes/cloud-provider-vsphere, `ConvertK8sUUIDtoNormal`, turns systemUUID for that.
    """
    try:
        uuid = UUID(text)
    except ValueError:
        yield text.casefold()
        return
    yield uuid
    yield UUID(bytes=uuid.bytes_le)


def same(one: str, other: str) -> bool:
    """Do both name one machine? An unknown one equals no other."""
    return bool(one and other) and not set(ways(one)).isdisjoint(ways(other))


def twins(machines: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The nodes whose systemUUID another one has too, each with those others. `machines`: systemUUID by node."""
    nodes_by_uuid: dict[UUID | str, list[str]] = {}
    for node, machine in sorted(machines.items()):
        for way in set(ways(machine)) if machine else ():
            nodes_by_uuid.setdefault(way, []).append(node)
    others = {node: {name for way in set(ways(m)) for name in nodes_by_uuid[way]} for node, m in machines.items() if m}
    return {node: tuple(sorted(names - {node})) for node, names in others.items() if len(names) > 1}
